from __future__ import annotations

import itertools
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from bcsearch.recipe import Params
from bcsearch.records import TrialState
from bcsearch.records.events import (
    BudgetKnown,
    EpochEnded,
    Notice,
    Progress,
    TimeLeft,
    TrialEnded,
    TrialLost,
    TrialReleased,
    TrialSeen,
    TrialStarted,
)
from bcsearch.report.live import ROWS_SHOWN, LiveView
from bcsearch.report.trials import configuration_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.records.events import Event

PARAMS = Params(head_layers=2, learning_rate=0.00123)


def trial(number: int, state: TrialState, *means: float) -> list[Event]:
    """Return what happens in one trial with these fold means."""
    heard: list[Event] = [TrialStarted(number=number, params=PARAMS)]
    for epoch, mean in enumerate(means):
        heard.append(
            EpochEnded(number=number, epoch=epoch, score=mean, best=max(means[: epoch + 1]))
        )
    times: dict[str, Any] = {"seconds": 41.25, "train_seconds": 1.5}
    return [
        *heard,
        TrialEnded(number=number, state=state, score=max(means), epochs=len(means), **times),
    ]


RUN: list[Event] = [
    BudgetKnown(trials=3, filled=0, best=None),
    *trial(0, TrialState.COMPLETE, 0.8, 0.9, 0.85),
    *trial(1, TrialState.PRUNED, 0.4),
]


def console_of(*, terminal: bool, width: int = 120) -> Console:
    return Console(file=StringIO(), force_terminal=terminal, width=width, record=True)


def shown(events: Iterable[Event], *, terminal: bool) -> list[str]:
    """Return the lines that a whole run shows."""
    console = console_of(terminal=terminal)
    with LiveView(console) as view:
        for event in events:
            view(event)
    return [line.rstrip() for line in console.export_text().splitlines()]


def last_picture(events: list[Event], width: int = 120) -> list[str]:
    """Return the lines that stand in a terminal after the last event."""
    console = console_of(terminal=True, width=width)
    with LiveView(console) as view:
        for event in events[:-1]:
            view(event)
        console.export_text(clear=True)
        view(events[-1])
        return [line.rstrip() for line in console.export_text().splitlines() if line.strip()]


def test_without_a_terminal_every_ended_trial_is_one_line() -> None:
    assert shown(RUN, terminal=False) == [
        "trial 0 complete, accuracy 0.9000, 3 epochs, 41.2 s (1.5 s training)",
        "trial 1 pruned, accuracy 0.4000, 1 epochs, 41.2 s (1.5 s training)",
    ]


def test_terminal_shows_trials_pruned_ones_the_budget_and_the_best_score() -> None:
    header, first, second, headline = last_picture(RUN)
    assert header.split() == [
        "trial",
        "state",
        "accuracy",
        "epochs",
        "seconds",
        "training",
        "configuration",
    ]
    assert first.split() == [
        "0",
        "complete",
        "0.9000",
        "3",
        "41.2",
        "1.5",
        "256-128",
        "learning_rate=0.0012",
    ]
    assert second.split()[:6] == ["1", "pruned", "0.4000", "1", "41.2", "1.5"]
    assert headline == "2 of 3 trials, best accuracy 0.9000 in trial 0"


def test_training_is_not_shown_where_it_was_not_measured() -> None:
    ended = TrialEnded(number=0, state=TrialState.COMPLETE, score=0.5, epochs=1, seconds=41.25)
    lines = shown([TrialStarted(number=0, params=PARAMS), ended], terminal=False)
    assert lines == ["trial 0 complete, accuracy 0.5000, 1 epochs, 41.2 s"]


def test_terminal_shows_the_best_score_so_far_of_the_running_trial() -> None:
    lines = last_picture(RUN[:5])  # one epoch better, the next worse
    assert lines[1].split()[:4] == ["0", "running", "0.9000", "3"]
    assert lines[2] == "0 of 3 trials, no score yet"


def test_pruned_trial_does_not_count_as_best() -> None:
    events = [
        BudgetKnown(trials=3, filled=1, best=0.3, best_number=5),
        *trial(7, TrialState.PRUNED, 0.4),
    ]
    assert last_picture(events)[-1] == "2 of 3 trials, best accuracy 0.3000 in trial 5"


def numbers_shown(scores: list[float]) -> list[int]:
    """Return the numbers of the rows that stand in a terminal after trials with these scores."""
    events = [
        event
        for number, score in enumerate(scores)
        for event in trial(number, TrialState.COMPLETE, score)
    ]
    return [int(row.split()[0]) for row in last_picture(events)[1:-1]]


@pytest.mark.parametrize("best", range(ROWS_SHOWN + 3))
def test_last_trials_are_shown_and_the_best_never_scrolls_away(best: int) -> None:
    n_trials = ROWS_SHOWN + 3
    last = list(range(n_trials - ROWS_SHOWN, n_trials))
    found = numbers_shown([0.9 if number == best else 0.5 for number in range(n_trials)])
    assert found == (last if best in last else [best, *last[1:]])


def test_first_of_two_equal_trials_is_the_best_as_in_the_study() -> None:
    events = [*trial(0, TrialState.COMPLETE, 0.5), *trial(1, TrialState.COMPLETE, 0.5)]
    assert last_picture(events)[-1].endswith("best accuracy 0.5000 in trial 0")


def test_best_of_an_earlier_run_is_shown_though_it_has_no_row() -> None:
    events = [
        BudgetKnown(trials=9, filled=1, best=0.6, best_number=2),
        *trial(3, TrialState.COMPLETE, 0.5),
    ]
    *rows, headline = last_picture(events)[1:]
    assert [row.split()[0] for row in rows] == ["3"]
    assert headline == "2 of 9 trials, best accuracy 0.6000 in trial 2"


def seen(number: int, state: TrialState, **facts: Any) -> TrialSeen:
    known = {"score": 0.75, "epochs": 3, "seconds": 9.5, **facts}
    return TrialSeen(number=number, state=state, params=dict(PARAMS), **known)


def test_trials_of_other_processes_stand_in_the_same_table_by_their_numbers() -> None:
    running = seen(2, TrialState.RUNNING, score=None, epochs=0, seconds=None)
    events = [
        BudgetKnown(trials=9, filled=2, best=0.75, best_number=1),
        *trial(3, TrialState.COMPLETE, 0.5),
        running,
        seen(1, TrialState.COMPLETE, train_seconds=2.0),
    ]
    _, *rows, headline = last_picture(events)
    cells = [row.split() for row in rows]
    assert [row[:2] for row in cells] == [["1", "complete"], ["2", "running"], ["3", "complete"]]
    assert cells[0][2:6] == ["0.7500", "3", "9.5", "2.0"]
    assert cells[1][2] == "256-128"  # no score, epochs or seconds yet
    assert headline == "3 of 9 trials, best accuracy 0.7500 in trial 1"


def test_what_the_database_says_of_an_own_trial_is_not_shown_over_what_is_known_here() -> None:
    stale = seen(0, TrialState.RUNNING, score=None, epochs=0, seconds=None)
    assert last_picture([*RUN, stale]) == last_picture(RUN)


def test_without_a_terminal_trials_that_others_ended_meanwhile_are_lines_too() -> None:
    events = [
        seen(0, TrialState.COMPLETE),
        seen(1, TrialState.RUNNING, seconds=None),
        seen(1, TrialState.COMPLETE, is_new=True),
        *trial(2, TrialState.COMPLETE, 0.5),
        seen(2, TrialState.COMPLETE, is_new=True),
    ]
    assert shown(events, terminal=False) == [
        "trial 1 complete, accuracy 0.7500, 3 epochs, 9.5 s",
        "trial 2 complete, accuracy 0.5000, 1 epochs, 41.2 s (1.5 s training)",
    ]


def test_without_a_terminal_an_epoch_longer_than_a_minute_is_heard_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = itertools.count(0, 61)  # a minute and a second pass before every look
    monkeypatch.setattr("bcsearch.report.live.time.monotonic", lambda: float(next(clock)))
    known = BudgetKnown(trials=30, filled=24, best=0.9, best_number=7)
    assert shown([known, known], terminal=False)[-1] == (
        "going on: 24 of 30 trials, best accuracy 0.9000 in trial 7"
    )


def test_running_trial_shows_for_how_long_it_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("bcsearch.report.live.time.monotonic", lambda: now[0])
    console = console_of(terminal=True)
    with LiveView(console) as view:
        for event in RUN[:3]:
            view(event)
        now[0] = 225.0
        console.export_text(clear=True)
        view(BudgetKnown(trials=3, filled=0, best=None))
        row = console.export_text().splitlines()[1].split()
    assert row[:5] == ["0", "running", "0.8000", "1", "125.0"]


def test_no_headline_stands_before_there_is_a_study() -> None:
    (line,) = last_picture([Progress(what="measuring", done=1, total=3)])
    assert line.startswith("measuring")
    assert "1/3" in line


def test_score_stands_without_its_trial_where_that_is_not_known() -> None:
    assert (
        last_picture([BudgetKnown(trials=9, filled=1, best=0.6)])[-1]
        == "1 of 9 trials, best accuracy 0.6000"
    )


def test_terminal_shows_one_bar_of_the_work_until_it_is_done() -> None:
    steps: list[Event] = [
        Progress(what="activations of [resnet50]", done=done, total=480) for done in (128, 256, 480)
    ]
    (bar,) = last_picture([*RUN, *steps[:2]])[4:]
    assert bar.startswith("activations of [resnet50]")
    assert "256/480" in bar
    assert last_picture([*RUN, *steps])[-1].startswith("2 of 3")


def test_without_a_terminal_progress_is_printed_once_at_its_end() -> None:
    steps = [Progress(what="light 1", done=done, total=480) for done in (160, 320, 480)]
    assert shown(steps, terminal=False) == ["light 1: 480 images done"]


def test_without_a_terminal_a_long_trial_says_every_minute_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[Event] = [
        Progress(what="light 1", done=160, total=480),
        EpochEnded(number=3, epoch=4, score=0.8, best=0.9, score_name="accuracy"),
    ]
    clock = itertools.count(0, 61)  # a minute and a second pass before every look
    monkeypatch.setattr("bcsearch.report.live.time.monotonic", lambda: float(next(clock)))
    started: list[Event] = [TrialStarted(number=3, params=Params())]
    assert shown([*started, *steps], terminal=False) == [
        "light 1: 160 of 480 images",
        "trial 3 running, epoch 5, accuracy 0.8000, best 0.9000",
    ]


def test_time_left_is_in_the_headline() -> None:
    assert last_picture([*RUN, TimeLeft(seconds=330)])[-1].endswith(", about 5.5 minutes left")


SEVERAL: list[Event] = [
    TrialStarted(number=0, params=PARAMS),
    TrialEnded(
        number=0,
        state=TrialState.COMPLETE,
        score=0.75,
        epochs=1,
        seconds=2,
        score_name="macro_f1",
        scores={"macro_f1": 0.75, "accuracy": 0.5, "balanced_accuracy": 0.25},
    ),
]


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (80, ["macro_f1"]),
        (110, ["macro_f1", "accuracy"]),
        (160, ["macro_f1", "accuracy", "balanced_accuracy"]),
    ],
)
def test_wide_terminal_shows_other_scores_by_their_names(width: int, headings: list[str]) -> None:
    header, row, headline = last_picture(SEVERAL, width)
    assert header.split()[2 : 2 + len(headings) + 1] == [*headings, "epochs"]
    assert row.split()[2 : 2 + len(headings)] == ["0.7500", "0.5000", "0.2500"][: len(headings)]
    assert "best macro_f1 0.7500 in trial 0" in headline


@pytest.mark.parametrize("terminal", [True, False])
def test_notices_are_shown_as_they_are(terminal: bool) -> None:
    text = "warning: [bold]weights[/bold] of http://host/" + "x" * 150
    assert text in shown([Notice(text=text)], terminal=terminal)


def test_released_trial_leaves_the_table() -> None:
    events = [*RUN, TrialStarted(number=2, params=PARAMS), TrialReleased(number=2)]
    lines = last_picture(events)
    assert lines[0] == "trial 2 released: it continues when the study does"
    assert [line.split()[0] for line in lines[-3:]] == [
        "0",
        "1",
        "2",
    ]  # two trials and "2 of 3 trials"


def test_trial_that_was_lost_leaves_the_table() -> None:
    lines = last_picture([*RUN, TrialStarted(number=2, params=PARAMS), TrialLost(number=2)])
    assert lines[0] == "trial 2 was ended by another worker; going on"
    assert [line.split()[0] for line in lines[-3:]] == ["0", "1", "2"]


def test_terminal_is_given_back_when_a_run_breaks_off() -> None:
    console = console_of(terminal=True)
    with pytest.raises(KeyboardInterrupt), LiveView(console):
        raise KeyboardInterrupt
    assert console.file.getvalue().endswith("\x1b[?25h")  # type: ignore[attr-defined] # a StringIO: the cursor is back


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (Params(), "256"),
        (Params(head_layers=0), "linear"),
        (Params(head_layers=3, units_3=8, optimizer="sgd"), "256-128-8 optimizer=sgd"),
        (Params(augment="light", dropout=0.123456), "256 augment=light dropout=0.12"),
        (Params(dropout=0.2), "256 dropout_0=0.2"),
        (Params(dropout_0=0.0, dropout_1=0.5), "256 dropout_1=0.5"),
    ],
)
def test_configuration_names_what_differs_from_the_defaults(params: Params, text: str) -> None:
    assert configuration_text(params) == text
