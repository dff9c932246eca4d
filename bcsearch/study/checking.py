"""Checks a study's data before anything is trained on it, once, and sets aside what is certain."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter

from bcsearch.backbones.cuts import INPUT, POOLED_BY
from bcsearch.backbones.table import count_parameters, get_backbone
from bcsearch.backbones.weights import WeightsKind
from bcsearch.check.groups import partition, rows_by
from bcsearch.check.looked import Looked, thumbnails
from bcsearch.check.table import check_data
from bcsearch.data.excluded import is_of_check
from bcsearch.errors import DataError
from bcsearch.features.entry import EntryKey, Rows
from bcsearch.records.checked import Certificate, DataCheck, StudyCheck, Verdict
from bcsearch.records.events import Progress
from bcsearch.scores.table import chosen_scores
from bcsearch.views.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.backbones.weights import ResolvedWeights
    from bcsearch.config import Plan
    from bcsearch.data.dataset import Dataset
    from bcsearch.features.features import Features
    from bcsearch.study.interrupts import Interrupts
    from bcsearch.views.view import Applied

MEANING = 1  # raise it when a check of the same images finds something else
_CHECKS = TypeAdapter(DataCheck)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checker:
    """Checks a dataset as a plan reads it; what it finds is kept in the cache.

    ``features`` is what reads the images.
    """

    dataset: Dataset
    plan: Plan
    features: Features
    interrupts: Interrupts

    def looked(self) -> Looked:
        """Return the dataset as the checks see it."""
        return Looked(
            self.dataset,
            None if self.backbone is None else self._seen(()),
            seen=self._seen,
            folds=self.plan.sweep.folds,
            scores=chosen_scores(self.plan.sweep.search),
            tell=self._tell,
        )

    def check(self) -> DataCheck:
        """Make all checks, unless that was done before for the same images and labels."""

        def compute() -> Rows:
            content = _CHECKS.dump_json(check_data(self.looked()))
            row = np.frombuffer(content, np.uint8)
            return Rows(shape=row.shape, dtype=row.dtype, chunks=lambda: iter([row]))

        stored = self.features.store.get_or_compute(self._key(), compute)
        return _CHECKS.validate_json(stored.data.tobytes())

    def study_check(self) -> StudyCheck:
        """Return what a study does about what the checks find, and what it says of it."""
        check, dataset = self.check(), self.dataset
        excluded = check.rows(Verdict.EXCLUDE)
        groups: tuple[tuple[int, ...], ...] = check.groups
        reasons = Counter(
            {each.row: each.reason for each in check.findings if each.row in set(excluded)}.values()
        )
        if dataset.excluded is not None:
            excluded = np.flatnonzero(dataset.excluded).tolist()
            reasons = Counter({"as --exclude says": len(excluded)})
        if self._has_groups_of_a_check:
            groups = ()
        left = np.delete(partition(groups, dataset.n_images), excluded)
        n_alone = int((np.unique(left, return_counts=True)[1] == 1).sum())
        certificate = Certificate(
            n_images=dataset.n_images,
            set_aside=dict(reasons),
            n_grouped=len(left) - n_alone,
            n_to_review=len(set(check.rows(Verdict.REVIEW)) - set(excluded)),
            seen_by=self.seen_by,
            score=self.plan.sweep.search.score,
            baselines=check.baselines,
            as_it_came=check.as_it_came,
            most_alike=check.most_alike,
            left_out=check.left_out,
        )
        return StudyCheck(
            dataset=dataset.fingerprint,
            certificate=certificate,
            excluded=tuple(excluded),
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
        excluded = "" if dataset.excluded is None else dataset.excluded.tobytes().hex()
        valid = "" if dataset.valid is None else dataset.valid.tobytes().hex()
        parts = (
            dataset.fingerprint,
            dataset.order_fingerprint,
            str(dataset.sizes),
            excluded,
            valid,
        )
        return EntryKey.of(
            "check",
            f"check of {dataset.n_images} images",
            data=blake2b(repr(parts).encode(), digest_size=16).hexdigest(),
            weights=weights,
            image_size=self._size,
            folds=repr(sweep.folds),
            scores=" ".join(scores),
            cleanlab=int(find_spec("cleanlab") is not None),
            meaning=MEANING,
        )


def unchecked(dataset: Dataset) -> StudyCheck:
    """Return what a study does about data that was not looked at."""
    excluded = () if dataset.excluded is None else np.flatnonzero(dataset.excluded).tolist()
    reasons = {"as --exclude says": len(excluded)} if excluded else {}
    certificate = Certificate(n_images=dataset.n_images, set_aside=reasons)
    return StudyCheck(
        dataset=dataset.fingerprint, certificate=certificate, excluded=tuple(excluded)
    )


def without_findings(dataset: Dataset, check: StudyCheck) -> Dataset:
    """Return a dataset with what was found set aside, and copies in the groups of the dataset.

    Raises:
        DataError: a class has no images left.
    """
    excluded = np.zeros(dataset.n_images, bool)
    excluded[list(check.excluded)] = True
    counts = np.bincount(dataset.labels[~excluded], minlength=dataset.n_classes)
    if not counts.all():
        name = dataset.class_names[counts.argmin()]
        raise DataError(
            f"{dataset.source}: all images of class {name!r} are junk, or copies under other "
            "labels; look at them with 'bcsearch data check', say what is left out with --exclude, "
            "or go on with --no-check"
        )
    groups = dataset.groups
    if check.groups:
        own = [] if groups is None else rows_by(groups)
        groups = partition([*check.groups, *own], dataset.n_images)
    if not excluded.any() and groups is dataset.groups:
        return dataset
    return replace(dataset, excluded=excluded if excluded.any() else None, groups=groups)


def informed_backbone(weights: Mapping[str, ResolvedWeights]) -> str | None:
    """Return the smallest backbone with pretrained features; None where there is none."""
    names = [
        name
        for name, resolved in weights.items()
        if resolved.kind is not WeightsKind.RANDOM and not get_backbone(name).trained_whole
    ]
    return min(names, key=count_parameters, default=None)
