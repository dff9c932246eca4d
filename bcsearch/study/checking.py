"""Checks a dataset before anything is trained on it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.backbones.cuts import POOLED_BY
from bcsearch.backbones.table import count_parameters, get_backbone
from bcsearch.backbones.weights import ResolvedWeights, WeightsKind
from bcsearch.check.looked import Looked
from bcsearch.check.outliers import Similarity, similarity
from bcsearch.check.table import check_data
from bcsearch.data.source import load_for_study
from bcsearch.records.events import Notice, Progress
from bcsearch.study.assemble import features_of, open_device, weights_of
from bcsearch.study.interrupts import Interrupts
from bcsearch.views.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config import RunOptions
    from bcsearch.data.dataset import Dataset
    from bcsearch.records.checked import DataCheck
    from bcsearch.records.events import Listener


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedData:
    """A dataset with what was found in it; ``similarity`` is None where there are no features."""

    dataset: Dataset
    check: DataCheck
    similarity: Similarity | None


def check_source(sweep: str, options: RunOptions, listener: Listener) -> CheckedData:
    """Read the data that the options name as a sweep reads it, and make all checks.

    Raises:
        BcsearchError: something that the user can fix.
        KeyboardInterrupt: the user stopped it.
    """
    plan = options.plan(sweep)
    with Interrupts(listener) as interrupts:
        listener = interrupts.tell
        device = open_device(listener)
        weights = weights_of(plan)
        dataset = load_for_study(plan.sweep.data, plan.largest_size, plan.sweep.reading)
        for note in dataset.notes:
            listener(Notice(text=f"data: {note}"))
        features_from = features_of(dataset, plan, weights, device, options, listener, interrupts)

        def tell(what: str, done: int, total: int) -> None:
            listener(Progress(what=what, done=done, total=total, unit="steps"))
            interrupts.raise_if_asked()

        with closing(features_from.store):
            features = None
            name = informed_backbone(weights)
            if name is None:
                line = "no pretrained backbone of this sweep is here: copies are sought by pixels"
                listener(Notice(text=f"data: {line} alone"))
            else:
                size = min(int(size) for size in plan.space.choice_of("image_size"))
                features = features_from.activations(name, size, POOLED_BY["average"], View())
            looked = Looked(dataset, features, n_folds=plan.sweep.folds.n_folds, tell=tell)
            check = check_data(looked)
            return CheckedData(dataset=dataset, check=check, similarity=similarity(looked))


def informed_backbone(weights: Mapping[str, ResolvedWeights]) -> str | None:
    """Return the smallest backbone with pretrained features; None where there is none."""
    names = [
        name
        for name, resolved in weights.items()
        if resolved.kind is not WeightsKind.RANDOM and not get_backbone(name).trained_whole
    ]
    return min(names, key=count_parameters, default=None)
