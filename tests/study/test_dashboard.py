"""A study in the real dashboard in a real browser: its plot and the figures of its trials show."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from optuna.artifacts import get_all_artifact_meta
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.support.wait import WebDriverWait

from bcsearch.records import TrialState
from tests.browser import needs_browser, start_browser
from tests.dashboard import serve
from tests.fakes import FakeTrainer, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium import webdriver

    from bcsearch.records import StudyRecord
    from bcsearch.study.session import Session

pytestmark = [pytest.mark.slow, needs_browser]

SECONDS = 60  # for a page to show what it should
POINTS = "return document.querySelectorAll('#plot-history .scatterlayer .points path').length"
IMAGES = (
    "return [...document.images].filter(image => image.complete)"
    ".map(image => [image.src, image.naturalWidth])"
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Return a study of twelve finished trials, pruned ones among them, and one that waits."""
    plan = make_plan(search={"pruner": "median", "pruner_trials": 3, "pruner_epochs": 0, "seed": 2})
    session = open_session(tmp_path_factory.mktemp("results"), plan, trials=12)
    session.artifacts.save_labels(np.array([0, 0, 1, 1]), ("round <b>", "flat"))
    make_worker(session, plan, FakeTrainer()).run()
    session.study.enqueue_trial({"dropout": 0.5})
    return session


@pytest.fixture(scope="module")
def address(session: Session) -> Iterator[str]:
    with serve(session.results) as served:
        yield served.address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser = start_browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.quit()


def shown(browser: webdriver.Chrome, script: str, expected: Any) -> Any:
    """Wait until a script returns what is expected, or it is too late; return what it returned."""
    found: Any = None

    def is_there(browser: webdriver.Chrome) -> bool:
        nonlocal found
        found = browser.execute_script(script)
        return bool(found == expected)

    with suppress(TimeoutException):
        WebDriverWait(browser, SECONDS).until(is_there)
    return found


def has_text(browser: webdriver.Chrome, text: str) -> bool:
    script = f"return document.body.innerText.includes({text!r})"
    return bool(shown(browser, script, True))


def trial_of(record: StudyRecord, state: TrialState) -> int:
    return next(trial.number for trial in record.trials if trial.state is state)


def artifacts_of(session: Session, number: int) -> list[str]:
    trial = session.study.trials[number]
    return [meta.artifact_id for meta in get_all_artifact_meta(trial, storage=session.storage)]


def test_study_opens_with_a_point_for_every_finished_trial(
    browser: webdriver.Chrome, address: str, session: Session
) -> None:
    browser.get(address)
    assert has_text(browser, "cells")
    browser.get(f"{address}dashboard/studies/1")
    finished = [trial for trial in session.record().trials if trial.is_finished]
    assert (len(finished), len(session.record().trials)) == (12, 13)
    assert shown(browser, POINTS, 12) == 12


def test_figure_of_a_completed_trial_shows_beside_it(
    browser: webdriver.Chrome, address: str, session: Session
) -> None:
    number = trial_of(session.record(), TrialState.COMPLETE)
    (artifact,) = artifacts_of(session, number)
    browser.get(f"{address}dashboard/studies/1/trials?numbers={number}")
    expected = [[f"{address}artifacts/1/{number + 1}/{artifact}", 800]]
    assert shown(browser, IMAGES, expected) == expected
    assert has_text(browser, f"trial-{number:05d}.svg")


def test_score_is_named(browser: webdriver.Chrome, address: str) -> None:
    browser.get(f"{address}dashboard/studies/1")
    assert has_text(browser, "accuracy")
