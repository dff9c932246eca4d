"""Databases and studies as they are on disk."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import optuna
import psutil
import pytest
from optuna.trial import TrialState as OptunaState
from sqlalchemy import text

from bcsearch.doctor.look import file_system, look
from bcsearch.errors import StudyError
from bcsearch.records import TrialState
from bcsearch.records.finding import Level
from tests.doctor.made import StoredStudy, make_plan, store_study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bcsearch.doctor.look import Examined
    from bcsearch.records.finding import Finding


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredStudy]:
    """Return a study of four finished trials out of six."""
    made = store_study(tmp_path / "study.db")
    for _ in range(4):
        made.finish("me-1")
    yield made
    made.close()


def worst(examined: Examined) -> list[Finding]:
    bad = (Level.WRONG, Level.WARNING)
    return [finding for finding in examined.findings if finding.level in bad]


def test_sound_study_has_nothing_to_fix(tmp_path: Path) -> None:
    made = store_study(tmp_path / "study.db", trials=100)
    made.finish("me-1")
    examined = look(made.url, "cells")
    assert worst(examined) == []
    assert examined.study is not None
    assert examined.study.record.name == "cells"
    assert "study cells" in {finding.subject for finding in examined.findings}
    made.close()


def test_lost_trial_is_found_with_and_without_a_name(stored: StoredStudy) -> None:
    number = stored.lose("gone-9")
    for name in ("cells", None):
        (found,) = [each for each in look(stored.url, name).findings if each.level is Level.WRONG]
        assert f"trial {number} of study cells (worker gone-9)" in found.what
    assert stored.record().count(TrialState.FAIL) == 0


@pytest.mark.parametrize("name", ["cells", None])
def test_reaping_queues_a_lost_trial_again_and_says_so(
    name: str | None, stored: StoredStudy
) -> None:
    number = stored.lose("gone-9")
    findings = look(stored.url, name, reaps=True).findings
    assert Level.WRONG not in {finding.level for finding in findings}
    what = f"trial {number} of study cells failed now, and queued again"
    assert what in {finding.what for finding in findings}
    record = stored.record()
    assert record.trials[number].state is TrialState.FAIL
    assert [(trial.state, trial.retry_of) for trial in record.trials[number + 1 :]] == [
        (TrialState.WAITING, number)
    ]


def test_trial_without_retries_left_is_given_up_and_said_so(tmp_path: Path) -> None:
    made = store_study(tmp_path / "study.db", make_plan(limits={"retries": 0}), trials=2)
    made.lose("gone-9")
    findings = look(made.url, "cells", reaps=True).findings
    assert any("given up after 0 retries" in finding.what for finding in findings)
    assert made.record().trials[0].state is TrialState.FAIL
    made.close()


def test_reaping_where_nothing_is_lost_changes_nothing(stored: StoredStudy) -> None:
    before = stored.record()
    examined = look(stored.url, "cells", reaps=True)
    assert "none in study cells" in {finding.what for finding in examined.findings}
    assert stored.record() == before


def test_reaping_leaves_studies_of_other_tools_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'plain.db'}"
    plain = optuna.storages.RDBStorage(url)
    study = optuna.create_study(storage=plain, study_name="plain")
    study.ask()
    plain.engine.dispose()
    with sqlite3.connect(tmp_path / "plain.db") as connection:
        connection.execute("UPDATE trials SET datetime_start = '2020-01-01 00:00:00.000000'")
    connection.close()
    examined = look(url, "plain", reaps=True)
    (found,) = worst(examined)
    assert "journal" in found.what
    assert study.trials[0].state is OptunaState.RUNNING
    assert "bcsearch_slots" in " ".join(finding.what for finding in examined.findings)


def test_schema_of_another_optuna_is_reported_instead_of_the_studies(stored: StoredStudy) -> None:
    with stored.storage.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v9.9.9'"))
    (found,) = worst(look(stored.url, "cells"))
    assert "v9.9.9" in found.what


def test_machines_that_share_the_file_are_known_by_their_slots(stored: StoredStudy) -> None:
    stored.start("far-7")
    stored.start("near-8")
    (found,) = worst(look(stored.url, None))
    assert found.subject == "database"
    assert "far, near" in found.what


def test_every_study_of_a_database_has_a_line(stored: StoredStudy, tmp_path: Path) -> None:
    other = store_study(tmp_path / "study.db", trials=3, name="cells-2")
    findings = look(stored.url, None).findings
    lines = [finding.what for finding in findings if finding.subject.startswith("study ")]
    assert lines == ["4 of 6 trials done, 0 running", "0 of 3 trials done, 0 running"]
    other.close()


def test_looking_changes_no_byte(stored: StoredStudy, tmp_path: Path) -> None:
    stored.close()
    copied = tmp_path / "copied"
    copied.mkdir()
    shutil.copy(tmp_path / "study.db", copied / "study.db")
    before = (copied / "study.db").read_bytes()
    look(f"sqlite:///{copied / 'study.db'}", "cells")
    assert [path.name for path in copied.iterdir()] == ["study.db"]
    assert (copied / "study.db").read_bytes() == before


def test_unknown_study_is_refused(stored: StoredStudy) -> None:
    with pytest.raises(StudyError, match="did you mean 'cells'"):
        look(stored.url, "cels")


def test_disk_of_a_file_is_that_of_its_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk(place: object, kind: str) -> object:
        return SimpleNamespace(mountpoint=str(place), fstype=kind)

    disks = [disk("/", "ext4"), disk(tmp_path, "nfs4"), disk(tmp_path / "deeper", "tmpfs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda *, all: disks if all else [])
    assert file_system(tmp_path / "study.db") == "nfs4"
    assert file_system(None) is None


@pytest.mark.slow
def test_looking_loads_no_framework() -> None:
    heavy = ["tensorflow", "keras", "keras_cv", "sklearn", "plotly"]
    code = f"import sys; import bcsearch.doctor.look; print(*(set({heavy}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (found.stdout.strip(), found.stderr) == ("", "")
