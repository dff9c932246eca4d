"""What run, worker and refit print with --quiet, --json and --log."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.errors import StudyError
from bcsearch.records import TrialState
from bcsearch.records.events import (
    BudgetKnown,
    EpochEnded,
    Event,
    Listener,
    Notice,
    TrialEnded,
    TrialStarted,
    together,
)
from tests.fakes import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

EVENTS: list[Event] = [
    Notice(text="study: cells"),
    TrialStarted(number=0, params={"head_layers": 1}),
    EpochEnded(number=0, epoch=0, score=0.8, best=0.8),
    TrialEnded(number=0, state=TrialState.COMPLETE, score=0.8, epochs=1, seconds=2.0),
    BudgetKnown(trials=1, filled=1, best=0.8, best_number=0),
]
BEST = "best configuration and model: results/cells/model"
LOOK = "look with: bcsearch status --study cells"
HEADLINE = "1 of 1 trials, best accuracy 0.8000 in trial 0"


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let commands hear ``EVENTS`` in place of training; what is in the list ends them."""
    how: list[Any] = []

    def work(*arguments: Any) -> Any:
        listener: Listener = arguments[-1]
        for event in EVENTS:
            listener(event)
        if how and isinstance(how[0], BaseException):
            raise how[0]
        return how[0] if how else SimpleNamespace(study="cells", bundle=Path("results/cells/model"))

    module = SimpleNamespace(run=work, work=work, refit=work)
    monkeypatch.setitem(sys.modules, "bcsearch.study.run", module)
    return how


def events_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the objects on stdout, where nothing else stands."""
    return [json.loads(line) for line in answer.out.splitlines()]


@pytest.mark.usefixtures("ends")
def test_quiet_run_prints_notices_and_the_last_lines_alone(bcsearch: Run) -> None:
    loud = bcsearch("run", "--study", "quickstart").out.splitlines()
    assert loud[1].startswith("trial 0 complete, accuracy 0.8000")
    quiet = bcsearch("run", "--study", "quickstart", "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.out.splitlines() == [loud[0], *loud[2:]] == ["study: cells", HEADLINE, LOOK, BEST]


@pytest.mark.parametrize("command", ["worker", "refit"])
def test_other_commands_that_train_are_quiet_too(
    command: str, ends: list[Any], bcsearch: Run
) -> None:
    ends.append(Path("model"))
    answer = bcsearch(command, "--study", "quickstart", "--quiet", "--log", "run.log")
    lines = answer.out.splitlines()
    assert lines == ["study: cells"] + ["configuration and model: model"] * (command == "refit")
    logged = [line.split(" ", 1)[1] for line in Path("run.log").read_text().splitlines()]
    assert "trial 0 running, epoch 1, accuracy 0.8000, best 0.8000" in logged
    assert logged[-1].startswith(("configuration and model", "trial 0 complete"))


@pytest.mark.usefixtures("ends")
def test_json_of_a_run_is_every_event_and_how_it_ended_and_nothing_else(bcsearch: Run) -> None:
    answer = bcsearch("run", "--study", "quickstart", "--json", "--log", "run.log")
    assert (answer.code, answer.err) == (0, "")
    lines = events_of(answer)
    names = ["notice", "trial_started", "epoch_ended", "trial_ended", "budget_known", "ended"]
    assert [line["event"] for line in lines] == names
    last = lines[-1]
    assert (last["how"], last["study"], last["best"]) == ("finished", "cells", 0.8)
    assert last["bundle"] == "results/cells/model"
    logged = [line.split(" ", 1)[1] for line in Path("run.log").read_text().splitlines()]
    assert logged[0] == "study: cells"
    assert logged[-3:] == [HEADLINE, LOOK, BEST]


@pytest.mark.parametrize(
    ("end", "code", "facts"),
    [
        (SimpleNamespace(study="cells", bundle=None), 130, {"how": "stopped", "study": "cells"}),
        (StudyError("it is gone"), 2, {"how": "failed", "error": "it is gone"}),
        (KeyboardInterrupt(), 130, {"how": "stopped", "study": None}),
    ],
    ids=["released", "error", "at once"],
)
def test_last_line_of_json_says_that_a_run_was_stopped_or_failed(
    end: Any, code: int, facts: dict[str, Any], ends: list[Any], bcsearch: Run
) -> None:
    ends.append(end)
    answer = bcsearch("run", "--study", "quickstart", "--json", "--log", "run.log")
    assert answer.code == code
    last = events_of(answer)[-1]
    assert last == {**last, "event": "ended", "bundle": None, "best": 0.8, **facts}
    if code == 2:
        assert answer.err == "error: it is gone\n"
        assert Path("run.log").read_text().endswith(" failed: it is gone\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--quiet", "--json"), "--quiet has no effect; leave one out"),
        (("--log", "no/run.log"), "cannot write --log no/run.log: No such file or directory"),
        (("--log", "/dev/stdout"), "is a pipe or a device"),
        (("--set", "training.epoks=1"), "--set: unknown key 'training.epoks'; did you mean"),
        (("--set", "params.views=8", "--seed", "-1"), "--seed: came -1, allowed: 0 or more"),
        (("--score", "acuracy"), "--score: unknown value 'acuracy'; did you mean"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    arguments: tuple[str, ...], said: str, bcsearch: Run
) -> None:
    answer = bcsearch("run", "--study", "quickstart", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_listeners_together_hear_every_event_in_one_order() -> None:
    first, second = Recorder(), Recorder()
    tell = together(first, second)

    def say(number: int) -> None:
        for count in range(500):
            tell(Notice(text=f"{number} {count}"))

    threads = [Thread(target=say, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first.events) == 2000
    assert first.events == second.events
