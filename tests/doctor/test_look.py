"""Databases and studies as they are on disk, made with the fake trainer and looked at without a framework."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import optuna
import psutil
import pytest
from optuna.trial import TrialState as OptunaState
from sqlalchemy import text, update

from bcsearch.errors import StudyError
from bcsearch.records import TrialState
from bcsearch.storage.engine import database_now, transaction
from bcsearch.storage.optuna_tables import BEATS
from bcsearch.storage.tables import SLOTS
from bcsearch.study.doctor.look import file_system, look
from tests.fakes import FakeTrainer, make_plan, make_worker, open_desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bcsearch.records.finding import Finding
    from bcsearch.study.desk import Desk
    from bcsearch.study.doctor.look import Seen


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a study of four finished trials out of six."""
    plan = make_plan()
    made = open_desk(tmp_path, plan, trials=4)
    make_worker(made, plan, FakeTrainer()).run()
    made.set_budget(6, 6)
    yield made
    made.storage.remove_session()
    made.storage.engine.dispose()


def url(desk: Desk) -> str:
    return f"sqlite:///{desk.results / 'study.db'}"


def worst(seen: Seen) -> list[Finding]:
    return [finding for finding in seen.findings if finding.level.rank > 1]


def lose_a_trial(desk: Desk) -> int:
    """Start a trial in a slot and let its worker fall silent."""
    slot = desk.slots.claim("gone-9")
    trial_id = desk.storage.create_new_trial(desk.study._study_id)
    number = desk.storage.get_trial(trial_id).number
    assert desk.slots.bind(-1 if slot is None else slot, number)
    with transaction(desk.storage.engine) as session:
        long_ago = database_now(session) - timedelta(seconds=300)
        session.execute(
            update(BEATS).where(BEATS.c.trial_id == trial_id).values(heartbeat=long_ago)
        )
    return number


def test_sound_study_has_nothing_to_mend(desk: Desk) -> None:
    seen = look(url(desk), "cells")
    assert worst(seen) == []
    assert seen.study is not None
    assert seen.study.name == "cells"
    assert "study cells" in {finding.subject for finding in seen.findings}


def test_lost_trial_is_found_with_and_without_a_name(desk: Desk) -> None:
    number = lose_a_trial(desk)
    (all_studies,) = worst(look(url(desk), None))
    (one_study,) = worst(look(url(desk), "cells"))
    assert all_studies.level == one_study.level == "wrong"
    assert f"trial {number} of gone-9" in one_study.what
    assert desk.record().count(TrialState.FAIL) == 0


@pytest.mark.parametrize("name", ["cells", None])
def test_reaping_queues_a_lost_trial_again_and_says_so(name: str | None, desk: Desk) -> None:
    number = lose_a_trial(desk)
    seen = look(url(desk), name, reaps=True)
    assert worst(seen) == []
    assert any(
        f"trial {number} of study cells failed now, and queued again" in found.what
        for found in seen.findings
    )
    record = desk.record()
    assert record.trials[number].state is TrialState.FAIL
    assert [(trial.state, trial.retry_of) for trial in record.trials[number + 1 :]] == [
        (TrialState.WAITING, number)
    ]


def test_trial_without_retries_left_is_given_up_and_said_so(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, make_plan(limits={"retries": 0}), trials=2)
    lose_a_trial(desk)
    findings = look(url(desk), "cells", reaps=True).findings
    assert any("given up after 0 retries" in finding.what for finding in findings)
    lost, known = desk.record().trials
    assert (lost.state, known.state) == (TrialState.FAIL, TrialState.INFEASIBLE)
    desk.storage.engine.dispose()


def test_reaping_where_nothing_is_lost_changes_nothing(desk: Desk) -> None:
    before = desk.record()
    seen = look(url(desk), "cells", reaps=True)
    assert any(finding.what == "none in study cells" for finding in seen.findings)
    assert desk.record() == before


def test_reaping_leaves_studies_of_other_tools_alone(tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path / 'plain.db'}"
    plain = optuna.storages.RDBStorage(place)
    study = optuna.create_study(storage=plain, study_name="plain")
    study.ask()
    plain.engine.dispose()
    with sqlite3.connect(tmp_path / "plain.db") as connection:
        connection.execute("UPDATE trials SET datetime_start = '2020-01-01 00:00:00.000000'")
    connection.close()
    seen = look(place, "plain", reaps=True)
    assert [finding.level for finding in worst(seen)] == ["warning"]  # of the journal alone
    assert study.trials[0].state is OptunaState.RUNNING
    assert "bcsearch_slots" in " ".join(finding.what for finding in seen.findings)


def test_schema_of_another_optuna_is_told_instead_of_the_studies(desk: Desk) -> None:
    with desk.storage.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v9.9.9'"))
    (found,) = worst(look(url(desk), "cells"))
    assert "v9.9.9" in found.what


def test_machines_that_share_the_file_are_told_by_their_slots(desk: Desk) -> None:
    desk.slots.claim("far-7")
    with transaction(desk.storage.engine) as session:
        early = database_now(session) - timedelta(seconds=600)
        claimed = {"claimed_at": early, "trial_number": SLOTS.c.trial_number}
        session.execute(update(SLOTS).where(SLOTS.c.claimed_by == "me").values(claimed))
        later = early + timedelta(seconds=60)
        far = update(SLOTS).where(SLOTS.c.claimed_by == "far-7").values(claimed_at=later)
        session.execute(far)
    (found,) = [
        finding for finding in worst(look(url(desk), None)) if finding.subject == "database"
    ]
    assert "far, me" in found.what


def test_every_study_of_a_database_has_a_line(desk: Desk, tmp_path: Path) -> None:
    other = open_desk(tmp_path, make_plan(), trials=3, name="cells-2")
    lines = [
        finding.what
        for finding in look(url(desk), None).findings
        if finding.subject.startswith("study ")
    ]
    assert lines == ["4 of 6 trials done, 0 running", "0 of 3 trials done, 0 running"]
    other.storage.engine.dispose()


def test_looking_changes_no_byte(desk: Desk, tmp_path: Path) -> None:
    desk.storage.engine.dispose()
    copied = tmp_path / "copied"
    copied.mkdir()
    shutil.copy(tmp_path / "study.db", copied / "study.db")
    before = (copied / "study.db").read_bytes()
    look(f"sqlite:///{copied / 'study.db'}", "cells")
    assert [path.name for path in copied.iterdir()] == ["study.db"]
    assert (copied / "study.db").read_bytes() == before


def test_unknown_study_is_refused(desk: Desk) -> None:
    with pytest.raises(StudyError, match="did you mean 'cells'"):
        look(url(desk), "cels")


def test_disk_of_a_file_is_that_of_its_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk(place: object, kind: str) -> object:
        return SimpleNamespace(mountpoint=str(place), fstype=kind)

    disks = [disk("/", "ext4"), disk(tmp_path, "nfs4"), disk(tmp_path / "deeper", "tmpfs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda *, all: disks if all else [])
    assert file_system(tmp_path / "study.db") == "nfs4"
    assert file_system(None) is None
