"""Shows what preprocessing and augmentation do to images of a study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.config.sweep import WeightSettings
from bcsearch.errors import ConfigError, StudyError
from bcsearch.recipe import BY_NAME, Params, Where
from bcsearch.records.events import Notice
from bcsearch.report.sheet import Sheet
from bcsearch.seeds import derive_seed
from bcsearch.storage import database_of, find_study, read_study
from bcsearch.storage.checks import read_check
from bcsearch.study.assemble import prepare
from bcsearch.study.create import plan_of
from bcsearch.study.ending import completed_trial
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.opening import without_test
from bcsearch.views.making import make_chunk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config import Plan, RunOptions
    from bcsearch.recipe import Value
    from bcsearch.records.checked import StudyCheck
    from bcsearch.records.events import Listener
    from bcsearch.study.assemble import Prepared

FEWEST_ROWS, MOST_ROWS = 6, 16  # of a sheet; between, one for each class
RANDOM = WeightSettings(source="random")  # of backbones, which are not used: nothing is fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a sheet starts from: a plan, values of its parameters, its images and their check.

    ``dataset`` is their fingerprint; empty where the sweep was never run.
    """

    title: str
    plan: Plan
    values: Mapping[str, Value]
    dataset: str = ""
    check: StudyCheck | None = None


def preview(
    name: str,
    number: int | None,
    given: Mapping[str, Value],
    copies: int,
    options: RunOptions,
    listener: Listener,
) -> Sheet:
    """Return images to train on beside what becomes of them.

    Args:
        name: of a study, or of a sweep that was not run yet where something is ``given``.
        number: of the completed trial whose parameters are taken; None: the best.
        given: parameters to take in place of the trial's.
        copies: randomly changed ones of each image.
        options: say where the study and its images are.
        listener: hears what was found in the data.

    Raises:
        BcsearchError: something that the user can fix.
    """
    start = _start(name, number, given, options)
    params = _params(start.values, given)
    asked = without_test(options.over(start.plan))
    asked = replace(asked, sweep=asked.sweep.model_copy(update={"weights": RANDOM}))
    with Interrupts(listener) as interrupts:
        prepared = prepare(asked, options, interrupts.tell, interrupts, start.check, looks=False)
    if start.dataset not in ("", prepared.check.dataset):
        listener(Notice(text="these are other images than the study's: colours are fitted to them"))
    rows = _rows(prepared)
    images = prepared.dataset.images[rows]
    clean, *changed = prepared.trainer.views.training(params.but(views=copies + 1))
    columns = {"original": images}
    if clean.ops:
        columns["preprocessed"] = make_chunk(images, clean, 0)
    columns |= {f"copy {view.copy}": make_chunk(images, view, 0) for view in changed}
    acting = [
        f"{each} {value}"
        for each, value in params.acting.items()
        if BY_NAME[each].where is Where.VIEW and each != "views"
    ]
    classes = [prepared.dataset.class_names[label] for label in prepared.dataset.labels[rows]]
    return Sheet(title=f"{start.title}: {', '.join(acting)}", columns=columns, rows=tuple(classes))


def _start(name: str, number: int | None, given: Mapping[str, Value], options: RunOptions) -> Start:
    """Return a trial of a study; what is fixed of a sweep that has none, where much is given."""
    url = database_of(options, name)
    try:
        study = read_study(url, find_study(url, name), with_epochs=True)
    except StudyError:
        if number is not None or not given:
            raise
        plan = options.plan(name)
        return Start(title=name, plan=plan, values=plan.space.fixed)
    plan, dataset = plan_of(study), study.fingerprint.get("dataset", "")
    check = read_check(url, study.uuid)
    if number is None and given and study.best is None:
        return Start(
            title=study.name, plan=plan, values=plan.space.fixed, dataset=dataset, check=check
        )
    trial = completed_trial(study, number, "preview")
    title = f"{study.name}, trial {trial.number}"
    return Start(title=title, plan=plan, values=trial.acting, dataset=dataset, check=check)


def _params(values: Mapping[str, Value], given: Mapping[str, Value]) -> Params:
    """Return a configuration with some values in place of others.

    Raises:
        ConfigError: one of them may not be, or does not act.
    """
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        complaint = BY_NAME[name].domain.complaint(value)
        if complaint:
            raise ConfigError(f"{flag}: {complaint}")
        if name not in Params(**{**values, **given}).acting:
            raise ConfigError(f"{flag} acts {BY_NAME[name].when} only; leave it out")
    return Params(**{**values, **given})


def _rows(prepared: Prepared) -> np.ndarray:
    """Draw images to train on, of each class as many as of others, in the order of classes."""
    dataset = prepared.dataset
    random = np.random.default_rng(derive_seed(prepared.plan.sweep.views.seed, "preview"))
    to_train = np.setdiff1d(np.arange(dataset.n_images), prepared.folds.apart)
    rows = random.permutation(to_train)
    labels = dataset.labels[rows]
    turns = np.empty(len(rows), int)  # the how manyth of its class an image is
    for label in np.unique(labels):
        turns[labels == label] = np.arange((labels == label).sum())
    n_rows = min(max(dataset.n_classes, FEWEST_ROWS), MOST_ROWS)
    first = np.lexsort((labels, turns))[:n_rows]
    return rows[first[np.argsort(labels[first], kind="stable")]]
