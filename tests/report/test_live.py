from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bcsearch.records import Params, TrialState
from bcsearch.records.events import (
    BudgetKnown,
    EpochEnded,
    Notice,
    Progress,
    TrialEnded,
    TrialLost,
    TrialReleased,
    TrialStarted,
)
from bcsearch.report.live import ROWS_SHOWN, LiveView, configuration_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.records.events import Event

PARAMS = Params(head_layers=2, learning_rate=0.00123).canonical()


def trial(number: int, state: TrialState, *means: float) -> list[Event]:
    """Return what happens in one trial with these fold means."""
    heard: list[Event] = [TrialStarted(number=number, params=PARAMS)]
    for epoch, mean in enumerate(means):
        heard.append(
            EpochEnded(number=number, epoch=epoch, score=mean, best=max(means[: epoch + 1]))
        )
    times = {"seconds": 41.25, "train_seconds": 1.5}
    return [
        *heard,
        TrialEnded(number=number, state=state, score=max(means), epochs=len(means), **times),
    ]


RUN: list[Event] = [
    BudgetKnown(trials=3, filled=0, best=None),
    *trial(0, TrialState.COMPLETE, 0.8, 0.9, 0.85),
    *trial(1, TrialState.PRUNED, 0.4),
]


def console_of(*, terminal: bool) -> Console:
    return Console(file=StringIO(), force_terminal=terminal, width=120, record=True)


def shown(events: Iterable[Event], *, terminal: bool) -> list[str]:
    """Return the lines that a whole run shows."""
    console = console_of(terminal=terminal)
    with LiveView(console) as view:
        for event in events:
            view(event)
    return [line.rstrip() for line in console.export_text().splitlines()]


def last_picture(events: list[Event]) -> list[str]:
    """Return the lines that stand in a terminal after the last event."""
    console = console_of(terminal=True)
    with LiveView(console) as view:
        for event in events[:-1]:
            view(event)
        console.export_text(clear=True)
        view(events[-1])
        return [line.rstrip() for line in console.export_text().splitlines() if line.strip()]


def test_without_a_terminal_every_ended_trial_is_one_line() -> None:
    assert shown(RUN, terminal=False) == [
        "trial 0 complete 0.9000, 3 epochs, 41.2 s (1.5 s training)",
        "trial 1 pruned 0.4000, 1 epochs, 41.2 s (1.5 s training)",
    ]


def test_terminal_shows_trials_pruned_ones_the_budget_and_the_best_score() -> None:
    header, first, second, headline = last_picture(RUN)
    assert header.split() == [
        "trial",
        "state",
        "score",
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
    assert headline == "2 of 3 trials, best score 0.9000 in trial 0"


def test_training_is_not_told_where_it_was_not_measured() -> None:
    ended = TrialEnded(number=0, state=TrialState.COMPLETE, score=0.5, epochs=1, seconds=41.25)
    lines = shown([TrialStarted(number=0, params=PARAMS), ended], terminal=False)
    assert lines == ["trial 0 complete 0.5000, 1 epochs, 41.2 s"]


def test_terminal_shows_the_best_score_so_far_of_the_running_trial() -> None:
    lines = last_picture(RUN[:5])  # one epoch better, the next worse
    assert lines[1].split()[:4] == ["0", "running", "0.9000", "3"]
    assert lines[2] == "0 of 3 trials, best score none yet"


def test_pruned_trial_does_not_count_as_best() -> None:
    events = [
        BudgetKnown(trials=3, filled=1, best=0.3, best_number=5),
        *trial(7, TrialState.PRUNED, 0.4),
    ]
    assert last_picture(events)[-1] == "2 of 3 trials, best score 0.3000 in trial 5"


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
    assert last_picture(events)[-1].endswith("best score 0.5000 in trial 0")


def test_best_of_an_earlier_run_is_told_though_it_has_no_row() -> None:
    events = [
        BudgetKnown(trials=9, filled=1, best=0.6, best_number=2),
        *trial(3, TrialState.COMPLETE, 0.5),
    ]
    *rows, headline = last_picture(events)[1:]
    assert [row.split()[0] for row in rows] == ["3"]
    assert headline == "2 of 9 trials, best score 0.6000 in trial 2"


def test_no_table_stands_where_other_processes_run_the_trials() -> None:
    assert last_picture([BudgetKnown(trials=9, filled=4, best=None)]) == [
        "4 of 9 trials, best score none yet"
    ]


def test_no_headline_stands_before_a_study_is_at_hand() -> None:
    assert last_picture([Progress(what="measuring", done=1, total=3, unit="parts")]) == [
        "measuring: 1 of 3 parts"
    ]


def test_score_stands_without_its_trial_where_that_is_not_known() -> None:
    assert (
        last_picture([BudgetKnown(trials=9, filled=1, best=0.6)])[-1]
        == "1 of 9 trials, best score 0.6000"
    )


def test_terminal_shows_progress_until_it_is_done() -> None:
    going = Progress(what="augmented copy 1 of 3 (light)", done=256, total=480)
    assert last_picture([*RUN, going])[-1] == "augmented copy 1 of 3 (light): 256 of 480 images"
    assert last_picture(
        [*RUN, going, Progress(what="augmented copy 1 of 3 (light)", done=480, total=480)]
    )[-1].startswith("2 of 3")


def test_without_a_terminal_progress_is_told_once_at_its_end() -> None:
    steps = [
        Progress(what="augmented copy 1 of 3 (light)", done=done, total=480)
        for done in (160, 320, 480)
    ]
    assert shown(steps, terminal=False) == ["augmented copy 1 of 3 (light): 480 images done"]


@pytest.mark.parametrize("terminal", [True, False])
def test_notices_are_shown_as_they_are(terminal: bool) -> None:
    text = "warning: [bold]weights[/bold] of http://host/" + "x" * 150
    assert text in shown([Notice(text=text)], terminal=terminal)


def test_released_trial_leaves_the_table() -> None:
    events = [*RUN, TrialStarted(number=2, params=PARAMS), TrialReleased(number=2)]
    lines = last_picture(events)
    assert lines[0] == "trial 2 released: it goes on when the study does"
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
    ("params", "words"),
    [
        (Params(), "256"),
        (Params(head_layers=0), "linear"),
        (Params(head_layers=3, units_3=8, optimizer="sgd"), "256-128-8 optimizer=sgd"),
        (Params(augment="light", dropout=0.123456), "256 augment=light dropout=0.12"),
    ],
)
def test_configuration_in_words_names_what_is_not_as_usual(params: Params, words: str) -> None:
    assert configuration_text(params.canonical()) == words
