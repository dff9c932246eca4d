from __future__ import annotations

import json
from io import StringIO
from math import inf, nan
from typing import Any

from bcsearch.recipe import Params
from bcsearch.records import TrialState
from bcsearch.records.events import (
    BudgetKnown,
    EpochEnded,
    Event,
    Notice,
    TrialEnded,
    TrialStarted,
)
from bcsearch.report.json_lines import JsonLines


def lines_of(*events: Event, **ended: Any) -> list[dict[str, Any]]:
    """Return the objects that a program reads of some events and an end."""
    stream = StringIO()
    listener = JsonLines(stream)
    for event in events:
        listener(event)
    listener.end("finished", **ended)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in stream.getvalue().splitlines()]


def test_an_event_is_a_line_with_its_name_in_snake_case_and_all_its_fields() -> None:
    started, epoch, *_ = lines_of(
        TrialStarted(number=3, params=Params(head_layers=2, learning_rate=0.01)),
        EpochEnded(number=3, epoch=0, score=0.5, best=0.75, score_name="macro_f1"),
    )
    assert (started["event"], started["number"]) == ("trial_started", 3)
    assert (started["params"]["head_layers"], started["params"]["learning_rate"]) == (2, 0.01)
    fields = {"number": 3, "epoch": 0, "score": 0.5, "best": 0.75, "score_name": "macro_f1"}
    assert epoch == {"event": "epoch_ended", **fields}


def test_numbers_that_are_not_finite_are_null_and_states_are_words() -> None:
    ended, _ = lines_of(
        TrialEnded(
            number=0,
            state=TrialState.PRUNED,
            score=nan,
            epochs=1,
            seconds=inf,
            scores={"accuracy": nan, "macro_f1": 0.5},
        )
    )
    assert (ended["score"], ended["seconds"], ended["state"]) == (None, None, "pruned")
    assert ended["scores"] == {"accuracy": None, "macro_f1": 0.5}


def test_text_of_several_lines_or_strange_letters_stays_one_line_of_plain_letters() -> None:
    text = "Müll\n\u2028\udcff\x1b[2J"
    stream = StringIO()
    JsonLines(stream)(Notice(text=text))
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["text"] == text


def test_last_line_says_how_it_ended_with_the_best_score() -> None:
    known = BudgetKnown(trials=4, filled=4, best=0.9, best_number=2, score_name="macro_f1")
    assert lines_of(known, study="cells", bundle="results/cells/model")[-1] == {
        "event": "ended",
        "how": "finished",
        "study": "cells",
        "bundle": "results/cells/model",
        "best": 0.9,
        "best_number": 2,
        "score_name": "macro_f1",
    }
