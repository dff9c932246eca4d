"""What a check of the data found, image by image and of the whole set, and what a study keeps."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import mean


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
class Baseline:
    """What a classifier scores that costs next to nothing: by score, its value in each fold."""

    name: str
    scores: Mapping[str, tuple[float, ...]]

    def mean(self, score: str) -> float:
        """Return the mean over folds."""
        return mean(self.scores[score])


@dataclass(frozen=True, slots=True, kw_only=True)
class MostAlike:
    """The two most similar images on both sides of a fold: rows, and their cosine, -1 to 1."""

    row: int
    other: int
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a study says of its data.

    Attributes:
        n_images: how many came.
        set_aside: by reason, how many of them are neither trained nor scored on.
        n_grouped: how many stay on one side of every fold with another image.
        n_leaked: how many of the data's own validation part are changed copies of training images.
        n_to_review: how many a person should look at.
        seen_by: what baselines and similarities are computed from.
        score: the name of the one that trials are ranked by.
        baselines: what trials have to beat, the linear head last.
        as_it_came: the score of the linear head in each fold of the data as it came, where copies
            may stand on both sides; nothing where nothing was changed.
        most_alike: what is left; None where it was not looked for.
        left_out: checks that were not made, and why.
    """

    n_images: int
    set_aside: Mapping[str, int] = field(default_factory=dict)
    n_grouped: int = 0
    n_leaked: int = 0
    n_to_review: int = 0
    seen_by: str = ""
    score: str = "accuracy"
    baselines: tuple[Baseline, ...] = ()
    as_it_came: tuple[float, ...] = ()
    most_alike: MostAlike | None = None
    left_out: tuple[str, ...] = ()

    @property
    def to_beat(self) -> Baseline | None:
        """The best baseline by the score that ranks; None where there is none."""
        return max(self.baselines, key=lambda each: each.mean(self.score), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCheck:
    """What a study does about its data, the same for all who work on it.

    Attributes:
        dataset: the fingerprint of the images and labels as they were read.
        given: that of the groups and excluded rows that were given with them; empty without such,
            None where what is given now does not matter.
        excluded: rows that are neither trained nor scored on, rising.
        groups: rows that no fold splits, each group rising, two or more in it.
    """

    dataset: str
    certificate: Certificate
    given: str | None = ""
    excluded: tuple[int, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()


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
        baselines: what costs next to nothing scores on what is left, the linear head last.
        as_it_came: the score of the linear head, fold by fold, on the data as it came.
        most_alike: the most similar images on both sides of a fold.
    """

    fingerprint: str
    n_images: int
    findings: tuple[DataFinding, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    own_groups: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    as_it_came: tuple[float, ...] = ()
    most_alike: MostAlike | None = None

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
