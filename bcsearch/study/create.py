"""Creates a study or takes it up again: its name, settings, fingerprint, budget, start points. Imports optuna."""

from __future__ import annotations

import json
import time
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import optuna

from bcsearch.config import Plan, differences, parse_plan
from bcsearch.errors import StudyError
from bcsearch.storage import attrs, newest_of
from bcsearch.storage.forecasts import keep_forecast
from bcsearch.study.samplers import build_pruner, build_sampler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.records import StudyRecord
    from bcsearch.records.forecast import Forecast
    from bcsearch.storage import Storage

WEIGHTS_REMEDY = "have the same weights here ('bcsearch backbones' tells what is at hand), or name them with --weights"
ANEW = "or start anew with 'bcsearch run' and --fresh"
JOIN_SECONDS = 10.0  # how long a worker waits for the one that is just creating the study


def study_name(sweep: str, studies: Sequence[StudyRecord], *, fresh: bool = False) -> str:
    """Return the newest of a sweep's studies; where there is none, or with ``fresh``, the first name that is free."""
    newest = newest_of(sweep, studies)
    if newest is not None and not fresh:
        return newest
    taken = {study.name for study in studies}
    names = (sweep if number == 1 else f"{sweep}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def open_study(
    storage: Storage,
    plan: Plan,
    fingerprint: Mapping[str, str],
    *,
    name: str,
    worker: str,
    forecast: Forecast | None = None,
) -> optuna.Study:
    """Create the study ``name`` with the plan's start points and forecast, or join it where it exists.

    Sampler and pruner are those that the study was created with.

    Raises:
        StudyError: the study exists with another fingerprint; the message names the first key that differs.
    """
    try:
        study = optuna.create_study(study_name=name, storage=storage, direction="maximize")
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(study_name=name, storage=storage)
        if _broke_off(study):
            _describe(study, plan, fingerprint, forecast)
        settings = _settings(study)
        stored = study.user_attrs[attrs.FINGERPRINT]
        check_fingerprint(name, stored, fingerprint, settings.sweep.data, plan.sweep.data)
        return load_study(storage, settings, name, worker)
    _describe(study, plan, fingerprint, forecast)
    study.sampler, study.pruner = build_sampler(plan.sweep.search), build_pruner(plan.sweep.search)
    return study


def load_study(storage: Storage, plan: Plan, name: str, worker: str) -> optuna.Study:
    """Load a study that exists, with the sampler and pruner of the plan that it was created with."""
    study = optuna.load_study(study_name=name, storage=storage)
    search = plan.sweep.search
    study.sampler = build_sampler(search, worker, len(study.get_trials(deepcopy=False)))
    study.pruner = build_pruner(search)
    return study


def check_fingerprint(
    name: str, stored: Mapping[str, str], now: Mapping[str, str], source: str, given: str
) -> None:
    """Refuse to mix results that cannot be compared; the study's data came from ``source``, ``given`` is said now.

    Raises:
        StudyError: a part differs.
    """
    changed = differences(stored, now)
    if not changed:
        return
    if stored.get("dataset") != now.get("dataset"):
        what = (
            "its content has changed since; restore it"
            if source == given
            else f"give --data {source}"
        )
        raise StudyError(f"study {name!r} was made with other data, from {source}: {what}, {ANEW}")
    remedy = WEIGHTS_REMEDY if changed[0].startswith("weights.") else "restore them"
    more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
    raise StudyError(
        f"study {name!r} was made with other settings: {changed[0]}{more}; {remedy}, {ANEW}"
    )


def settings_text(plan: Plan) -> str:
    """Write a plan as JSON that ``stored_plan`` reads back."""
    sweep = plan.sweep.model_copy(update={"storage": None}).model_dump(
        mode="json"
    )  # a URL may hold a password
    spaces = {"space": plan.space} | ({} if plan.fitted is None else {"fitted": plan.fitted})
    texts = {
        name: space.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for name, space in spaces.items()
    }
    return json.dumps({"sweep": sweep, **texts})


def stored_plan(sweep: str, settings: str) -> Plan:
    """Read the plan that a study was created with."""
    content: dict[str, Any] = json.loads(settings)
    return parse_plan(sweep, content, f"settings of study {sweep}")


def _describe(
    study: optuna.Study, plan: Plan, fingerprint: Mapping[str, str], forecast: Forecast | None
) -> None:
    for start in plan.starts:
        study.enqueue_trial(dict(start), skip_if_exists=True)
    study.set_user_attr(attrs.SWEEP, plan.name)
    study.set_user_attr(attrs.FINGERPRINT, dict(fingerprint))
    study.set_user_attr(attrs.SETTINGS, settings_text(plan))
    if forecast is not None:
        keep_forecast(study, forecast)
    study.set_user_attr(attrs.UUID, str(uuid4()))  # last: whoever sees it sees all


def _broke_off(study: optuna.Study) -> bool:
    """Wait for the worker that is just creating a study; tell whether it never came to its end, nor any trial."""
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
