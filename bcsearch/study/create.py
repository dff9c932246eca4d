"""Creates a study or loads it: its name, settings, fingerprint, start points."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import asdict
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import optuna

from bcsearch.config import Plan, differences, parse_plan
from bcsearch.config.fingerprint import MEANING
from bcsearch.errors import ConfigError, StudyError
from bcsearch.storage import attrs, newest_of
from bcsearch.storage.checks import write_check
from bcsearch.study.samplers import build_pruner, build_sampler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.config.fingerprint import Difference
    from bcsearch.recipe import Value
    from bcsearch.records import StudyRecord
    from bcsearch.records.checked import StudyCheck
    from bcsearch.storage import Storage

REMEDIES = {  # by how the key of a setting begins
    "weights.": "have the same weights here ('bcsearch backbones' shows what is there), "
    "or name them with --weights",
    "check": "give --no-check, or leave it out, as it was then",
    "folds": "give the same --exclude, --groups and [folds] as then, or none",
    "meaning": "it is of an earlier version: status, best and export read it",
}
RESTORE = "restore them, in the files or with the options and the --set that it was made with"
ANEW = "or start anew with 'bcsearch run' and --fresh"
SETTABLE = ("training.", "search.", "views.", "weights.seed")  # keys of --set
MOST_SET = 3  # that a remedy names
JOIN_SECONDS = 10.0  # how long a worker waits for the one that is just creating the study


def study_name(sweep: str, studies: Sequence[StudyRecord], *, fresh: bool = False) -> str:
    """Return the newest of a sweep's studies.

    Where there is none, or with ``fresh``, the first name that is free.
    """
    newest = newest_of(sweep, studies)
    if newest is not None and not fresh:
        return newest
    taken = {study.name for study in studies}
    if sweep not in taken:
        return sweep
    numbered = (f"{sweep}-{number}" for number in count(2))
    return next(name for name in numbered if name not in taken)


def open_study(  # noqa: PLR0913 - what a study is made of
    storage: Storage,
    plan: Plan,
    fingerprint: Mapping[str, str],
    *,
    name: str,
    worker: str,
    starts: Sequence[Mapping[str, Value]] = (),
    check: StudyCheck | None = None,
) -> optuna.Study:
    """Create the study ``name`` that tries ``starts`` first, or join it where it exists.

    ``check`` is what it does about its data.

    Sampler and pruner are those that the study was created with.

    Raises:
        StudyError: the study exists with another fingerprint; the message names the first key that
            differs.
    """
    try:
        study = optuna.create_study(study_name=name, storage=storage, direction="maximize")
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(study_name=name, storage=storage)
        if _broke_off(study):
            _describe(study, storage, plan, fingerprint, starts, check)
        settings = _settings(study)
        stored = study.user_attrs[attrs.FINGERPRINT]
        check_fingerprint(name, stored, fingerprint, settings.sweep.source, plan.sweep.source)
        return load_study(storage, settings, name, worker)
    _describe(study, storage, plan, fingerprint, starts, check)
    study.sampler, study.pruner = build_sampler(plan), build_pruner(plan)
    return study


def load_study(storage: Storage, plan: Plan, name: str, worker: str) -> optuna.Study:
    """Load a study that exists, with the sampler and pruner that it was created with."""
    study = optuna.load_study(study_name=name, storage=storage)
    study.sampler = build_sampler(plan, worker, len(study.get_trials(deepcopy=False)))
    study.pruner = build_pruner(plan)
    return study


def check_fingerprint(
    name: str, stored: Mapping[str, str], now: Mapping[str, str], source: str, given: str
) -> None:
    """Refuse to mix results that cannot be compared.

    The study's data came from ``source``, ``given`` is said now.

    Raises:
        StudyError: a part differs.
    """
    changed = differences(stored, now)
    if not changed:
        return
    if stored.get("dataset") != now.get("dataset"):
        what = f"give --data {source}"
        if source == given:
            what = "its content has changed since; restore it"
        raise StudyError(f"study {name!r} was made with other data, from {source}: {what}, {ANEW}")
    what = str(changed[0])
    if len(changed) > 1:
        what += f" (and {len(changed) - 1} more)"
    raise StudyError(
        f"study {name!r} was made with other settings: {what}; {_remedy(changed)}, {ANEW}"
    )


def refuse_older(study: StudyRecord) -> None:
    """Refuse to go on with a study of an earlier version, before anything is computed.

    Raises:
        StudyError: its results mean something else than those of now.
    """
    now = {"meaning": str(MEANING)}
    stored = {"meaning": study.fingerprint.get("meaning", now["meaning"])}
    check_fingerprint(study.name, stored, now, "", "")


def _remedy(changed: Sequence[Difference]) -> str:
    """Return what to do about settings that differ."""
    if len(changed) <= MOST_SET and all(each.key.startswith(SETTABLE) for each in changed):
        again = " ".join(f"--set {each.key}={each.was}" for each in changed)
        return f"go on with {again}"
    first = changed[0].key
    return next((text for key, text in REMEDIES.items() if first.startswith(key)), RESTORE)


def settings_text(plan: Plan) -> str:
    """Write a plan as JSON that ``stored_plan`` reads back."""
    without_url = plan.sweep.model_copy(update={"storage": None})  # a URL may hold a password
    space = plan.space.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps({"sweep": without_url.model_dump(mode="json"), "space": space})


def stored_plan(sweep: str, settings: str) -> Plan:
    """Read the plan that a study was created with."""
    content: dict[str, Any] = json.loads(settings)
    if not isinstance(content, dict):
        raise ConfigError(f"settings of study {sweep} are no table")
    return parse_plan(sweep, content, f"settings of study {sweep}")


def plan_of(study: StudyRecord) -> Plan:
    """Return the plan that a study was created with.

    Raises:
        StudyError: it is not one of ours, or was not made to its end.
    """
    if not (study.settings and study.uuid):
        raise StudyError(
            f"study {study.name!r} was not made by 'bcsearch run', or not to its end: "
            "run that first"
        )
    return stored_plan(study.sweep, study.settings)


def _describe(
    study: optuna.Study,
    storage: Storage,
    plan: Plan,
    fingerprint: Mapping[str, str],
    starts: Sequence[Mapping[str, Value]],
    check: StudyCheck | None,
) -> None:
    for start in starts:
        study.enqueue_trial(dict(start), skip_if_exists=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([plan.sweep.search.score])  # what the dashboard calls it
    study.set_user_attr(attrs.SWEEP, plan.name)
    study.set_user_attr(attrs.FINGERPRINT, dict(fingerprint))
    study.set_user_attr(attrs.SETTINGS, settings_text(plan))
    uuid = str(uuid4())
    if check is not None:
        study.set_user_attr(attrs.CHECK, asdict(check.certificate))
        write_check(storage, uuid, check)
    study.set_user_attr(attrs.UUID, uuid)  # last: whoever sees it sees all


def _broke_off(study: optuna.Study) -> bool:
    """Wait for the worker that is just creating a study.

    Whether it never came to its end, nor any trial.
    """
    deadline = time.monotonic() + JOIN_SECONDS
    while attrs.UUID not in study.user_attrs and time.monotonic() < deadline:
        time.sleep(0.2)
    waiting = all(
        trial.state is optuna.trial.TrialState.WAITING for trial in study.get_trials(deepcopy=False)
    )
    return attrs.UUID not in study.user_attrs and waiting


def _settings(study: optuna.Study) -> Plan:
    if attrs.UUID not in study.user_attrs:
        raise StudyError(
            f"study {study.study_name!r} was not made by bcsearch; start anew with --fresh"
        )
    return stored_plan(study.user_attrs[attrs.SWEEP], study.user_attrs[attrs.SETTINGS])
