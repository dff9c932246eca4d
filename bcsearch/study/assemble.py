"""Puts together what a study is worked on with: data, folds, weights, features, trainer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from bcsearch.backbones.table import get_backbone
from bcsearch.backbones.weights import ResolvedWeights, resolve_weights
from bcsearch.config import fingerprint
from bcsearch.costs.limit import check_cache
from bcsearch.data.folds import Folds, folds_of
from bcsearch.data.source import load_for_study
from bcsearch.errors import ConfigError
from bcsearch.features import features
from bcsearch.features.store import Store
from bcsearch.records.events import Notice
from bcsearch.report.checked import baseline_lines, certificate_lines
from bcsearch.scores.table import chosen_scores
from bcsearch.study.checking import Checker, is_of, unchecked, without_findings
from bcsearch.study.processes import SUPERVISED
from bcsearch.training.devices import Device, set_up_devices
from bcsearch.training.trainer import Trainer
from bcsearch.views import making

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config import Plan, RunOptions
    from bcsearch.data.dataset import Dataset
    from bcsearch.records.checked import Certificate, StudyCheck
    from bcsearch.records.events import Listener, Progress
    from bcsearch.study.interrupts import Interrupts

UNEVEN = 0.8  # share of the largest class from which on accuracy says little of the others


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A plan with all that it works on.

    Attributes:
        dataset: without what was set aside, and with groups that no fold splits.
        check: what was found in the dataset as it was read, and what is done about it.
    """

    plan: Plan
    dataset: Dataset
    check: StudyCheck
    folds: Folds
    weights: dict[str, ResolvedWeights]
    device: Device
    trainer: Trainer

    @property
    def fingerprint(self) -> dict[str, str]:
        """What must match for results to belong to one study."""
        weights = {
            name: f"{resolved.kind} {resolved.fingerprint}"
            for name, resolved in self.weights.items()
        }
        parts = fingerprint(
            self.plan,
            dataset=self.check.dataset,
            folds=self.folds.fingerprint,
            weights=weights,
        )
        meanings = {"views": making.MEANING, "features": features.MEANING}
        return parts | {f"meaning.{name}": str(number) for name, number in meanings.items()}

    def close(self) -> None:
        """Give back the entries of the cache, which is then shrunk to its limit."""
        self.trainer.features.store.close()


def open_device(listener: Listener) -> Device:
    """Take a GPU, or the processor.

    Before anything is computed, as TensorFlow takes no other choice later.

    Which GPUs are taken is noted in the temporary folder, so for this machine alone.
    """
    place, family = Path(gettempdir()) / "bcsearch-devices", os.environ.get(SUPERVISED, "")
    return set_up_devices(place, lambda text: listener(Notice(text=text)), family)


def prepare(
    plan: Plan,
    options: RunOptions,
    listener: Listener,
    interrupts: Interrupts,
    known: StudyCheck | None = None,
    *,
    looks: bool = True,
) -> Prepared:
    """Load the plan's data, check it, make folds, find weights, and build the trainer.

    Warnings are reported. ``known`` is the check of the study that goes on: nothing is looked for
    again, and nothing set aside where the data is another. Nothing is looked for either where
    ``looks`` is False.

    Raises:
        ConfigError, DataError, WeightsError: the plan cannot be run; nothing was written but what
            the cache keeps.
    """
    device = open_device(listener)
    weights = weights_of(plan)
    read = load_for_study(plan.sweep.data, plan.largest_size, plan.sweep.reading)
    for line in _given_lines(plan, read, weights):
        listener(Notice(text=line))
    seen = features_of(read, plan, weights, device, options, listener, interrupts)
    if options.max_cache is not None:
        _, trainer = _divided(read, plan, seen, device, interrupts)
        check_cache(plan, trainer, options.max_cache)
    if known is not None and is_of(known, read):
        check = known
    elif known is None and looks and not plan.sweep.reading.no_check:
        check = Checker(dataset=read, plan=plan, features=seen, interrupts=interrupts).study_check()
    else:
        check = unchecked(read)
    dataset = without_findings(read, check)
    for line in _data_lines(dataset, check.certificate, plan.sweep.search.score):
        listener(Notice(text=line))
    folds, trainer = _divided(dataset, plan, seen, device, interrupts)
    return Prepared(
        plan=plan,
        dataset=dataset,
        check=check,
        folds=folds,
        weights=weights,
        device=device,
        trainer=trainer,
    )


def _divided(
    dataset: Dataset,
    plan: Plan,
    seen: features.Features,
    device: Device,
    interrupts: Interrupts,
) -> tuple[Folds, Trainer]:
    """Return the folds of a plan, and what trains on them."""
    folds = folds_of(dataset, plan.sweep.folds)
    evaluators = chosen_scores(plan.sweep.search)
    late = interrupts.raise_if_late
    return folds, Trainer(dataset, folds, seen, plan.sweep, evaluators, device, late)


def features_of(  # noqa: PLR0913 - what features are made of
    dataset: Dataset,
    plan: Plan,
    weights: dict[str, ResolvedWeights],
    device: Device,
    options: RunOptions,
    listener: Listener,
    interrupts: Interrupts,
) -> features.Features:
    """Return what reads the images, on the cache that the options name.

    Interrupts end what it computes.
    """

    def notify(text: str) -> None:
        listener(Notice(text=text))

    def progress(event: Progress) -> None:
        listener(event)
        interrupts.raise_if_asked()

    owner = f"{plan.name} on {plan.sweep.data}"
    store = Store(options.cache, options.cache_limit, notify, interrupts.raise_if_asked, owner)
    return features.Features(
        images=dataset.images,
        store=store,
        weights=weights,
        weights_seed=plan.sweep.weights.seed,
        progress=progress,
        jit_compile=device.jit_compile,
    )


def _given_lines(plan: Plan, dataset: Dataset, weights: Mapping[str, ResolvedWeights]) -> list[str]:
    """Return what the user must know of the images and weights as they were given."""
    lines = list(plan.notes)
    if dataset.drawn:
        lines.append("data: the demo, DRAWN cells and no real images; use --data for your own")
    lines += [f"data: {line}" for line in dataset.notes]
    warned = [each.warning for each in weights.values() if each.warning]
    lines += [f"warning: {warning}" for warning in warned]
    if warned and dataset.drawn:
        lines.append(
            "warning: random weights on drawn cells tell nothing of real images; give --data, "
            "or a sweep whose weights are here, such as quickstart or lite; going on all the same"
        )
    return lines


def _data_lines(dataset: Dataset, certificate: Certificate, score: str) -> list[str]:
    """Return what was found in the images, and what is left to train on."""
    said = certificate_lines(certificate) + baseline_lines(certificate)
    lines = [f"data: {line}" for line in said]
    if dataset.drawn:
        return lines
    n_kept = len(dataset.kept)
    share = max(dataset.class_counts) / n_kept
    line = f"data: {n_kept} images in {dataset.n_classes} classes"
    if not certificate.baselines:
        line += f"; always saying the largest would score an accuracy of {share:.4f}"
    lines.append(line)
    if share >= UNEVEN and score == "accuracy":
        lines.append(
            "data: with so few images of the other classes accuracy hides what is missed of "
            "them; a new study with --score balanced_accuracy counts every class alike"
        )
    return lines


def weights_of(plan: Plan) -> dict[str, ResolvedWeights]:
    """Find the weights of a plan's backbones. Raises ConfigError where one is unknown."""
    names = [str(name) for name in plan.space.choice_of("backbone")]
    for name in names:
        try:
            get_backbone(name)
        except ConfigError as error:
            where = f"search space {plan.sweep.space}: params.backbone"
            raise ConfigError(f"{where}: {error}") from error
    return {name: resolve_weights(name, plan.sweep.weights.source) for name in names}
