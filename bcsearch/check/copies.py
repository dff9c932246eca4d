"""Finds pictures that stand in the data more than once: the very same, or changed a little."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.check.alignment import undone
from bcsearch.check.candidates import NEAREST, Candidate, candidates
from bcsearch.check.comparison import likenesses
from bcsearch.check.found import Found
from bcsearch.check.groups import joined, rows_by
from bcsearch.records.checked import DataFinding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bcsearch.check.looked import Looked

FEWEST_PIXELS = 16  # a side: smaller pictures have too few details to tell copies by
MOST_COPIES = 5  # of one picture; more are junk
SAME_PICTURE = 0.92  # likeness: copies of 27 kinds have 0.957 or more, other cells 0.890 or less
CONFLICT, PLAIN = "near copy, other label", "many alike, other labels"
CHANGED = "changed a little"
TURNS = (
    *("", "turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees"),
    *("mirrored left to right", "mirrored along a diagonal", "mirrored top to bottom"),
    "mirrored along the other diagonal",
)


def exact_copies(looked: Looked) -> Found:
    """Find junk, and pictures with the same pixels under one label or several."""
    groups = rows_by(looked.copy_of)
    findings: list[DataFinding] = []
    for rows in groups:
        if len(rows) > MOST_COPIES:
            findings += _junk(rows, looked)
        elif _labels(rows, looked) == 1:
            findings += [_copy(row, rows[0], looked) for row in rows[1:]]
        else:
            findings += [_conflict(row, rows, looked) for row in rows]
    return Found(findings=tuple(findings), groups=groups)


def near_copies(looked: Looked) -> Found:
    """Find pictures that were turned, mirrored, moved, cropped, recoloured or compressed."""
    if looked.dataset.images.shape[1] < FEWEST_PIXELS:
        return Found(left_out=f"changed copies need images of {FEWEST_PIXELS} pixels or more")
    pairs = _all_confirmed(looked)
    if not pairs:
        return Found()
    nearest = _nearest(pairs)
    groups = joined((pair.first, pair.second) for pair in pairs)
    copies_of = {rows[0]: rows for rows in rows_by(looked.copy_of)}
    judged = [(rows, *_judged(rows, copies_of, looked)) for rows in groups]
    notes = []
    n_plain = sum(len(rows) for rows, reason, _ in judged if reason == PLAIN)
    if n_plain:
        notes.append(
            f"{n_plain} pictures under several labels look alike in large groups: they may be too "
            "plain to be told apart, so none is set aside for that"
        )
    findings = [
        _near_copy(row, nearest[row], reason, verdict, looked)
        for rows, reason, verdict in judged
        for row in rows
    ]
    valid = looked.dataset.valid
    if valid is not None:
        n_leaked = sum(valid[row] for rows in groups if not valid[list(rows)].all() for row in rows)
        if n_leaked:
            notes.append(
                f"warning: {n_leaked} validation images are changed copies of training images, so "
                "scores are too high; leave them out, or make folds with --join-val"
            )
    return Found(findings=tuple(findings), groups=groups, notes=tuple(notes))


def _near_copy(row: int, pair: _Pair, reason: str, verdict: Verdict, looked: Looked) -> DataFinding:
    other, turn = pair.second, pair.orientation
    if row == pair.second:
        other, turn = pair.first, undone(pair.orientation)
    evidence = f"row {other} {TURNS[turn] or CHANGED}, likeness {pair.alike:.3f}"
    if reason in (CONFLICT, PLAIN):
        evidence += f"; {_named(row, looked)}, row {other} {_named(other, looked)}"
    return DataFinding(row=row, reason=reason, evidence=evidence, verdict=verdict, other=other)


class _Pair(NamedTuple):
    """Two rows of one picture, the second turned into an orientation to look like the first."""

    first: int
    second: int
    orientation: int
    alike: float


def _all_confirmed(looked: Looked) -> list[_Pair]:
    """Return pairs of pictures that show the same, exact copies counted as one picture.

    Where many are alike they hide others from one another, so one of each group is compared again.
    """
    firsts = np.flatnonzero(looked.copy_of == np.arange(looked.dataset.n_images))
    distinct = np.intersect1d(firsts, looked.dataset.kept)
    pairs: list[_Pair] = []
    compared: set[Candidate] = set()
    while len(distinct) > 1:
        found = _confirmed(looked, distinct, compared)
        pairs += found
        groups = joined((pair.first, pair.second) for pair in found)
        if not any(len(rows) > NEAREST for rows in groups):
            break
        distinct = np.setdiff1d(distinct, [row for rows in groups for row in rows[1:]])
    return pairs


def _confirmed(looked: Looked, distinct: np.ndarray, compared: set[Candidate]) -> list[_Pair]:
    """Return pairs of pictures, among rows without exact copies, that show the same.

    What was ``compared`` already is passed over, and what is compared now added to it.
    """
    features = None if looked.features is None else looked.features[distinct]
    grey = looked.grey[distinct]
    new = []
    for found in candidates(grey, features, looked.tell):
        rows = Candidate(int(distinct[found.first]), int(distinct[found.second]), found.orientation)
        if rows not in compared:
            new.append(found)
            compared.add(rows)
    return [
        _Pair(int(distinct[pair.first]), int(distinct[pair.second]), pair.orientation, alike)
        for pair, alike in likenesses(grey, new, looked.tell)
        if alike >= SAME_PICTURE
    ]


def _nearest(pairs: Sequence[_Pair]) -> dict[int, _Pair]:
    """Return for each row the pair in which it is most alike."""
    found: dict[int, _Pair] = {}
    for pair in sorted(pairs, key=lambda pair: pair.alike):
        found |= {pair.first: pair, pair.second: pair}
    return found


def _judged(
    rows: Sequence[int], copies_of: Mapping[int, Sequence[int]], looked: Looked
) -> tuple[str, Verdict]:
    """Return why pictures that show the same were found, and what becomes of them.

    ``copies_of`` are the rows of a picture's exact copies and its own, where it has any.
    """
    with_copies = [copies_of.get(row, [row]) for row in rows]
    if max(map(len, with_copies)) > MOST_COPIES:
        return "near copy of junk", Verdict.EXCLUDE
    if _labels([row for each in with_copies for row in each], looked) == 1:
        return "near copy", Verdict.GROUP
    if len(rows) > MOST_COPIES:
        return PLAIN, Verdict.REVIEW
    return CONFLICT, Verdict.EXCLUDE


def _labels(rows: Sequence[int], looked: Looked) -> int:
    return len(np.unique(looked.dataset.labels[list(rows)]))


def _named(row: int, looked: Looked) -> str:
    return f"labelled {looked.dataset.class_names[looked.dataset.labels[row]]}"


def _junk(rows: Sequence[int], looked: Looked) -> Iterable[DataFinding]:
    n_labels = _labels(rows, looked)
    labels = "1 label" if n_labels == 1 else f"{n_labels} labels"
    evidence = f"the same picture {len(rows)} times, under {labels}"
    for row in rows:
        other = rows[0] if row != rows[0] else rows[1]
        yield DataFinding(
            row=row, reason="junk", evidence=evidence, verdict=Verdict.EXCLUDE, other=other
        )


def _copy(row: int, first: int, looked: Looked) -> DataFinding:
    evidence = f"the same pixels as row {first}, both {_named(row, looked)}"
    return DataFinding(
        row=row, reason="copy", evidence=evidence, verdict=Verdict.EXCLUDE, other=first
    )


def _conflict(row: int, rows: Sequence[int], looked: Looked) -> DataFinding:
    others = [other for other in rows if other != row]
    known = ", ".join(f"row {other} {_named(other, looked)}" for other in others)
    evidence = f"the same pixels, {_named(row, looked)}; {known}"
    return DataFinding(
        row=row, reason="copy, other label", evidence=evidence, verdict=Verdict.EXCLUDE,
        other=others[0],
    )  # fmt: skip
