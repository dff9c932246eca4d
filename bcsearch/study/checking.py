"""Checks a study's data before anything is trained on it, once, and sets aside what is certain."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter

from bcsearch.backbones.cuts import INPUT, POOLED_BY
from bcsearch.backbones.table import count_parameters, get_backbone
from bcsearch.backbones.weights import WeightsKind
from bcsearch.check.groups import joined, rows_by
from bcsearch.check.looked import Looked, left_of, thumbnails
from bcsearch.check.table import check_data
from bcsearch.data.excluded import is_of_check
from bcsearch.errors import DataError
from bcsearch.features import features
from bcsearch.features.entry import EntryKey, Rows
from bcsearch.records.checked import Certificate, DataCheck, StudyCheck, Verdict
from bcsearch.records.events import Progress
from bcsearch.scores.table import chosen_scores
from bcsearch.views import making
from bcsearch.views.view import View

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bcsearch.backbones.weights import ResolvedWeights
    from bcsearch.config import Plan
    from bcsearch.data.dataset import Dataset
    from bcsearch.study.interrupts import Interrupts
    from bcsearch.views.view import Applied

MEANING = 1  # raise it when a check of the same images finds something else
BY_HAND = "as --exclude says"
_CHECKS = TypeAdapter(DataCheck)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checker:
    """Checks a dataset as a plan reads it; what it finds is kept in the cache.

    ``features`` is what reads the images.
    """

    dataset: Dataset
    plan: Plan
    features: features.Features
    interrupts: Interrupts

    def looked(self) -> Looked:
        """Return the dataset as the checks see it."""
        return Looked(
            self.dataset,
            None if self.backbone is None else self._seen(()),
            seen=self._seen,
            may_group=not self._has_groups_of_a_check,
            folds=self.plan.sweep.folds,
            scores=chosen_scores(self.plan.sweep.search),
            tell=self._tell,
        )

    def check(self) -> DataCheck:
        """Make all checks, unless that was done before for the same images and labels."""

        def compute() -> Rows:
            content = json.dumps(asdict(check_data(self.looked()))).encode()
            row = np.frombuffer(content, np.uint8)
            return Rows(shape=row.shape, dtype=row.dtype, chunks=lambda: iter([row]))

        stored = self.features.store.get_or_compute(self._key(), compute)
        return _CHECKS.validate_python(json.loads(stored.data.tobytes()))

    def study_check(self) -> StudyCheck:
        """Return what a study does about what the checks find, and what it says of it."""
        check, dataset = self.check(), self.dataset
        reason_of: dict[int, str] = {}
        for each in check.findings:
            if each.verdict is Verdict.EXCLUDE:
                reason_of.setdefault(each.row, each.reason)
        if dataset.excluded is not None:
            reason_of = dict.fromkeys(np.flatnonzero(dataset.excluded).tolist(), BY_HAND)
        groups = joined([*check.groups, *check.own_groups])
        n_grouped, n_leaked = _grouped(check.groups, set(reason_of), dataset)
        certificate = Certificate(
            n_images=dataset.n_images,
            set_aside=dict(Counter(reason_of.values())),
            n_grouped=n_grouped,
            n_leaked=n_leaked,
            n_to_review=len(set(check.rows(Verdict.REVIEW)) - reason_of.keys()),
            seen_by=self.seen_by,
            score=self.plan.sweep.search.score,
            baselines=check.baselines,
            as_it_came=check.as_it_came,
            most_alike=check.most_alike,
            left_out=check.left_out,
        )
        return StudyCheck(
            dataset=dataset.content,
            given=dataset.given,
            certificate=certificate,
            excluded=tuple(sorted(reason_of)),
            groups=groups,
        )

    @property
    def backbone(self) -> str | None:
        """The smallest backbone of the plan with pretrained features; None where there is none."""
        return informed_backbone(self.features.weights)

    @property
    def seen_by(self) -> str:
        """What baselines are computed from, for reading."""
        if self.backbone is None:
            return "thumbnails of 16 pixels, as no pretrained backbone of the sweep is here"
        return f"{self.backbone} at {self._size} pixels"

    @property
    def _size(self) -> int:
        return min(int(size) for size in self.plan.space.choice_of("image_size"))

    @property
    def _has_groups_of_a_check(self) -> bool:
        groups = self.plan.sweep.reading.groups
        return groups is not None and is_of_check(Path(groups))

    def _seen(self, shift: tuple[Applied, ...]) -> np.ndarray:
        name = self.backbone
        if name is None:
            return thumbnails(self.features.activations("", 0, INPUT, View(shift)))
        return self.features.activations(name, self._size, POOLED_BY["average"], View(shift))

    def _tell(self, what: str, done: int, total: int) -> None:
        self.interrupts.tell(Progress(what=what, done=done, total=total, unit="steps"))
        self.interrupts.raise_if_asked()

    def _key(self) -> EntryKey:
        """Return the key of what the checks find: all that it depends on."""
        name, dataset, sweep = self.backbone, self.dataset, self.plan.sweep
        weights = "" if name is None else f"{name} {self.features.weights[name].fingerprint}"
        scores = [each.name for each in chosen_scores(sweep.search)]
        valid = "" if dataset.valid is None else dataset.valid.tobytes().hex()
        fingerprints = dataset.fingerprint, dataset.order_fingerprint, dataset.class_names
        parts = (*fingerprints, str(dataset.sizes), valid, self._has_groups_of_a_check)
        return EntryKey.of(
            "check",
            f"check of {dataset.n_images} images",
            data=blake2b(repr(parts).encode(), digest_size=16).hexdigest(),
            weights=weights,
            image_size=self._size,
            folds=repr(sweep.folds),
            scores=" ".join(scores),
            cleanlab=int(find_spec("cleanlab") is not None),
            meaning=f"{MEANING} {features.MEANING} {making.MEANING}",
        )


def unchecked(dataset: Dataset) -> StudyCheck:
    """Return what a study does about data that was not looked at."""
    excluded = () if dataset.excluded is None else np.flatnonzero(dataset.excluded).tolist()
    set_aside = {BY_HAND: len(excluded)} if excluded else {}
    groups = () if dataset.groups is None else rows_by(dataset.groups)
    return StudyCheck(
        dataset=dataset.content,
        given=dataset.given,
        certificate=Certificate(n_images=dataset.n_images, set_aside=set_aside),
        excluded=tuple(excluded),
        groups=tuple(map(tuple, groups)),
    )


def is_of(check: StudyCheck, dataset: Dataset) -> bool:
    """Whether a study's check is of a dataset, and of the groups and rows given with it, if any."""
    same = check.given is None or dataset.given in ("", check.given)
    return same and check.dataset == dataset.content


def without_findings(dataset: Dataset, check: StudyCheck) -> Dataset:
    """Return a dataset with what was found set aside, and copies in the groups of the dataset.

    Raises:
        DataError: a class has no images left.
    """
    plain = replace(dataset, excluded=None, groups=None)
    if not check.excluded and not check.groups:
        return plain
    labels = np.delete(dataset.labels, check.excluded)
    counts = np.bincount(labels, minlength=dataset.n_classes)
    if not counts.all():
        name = dataset.class_names[counts.argmin()]
        raise DataError(
            f"{dataset.source}: all images of class {name!r} are junk, or copies under other "
            "labels; look at them with 'bcsearch data check', say what is left out with --exclude, "
            "or go on with --no-check"
        )
    return left_of(plain, check.excluded, check.groups)


def _grouped(
    groups: Sequence[Sequence[int]], excluded: Collection[int], dataset: Dataset
) -> tuple[int, int]:
    """Return how many images are kept together with others, and how many a given split parts."""
    n_grouped = n_leaked = 0
    for rows in groups:
        left = [row for row in rows if row not in excluded]
        if len(left) < 2:
            continue
        n_grouped += len(left)
        if dataset.valid is not None and not dataset.valid[left].all():
            n_leaked += int(dataset.valid[left].sum())
    return n_grouped, n_leaked


def informed_backbone(weights: Mapping[str, ResolvedWeights]) -> str | None:
    """Return the smallest backbone with pretrained features; None where there is none."""
    names = [
        name
        for name, resolved in weights.items()
        if resolved.kind is not WeightsKind.RANDOM and not get_backbone(name).trained_whole
    ]
    return min(names, key=count_parameters, default=None)
