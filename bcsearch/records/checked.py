"""What a check of the data found, image by image and of the whole set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of an image."""

    EXCLUDE = "exclude"  # certain: it is neither trained nor validated on
    REVIEW = "review"  # a person should look at it
    GROUP = "group"  # it stays on one side of every fold with another image


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFinding:
    """One reason to do something about one image.

    Attributes:
        row: of the image, counted from 0 in the order that the data is read in.
        reason: what was found, in a word or two.
        evidence: numbers and rows that it is told by.
        other: the row of the image that it is compared with.
    """

    row: int
    reason: str
    evidence: str
    verdict: Verdict
    other: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """All that the checks found in a dataset.

    Attributes:
        fingerprint: of what a row's number means in the dataset that was checked.
        n_images: how many it has.
        findings: one for each image and reason.
        groups: rows of images that no fold may split, each group rising, two or more in it.
        own_groups: those that the dataset came with.
        notes: lines on the set as a whole.
        left_out: checks that were not made, and why.
    """

    fingerprint: str
    n_images: int
    findings: tuple[DataFinding, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    own_groups: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def rows(self, verdict: Verdict) -> list[int]:
        """Return the rows of one verdict, rising."""
        return sorted({each.row for each in self.findings if each.verdict is verdict})

    @property
    def reasons(self) -> dict[str, int]:
        """The number of images by reason, in the order of the checks."""
        counts: dict[str, int] = {}
        for each in self.findings:
            counts[each.reason] = counts.get(each.reason, 0) + 1
        return counts
