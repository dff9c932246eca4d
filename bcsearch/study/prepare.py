"""Data, folds and weights of a plan, and the real trainer on them. Imports the training and data floors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.backbones.table import get_backbone
from bcsearch.backbones.weights import ResolvedWeights, resolve_weights
from bcsearch.config import fingerprint
from bcsearch.data.folds import Folds, make_folds
from bcsearch.data.source import load_dataset
from bcsearch.features.features import Features
from bcsearch.records import Params
from bcsearch.records.events import Notice
from bcsearch.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.config import Plan, Space
    from bcsearch.data.dataset import Dataset
    from bcsearch.features.store import Store
    from bcsearch.records.events import Listener, Progress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A plan with all that it works on, resolved once."""

    plan: Plan
    dataset: Dataset
    folds: Folds
    weights: dict[str, ResolvedWeights]

    @property
    def fingerprint(self) -> dict[str, str]:
        """What must match for results to belong to one study."""
        return fingerprint(
            self.plan,
            dataset=self.dataset.fingerprint,
            folds=self.folds.fingerprint,
            weights={name: resolved.fingerprint for name, resolved in self.weights.items()},
        )


def prepare(plan: Plan) -> Prepared:
    """Load the plan's data, make its folds, settle its weights.

    Raises:
        ConfigError, DataError, WeightsError: the plan cannot be run; nothing was written.
    """
    backbones = {name: get_backbone(name) for name in backbone_names(plan.space)}
    weights = {name: resolve_weights(name, plan.sweep.weights) for name in backbones}
    dataset = _square(load_dataset(plan.sweep.data), plan.sweep.data)
    folds = plan.sweep.folds
    return Prepared(
        plan=plan,
        dataset=dataset,
        folds=make_folds(dataset, kind=folds.kind, n_folds=folds.n_folds, seed=folds.seed),
        weights=weights,
    )


def build_trainer(prepared: Prepared, store: Store, listener: Listener, check: Callable[[], None]) -> Trainer:
    """Return the real trainer; ``check`` is called during long work and may raise to end it."""

    def progress(event: Progress) -> None:
        listener(event)
        check()

    features = Features(
        images=prepared.dataset.images,
        fingerprint=prepared.dataset.fingerprint,
        store=store,
        weights=prepared.weights,
        seed=prepared.plan.sweep.training.seed,
        progress=progress,
    )
    return Trainer(prepared.dataset, prepared.folds, features, prepared.weights, prepared.plan.sweep.training)


def tell_warnings(prepared: Prepared, listener: Listener) -> None:
    """Tell what the user must know of the data and weights before anything runs."""
    if prepared.dataset.drawn:
        listener(Notice(text="data: the demo, DRAWN cells and no real images; use --data for your own"))
    for resolved in prepared.weights.values():
        if resolved.warning:
            listener(Notice(text=f"warning: {resolved.warning}"))


def backbone_names(space: Space) -> list[str]:
    """Return every backbone that the space can draw."""
    if "backbone" in space.settled:
        return [str(space.settled["backbone"])]
    if "backbone" in space.varied:
        return [str(name) for name in space.varied["backbone"].choice or ()]
    return [Params().backbone]


def _square(dataset: Dataset, source: str) -> Dataset:
    height, width = dataset.images.shape[1:3]
    return dataset if height == width else load_dataset(source, image_size=min(height, width))
