"""``doctor`` as it is typed: what it prints and its exit code. It loads TensorFlow to see what that sees."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from bcsearch.storage.engine import database_now, transaction
from bcsearch.storage.optuna_tables import BEATS
from tests.fakes import FINGERPRINT, FakeTrainer, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

pytestmark = pytest.mark.slow


def made(workdir: Path, *, loses: bool) -> None:
    """Make a study of three finished trials out of five in the default place; a fourth may be lost."""
    plan = make_plan()
    (workdir / "results").mkdir()
    weights = {"weights.efficientnet_lite0": "imagenet ab"}
    session = open_session(
        workdir / "results", plan, trials=3, fingerprint={**FINGERPRINT, **weights}
    )
    make_worker(session, plan, FakeTrainer()).run()
    session.set_budget(5, 5)
    if loses:
        session.storage.create_new_trial(session.study._study_id)
        with transaction(session.storage.engine) as session:
            session.execute(
                update(BEATS).values(heartbeat=database_now(session) - timedelta(seconds=300))
            )
    session.storage.remove_session()
    session.storage.engine.dispose()
    (workdir / "results" / "study.db").rename(workdir / "results" / "bcsearch.db")


def test_sound_study_is_well_and_nothing_else_is_printed(workdir: Path, bcsearch: Run) -> None:
    made(workdir, loses=False)
    for arguments in ([], ["--study", "cells"]):
        answer = bcsearch("doctor", *arguments)
        assert (answer.code, answer.err) == (0, "")
        assert "study cells: 3 of 5 trials done" in answer.out
        assert all(
            line.partition(" ")[0] in ("ok", "note", "all") for line in answer.out.splitlines()
        ), answer.out


def test_lost_trial_is_wrong_until_it_is_reaped(workdir: Path, bcsearch: Run) -> None:
    made(workdir, loses=True)
    answer = bcsearch("doctor", "--study", "cells")
    assert answer.code == 1
    assert answer.out.startswith("wrong    lost trials: trial 3 fell silent")
    assert bcsearch("doctor").out.startswith(
        "wrong    study cells: 3 of 5 trials done, 0 running, 1 lost"
    )
    answer = bcsearch("doctor", "--study", "cells", "--reap")
    assert answer.code == 0
    assert "trial 3 of study cells failed now, and queued again" in answer.out
    assert bcsearch("doctor").code == 0


def test_json_holds_what_the_lines_hold(workdir: Path, bcsearch: Run) -> None:
    made(workdir, loses=True)
    answer = bcsearch("doctor", "--study", "cells", "--json")
    found = json.loads(answer.out)
    lines = bcsearch("doctor", "--study", "cells").out.splitlines()
    assert answer.code == 1
    assert [
        (line.partition(" ")[0], finding["subject"] in line)
        for line, finding in zip(lines, found, strict=True)
    ] == [(finding["level"], True) for finding in found]
    assert set(found[0]) == {"level", "subject", "what", "remedy"}
