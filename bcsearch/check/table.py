"""The table of checks: from images, labels and features to findings and groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bcsearch.check.baselines import baselines
from bcsearch.check.classes import class_balance
from bcsearch.check.copies import exact_copies, near_copies
from bcsearch.check.found import Found
from bcsearch.check.groups import joined, rows_by
from bcsearch.check.label_errors import label_errors
from bcsearch.check.looked import Looked
from bcsearch.check.most_alike import most_alike
from bcsearch.check.outliers import outliers
from bcsearch.check.quality import blank, blurred, saturated
from bcsearch.check.shortcuts import shortcuts
from bcsearch.records.checked import DataCheck, DataFinding, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 3  # images that a set is judged by
Look = Callable[[Looked], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row.

    Attributes:
        look: looks at all images that no earlier row has set aside.
        doc: what it finds, in one sentence.
        remedies: what to do, by the reason of a finding.
    """

    name: str
    look: Look
    doc: str
    remedies: dict[str, str]


ROWS = (
    Check(
        name="exact_copies",
        look=exact_copies,
        doc="Images with the very same pixels; a picture more than 5 times is junk.",
        remedies={
            "junk": "set aside, all of them",
            "copy": "set aside, but for the first",
            "copy, other label": "set aside, all of them; find out which label is right",
        },
    ),
    Check(
        name="near_copies",
        look=near_copies,
        doc="Pictures turned, mirrored, moved, cropped, recoloured or compressed.",
        remedies={
            "near copy": "kept, on one side of every fold",
            "near copy, other label": "set aside, all of them; find out which label is right",
            "many alike, other labels": "look at them: copies, or pictures too plain to tell apart",
            "near copy of junk": "set aside",
        },
    ),
    Check(
        name="blank",
        look=blank,
        doc="Images of one colour.",
        remedies={"blank": "look at it; exclude it if it shows nothing"},
    ),
    Check(
        name="saturated",
        look=saturated,
        doc="Images that are black or white in far larger parts than the others.",
        remedies={"saturated": "look at it; exclude it if nothing can be told from it"},
    ),
    Check(
        name="blurred",
        look=blurred,
        doc="Images with far fewer details than the others of their class.",
        remedies={"blurred": "look at it; exclude it if nothing can be told from it"},
    ),
    Check(
        name="outliers",
        look=outliers,
        doc="Images far from all others in the features of a backbone.",
        remedies={"outlier": "look at it; exclude it if it belongs to no class"},
    ),
    Check(
        name="label_errors",
        look=label_errors,
        doc="Labels that a linear head contradicts, by cleanlab.",
        remedies={"label": "look at it; correct the label, or exclude it"},
    ),
    Check(
        name="baselines",
        look=baselines,
        doc="What the largest class, neighbours and a linear head score, and what copies add.",
        remedies={},
    ),
    Check(
        name="most_alike",
        look=most_alike,
        doc="The two most similar images on both sides of a fold.",
        remedies={},
    ),
    Check(
        name="shortcuts",
        look=shortcuts,
        doc="How well corners, mean colour, the order of rows or the size of files tell classes.",
        remedies={},
    ),
    Check(
        name="class_balance",
        look=class_balance,
        doc="Classes with few images.",
        remedies={},
    ),
)
CHECKS = {row.name: row for row in ROWS}
REMEDIES = {reason: remedy for row in ROWS for reason, remedy in row.remedies.items()}


def check_data(looked: Looked, names: Sequence[str] = tuple(CHECKS)) -> DataCheck:
    """Make checks in their order; what one is certain about, the next ones do not look at."""
    found: list[Found] = []
    for number, name in enumerate(names):
        n_left = int(looked.kept.sum())
        if n_left < FEWEST:
            found.append(Found(left_out=f"{name} and what follows: only {n_left} images are left"))
            break
        looked.tell(f"checking the data: {name}", number, len(names))
        result = CHECKS[name].look(looked)
        if not looked.may_exclude:
            result = replace(result, findings=tuple(map(_to_look_at, result.findings)))
        found.append(result)
        certain = [each.row for each in result.findings if each.verdict is Verdict.EXCLUDE]
        looked.kept[certain] = False
        looked.groups += result.groups
    own = looked.dataset.groups
    groups: tuple[tuple[int, ...], ...] = ()
    if looked.may_group:
        groups = joined([rows for each in found for rows in each.groups])
    return DataCheck(
        fingerprint=looked.dataset.order_fingerprint,
        n_images=looked.dataset.n_images,
        findings=tuple(line for each in found for line in each.findings),
        groups=groups,
        own_groups=() if own is None else tuple(map(tuple, rows_by(own))),
        notes=tuple(line for each in found for line in each.notes),
        left_out=tuple(each.left_out for each in found if each.left_out),
        baselines=tuple(baseline for each in found for baseline in each.baselines),
        as_it_came=next((each.as_it_came for each in found if each.as_it_came), ()),
        most_alike=next((each.most_alike for each in found if each.most_alike), None),
    )


def _to_look_at(finding: DataFinding) -> DataFinding:
    """Return a finding that excludes nothing, as somebody has said already what is left out."""
    if finding.verdict is not Verdict.EXCLUDE:
        return finding
    return replace(finding, verdict=Verdict.REVIEW)
