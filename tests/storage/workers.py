"""Worker processes of storage tests: they open the database themselves and run a fake objective."""

from __future__ import annotations

import time
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import optuna
from optuna.samplers import RandomSampler

from bcsearch.storage import Slots, Storage, open_storage
from bcsearch.storage.attrs import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna import Study, Trial

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["optuna", "sqlalchemy.orm", "bcsearch.storage", "tests.storage.workers"]
)
NAME = "sweep"


class HangingSampler(RandomSampler):
    """A sampler that says when it was called and never comes back from ``ask``."""

    def __init__(self, called: Any) -> None:
        super().__init__()
        self.called = called

    def infer_relative_search_space(self, study: Study, trial: Any) -> dict[str, Any]:
        del study, trial
        self.called.set()
        time.sleep(600)
        return {}


def make_study(storage: Storage, name: str = NAME, uuid: str = "u-1") -> Study:
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", sampler=RandomSampler(seed=1)
    )
    study.set_user_attr(UUID, uuid)
    return study


def open_study(url: str) -> tuple[Storage, Study]:
    storage = open_storage(
        url
    )  # with the usual grace: a machine under load may be silent for seconds
    return storage, optuna.load_study(study_name=NAME, storage=storage, sampler=RandomSampler())


def score(trial: Trial) -> float:
    value = trial.suggest_float("x", 0, 1)
    trial.suggest_categorical("kind", ["a", "b"])
    trial.report(value, 0)
    return value


def work(storage: Storage, study: Study, worker: str, seconds: float = 0.01) -> None:
    """Fill slots until the budget is done, as a worker of a study does."""
    slots = Slots(storage, study)
    while not slots.counts().is_done:
        slot = slots.claim(worker)
        if slot is None:
            storage.fail_stale(study)
            time.sleep(0.2)
            continue
        study.optimize(_filling(slots, slot, seconds), n_trials=1)
    while storage.runs_any(study):  # lost before it took a slot
        storage.fail_stale(study)
        time.sleep(0.2)


def _filling(slots: Slots, slot: int, seconds: float) -> Callable[[Trial], float]:
    def objective(trial: Trial) -> float:
        if not slots.bind(slot, trial.number):
            raise RuntimeError("the slot was lost")
        time.sleep(seconds)
        return score(trial)

    return objective


def pop_all(url: str, barrier: Any, answers: Any) -> None:
    """Pop WAITING trials until none is left and answer with their ids."""
    storage, study = open_study(url)
    barrier.wait()
    popped = list(iter(study._pop_waiting_trial_id, None))
    answers.put(popped)
    storage.engine.dispose()


def fill(url: str, barrier: Any, answers: Any) -> None:
    """Fill slots together with others."""
    storage, study = open_study(url)
    barrier.wait()
    work(storage, study, CONTEXT.Process().name)
    answers.put([])
    storage.engine.dispose()


def create(url: str, barrier: Any, answers: Any) -> None:
    """Open a database that does not exist yet together with others."""
    barrier.wait()
    storage = open_storage(url)
    answers.put([storage.get_current_version()])
    storage.engine.dispose()


def hang_in_objective(url: str, started: Any) -> None:
    """Bind a slot, draw params, report, and hang."""
    storage, study = open_study(url)
    slots = Slots(storage, study)
    slot = slots.claim("doomed")

    def objective(trial: Trial) -> float:
        slots.bind(-1 if slot is None else slot, trial.number)
        score(trial)
        started.set()
        time.sleep(600)
        return 0.0

    study.optimize(objective, n_trials=1)


def hang_in_ask(url: str, started: Any) -> None:
    """Hang while a trial is being asked for."""
    storage, study = open_study(url)
    Slots(storage, study).claim("doomed")
    study.sampler = HangingSampler(started)
    study.optimize(score, n_trials=1)


def together(target: Callable[..., None], url: str, n_processes: int) -> list[list[Any]]:
    """Run ``target`` in processes that start at the same moment; return what each answered."""
    barrier, answers = CONTEXT.Barrier(n_processes), CONTEXT.Queue()
    processes = [
        CONTEXT.Process(target=target, args=(url, barrier, answers)) for _ in range(n_processes)
    ]
    for process in processes:
        process.start()
    answered = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    return answered


def killed(target: Callable[..., None], url: str) -> None:
    """Start ``target``, wait until it says that it is in the middle, and kill it."""
    started = CONTEXT.Event()
    process = CONTEXT.Process(target=target, args=(url, started))
    process.start()
    assert started.wait(30)
    process.kill()
    process.join(10)
