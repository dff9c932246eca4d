"""Which trials are trained again, within a share of the search's time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from bcsearch.recipe import Params
from bcsearch.records import TrialState
from bcsearch.records.events import Notice
from bcsearch.storage import LedgerEntry
from tests.fakes import Recorder, make_plan, make_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.slow


def chosen(  # noqa: PLR0913 - each is something that counts
    monkeypatch: pytest.MonkeyPatch,
    seconds: Mapping[int, float],
    *,
    search: float,
    n_needed: int = 3,
    passes: float = 0.0,
    kept: Mapping[tuple[int, int], float] | None = None,
    repeats: int = 2,
    heard: Recorder | None = None,
) -> tuple[list[int], int, int] | None:
    """Return the trials that are trained again, how many scores they get, and how often.

    ``seconds`` are those of training each trial once, ``passes`` of the shifted views of any.
    """
    from bcsearch.study import repeats as module

    def entry(number: int) -> LedgerEntry:
        return LedgerEntry(
            trial_number=number,
            params=Params(),
            epochs=tuple(make_scores(epoch, 0.5 + epoch / 100) for epoch in range(4)),
            state=TrialState.COMPLETE,
            train_seconds=seconds[number],
            total_seconds=seconds[number],
        )

    found: list[tuple[list[int], int, int]] = []
    done = kept or {}
    files = SimpleNamespace(has_repeat=lambda *_: True)
    ledger = SimpleNamespace(search_seconds=lambda: search, repeats=lambda: done)
    final = {"repeats": repeats}
    prepared = SimpleNamespace(
        plan=make_plan(final=final), trainer=SimpleNamespace(scored_by=lambda scores: scores)
    )
    monkeypatch.setattr(
        module, "_pass_seconds", lambda scores, _: {"shift": passes} if len(scores) > 1 else {}
    )
    monkeypatch.setattr(
        module.Repeater, "_kept", lambda _, each, repeat, scores: done.get((each.trial, repeat))
    )
    monkeypatch.setattr(
        module.Repeater,
        "_trained",
        lambda _, each, scores, n: found.append(([one.trial for one in each], len(scores), n)),
    )
    repeater = module.Repeater(
        prepared=cast("Any", prepared),
        session=cast("Any", SimpleNamespace(ledger=ledger, artifacts=files)),
        check=lambda: None,
        listener=heard or Recorder(),
    )
    repeater.run([module.Candidate.of(entry(number)) for number in seconds], n_needed)
    return found[0] if found else None


def test_all_are_trained_as_often_as_asked_where_a_fifth_of_the_time_reaches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = {7: 5.0, 3: 5.0, 9: 5.0, 1: 5.0}
    assert chosen(monkeypatch, seconds, search=300.0) == ([7, 3, 9, 1], 2, 2)
    assert chosen(monkeypatch, seconds, search=160.0) == ([7, 3, 9], 2, 2)
    assert chosen(monkeypatch, seconds, search=100.0) == ([7, 3, 9, 1], 2, 1)


def test_shifted_views_are_left_out_before_trials_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {7: 5.0, 3: 5.0, 9: 5.0}
    assert chosen(monkeypatch, seconds, search=200.0, passes=5.0) == ([7, 3, 9], 2, 2)
    assert chosen(monkeypatch, seconds, search=200.0, passes=500.0) == ([7, 3, 9], 1, 2)


def test_without_the_best_of_the_search_nothing_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Recorder()
    assert chosen(monkeypatch, {7: 90.0, 3: 1.0, 9: 1.0}, search=100.0, heard=heard) is None
    (notice,) = heard.of(Notice)
    assert "[final] repeat_share of the search's time is too short" in notice.text


def test_expensive_one_among_others_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(monkeypatch, {7: 4.0, 3: 90.0, 9: 4.0, 1: 4.0}, search=150.0)
    assert found == ([7, 9, 1], 2, 2)


def test_what_is_kept_costs_nothing_and_its_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {7: 5.0, 3: 5.0, 9: 5.0}
    kept = {(number, repeat): 5.0 for number in seconds for repeat in (1, 2)}
    assert chosen(monkeypatch, seconds, search=100.0, kept=kept) == ([7, 3, 9], 2, 2)
    more = {**seconds, 1: 5.0}
    assert chosen(monkeypatch, more, search=100.0, kept=kept) == ([7, 3, 9], 2, 2)


def test_no_repeats_and_short_searches_leave_all_of_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {7: 0.1, 3: 0.1}
    assert chosen(monkeypatch, seconds, search=100.0, repeats=0) is None
    assert chosen(monkeypatch, seconds, search=20.0) is None


def test_epochs_after_the_best_one_are_not_trained_again() -> None:
    from bcsearch.study.repeats import Candidate

    entry = LedgerEntry(
        trial_number=1,
        params=Params(),
        epochs=tuple(make_scores(epoch, score) for epoch, score in enumerate((0.5, 0.8, 0.7, 0.6))),
        state=TrialState.COMPLETE,
        train_seconds=8.0,
        total_seconds=9.0,
    )
    found = Candidate.of(entry)
    assert len(found.learning_rates) == 2
    assert found.train_seconds == 4.0
