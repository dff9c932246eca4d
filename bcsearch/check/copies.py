"""Finds pictures that stand in the data more than once: the very same, or changed a little."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bcsearch.check.alignment import Details, likeness, spectra_of
from bcsearch.check.candidates import candidates
from bcsearch.check.found import Found
from bcsearch.records.checked import DataFinding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bcsearch.check.candidates import Candidate
    from bcsearch.check.looked import Looked

EVERY = 64  # pictures, between two words on how far it is
MOST_COPIES = 5  # of one picture; more are junk
SAME_PICTURE = 0.92  # likeness: copies of 27 kinds have 0.957 or more, other cells 0.859 or less
CONFLICT = "near copy, other label"
CHANGED = "changed a little"
TURNS = (
    *("", "turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees"),
    *("mirrored left to right", "mirrored along a diagonal", "mirrored top to bottom"),
    "mirrored along the other diagonal",
)


def exact_copies(looked: Looked) -> Found:
    """Find junk, and pictures with the same pixels under one label or several."""
    groups = _rows_by(looked.copy_of)
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
    distinct = np.flatnonzero(looked.copy_of == np.arange(looked.dataset.n_images))
    if len(distinct) < 2:
        return Found()
    pairs = _confirmed(looked, distinct)
    if not pairs:
        return Found()
    nearest = _nearest(pairs)
    groups = [rows for rows in _rows_by(_components(pairs, looked)) if rows[0] in nearest]
    findings: list[DataFinding] = []
    for rows in groups:
        verdict, reason = _judged(rows, looked)
        for row in rows:
            pair = nearest[row]
            other = pair.other_of(row)
            change = TURNS[pair.orientation] or CHANGED
            evidence = f"row {other} {change}, likeness {pair.alike:.3f}"
            if reason == CONFLICT:
                evidence += f"; {_named(row, looked)}, row {other} {_named(other, looked)}"
            findings.append(
                DataFinding(row=row, reason=reason, evidence=evidence, verdict=verdict, other=other)
            )
    return Found(findings=tuple(findings), groups=groups)


class _Pair(NamedTuple):
    """Two rows of one picture, the second turned into an orientation to look like the first."""

    first: int
    second: int
    orientation: int
    alike: float

    def other_of(self, row: int) -> int:
        return self.second if row == self.first else self.first


def _confirmed(looked: Looked, distinct: np.ndarray) -> list[_Pair]:
    """Return pairs of pictures, among rows without exact copies, that show the same."""
    features = None if looked.features is None else looked.features[distinct]
    grey = looked.grey[distinct]
    by_first: dict[int, list[Candidate]] = defaultdict(list)
    for pair in candidates(grey, features, looked.tell):
        by_first[pair.first].append(pair)
    details = Details(grey)
    found = []
    for number, (first, seconds) in enumerate(by_first.items()):
        if number % EVERY == 0:
            looked.tell("laying pictures over one another", number, len(by_first))
        spectra = spectra_of(details.coarse[first])
        for _, second, turn in seconds:
            alike = likeness(details, first, second, turn, spectra)
            if alike >= SAME_PICTURE:
                found.append(_Pair(int(distinct[first]), int(distinct[second]), turn, alike))
    return found


def _nearest(pairs: Sequence[_Pair]) -> dict[int, _Pair]:
    """Return for each row the pair in which it is most alike."""
    found: dict[int, _Pair] = {}
    for pair in sorted(pairs, key=lambda pair: pair.alike):
        found |= {pair.first: pair, pair.second: pair}
    return found


def _judged(rows: Sequence[int], looked: Looked) -> tuple[Verdict, str]:
    """Return what becomes of pictures that show the same, and why."""
    with_copies = np.bincount(looked.copy_of)[list(rows)]
    if with_copies.max() > MOST_COPIES:
        return Verdict.EXCLUDE, "near copy of junk"
    if _labels(rows, looked) > 1:
        return Verdict.EXCLUDE, CONFLICT
    return Verdict.GROUP, "near copy"


def _components(pairs: Sequence[_Pair], looked: Looked) -> np.ndarray:
    n_images = looked.dataset.n_images
    rows, others = [pair.first for pair in pairs], [pair.second for pair in pairs]
    graph = coo_array((np.ones(len(rows)), (rows, others)), shape=(n_images, n_images))
    components: np.ndarray = connected_components(graph, directed=False)[1]
    return components


def _rows_by(keys: np.ndarray) -> list[list[int]]:
    """Return the rows of every key that several rows have."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, key in enumerate(keys.tolist()):
        rows[key].append(row)
    return [each for each in rows.values() if len(each) > 1]


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
