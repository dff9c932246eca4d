"""Data, folds and weights of a plan, and the real trainer on them. Imports the training and data floors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bcsearch.augment import views
from bcsearch.backbones.table import get_backbone
from bcsearch.backbones.weights import ResolvedWeights, resolve_weights
from bcsearch.config import Param, fingerprint
from bcsearch.data.arrays import resize
from bcsearch.data.folds import Folds, make_folds
from bcsearch.data.source import load_dataset
from bcsearch.errors import ConfigError
from bcsearch.features import features
from bcsearch.records import Params
from bcsearch.records.events import Notice
from bcsearch.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.config import Plan, Space, Value
    from bcsearch.data.dataset import Dataset
    from bcsearch.features.store import Store
    from bcsearch.records.events import Listener, Progress
    from bcsearch.training.devices import Device


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
            weights={
                name: f"{resolved.kind} {resolved.fingerprint}"
                for name, resolved in self.weights.items()
            },
        ) | {"meaning.views": str(views.MEANING), "meaning.features": str(features.MEANING)}


def prepare(plan: Plan) -> Prepared:
    """Load the plan's data, make its folds, settle its weights.

    Raises:
        ConfigError, DataError, WeightsError: the plan cannot be run; nothing was written.
    """
    backbones = _drawn(plan.space, "backbone", Params().backbone)
    for name in backbones:
        _check_backbone(str(name), plan)
    weights = {str(name): resolve_weights(str(name), plan.sweep.weights) for name in backbones}
    dataset = _load(plan)
    folds = plan.sweep.folds
    return Prepared(
        plan=plan,
        dataset=dataset,
        folds=make_folds(dataset, kind=folds.kind, n_folds=folds.n_folds, seed=folds.seed),
        weights=weights,
    )


def build_trainer(
    prepared: Prepared, device: Device, store: Store, listener: Listener, check: Callable[[], None]
) -> Trainer:
    """Return the real trainer; ``check`` is called during long work and may raise to end it."""

    def progress(event: Progress) -> None:
        listener(event)
        check()

    read = features.Features(
        images=prepared.dataset.images,
        fingerprint=prepared.dataset.fingerprint,
        store=store,
        weights=prepared.weights,
        seed=prepared.plan.sweep.training.seed,
        progress=progress,
        jit_compile=device.jit_compile,
    )
    return Trainer(prepared.dataset, prepared.folds, read, prepared.plan.sweep.training, device)


def tell_warnings(prepared: Prepared, listener: Listener) -> None:
    """Tell what the user must know of the data and weights before anything runs."""
    if prepared.dataset.drawn:
        listener(
            Notice(text="data: the demo, DRAWN cells and no real images; use --data for your own")
        )
    for resolved in prepared.weights.values():
        if resolved.warning:
            listener(Notice(text=f"warning: {resolved.warning}"))


def _drawn(space: Space, name: str, default: Value) -> tuple[Value, ...]:
    """Return every value that the space can give a parameter; of a range, its ends."""
    param = space.params.get(name, default)
    return param.ends if isinstance(param, Param) else (param,)


def _check_backbone(name: str, plan: Plan) -> None:
    try:
        get_backbone(name)
    except ConfigError as error:
        raise ConfigError(f"search space {plan.sweep.space}: params.backbone: {error}") from error


def _load(plan: Plan) -> Dataset:
    """Load the data as squares, no larger than the largest ``image_size`` that the space asks for."""
    source = plan.sweep.data
    largest = max(int(size) for size in _drawn(plan.space, "image_size", Params().image_size))
    if Path(source).is_dir():
        return load_dataset(source, largest)
    dataset = load_dataset(source)
    height, width = dataset.images.shape[1:3]
    side = min(height, width, largest)
    return (
        dataset
        if (height, width) == (side, side)
        else replace(dataset, images=resize(dataset.images, side))
    )
