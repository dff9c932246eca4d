from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bcsearch.errors import BcsearchError, DiskError, StorageError, StudyError
from bcsearch.storage import copy as copying
from bcsearch.storage import open_storage, read_study
from bcsearch.storage.copy import back_up, copy_database
from bcsearch.storage.database import upgrade_database
from bcsearch.storage.optuna_private import known_schemas
from tests.storage.conftest import new_database
from tests.storage.moving import (
    N_TRIALS,
    add_trials,
    close,
    downgrade,
    execute,
    fill,
    goes_on,
    rows,
)
from tests.storage.workers import CONTEXT, NAME

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

OLDER = known_schemas()[1:4]
UNFINISHED = """
    SELECT count(*) FROM trials WHERE state = 'COMPLETE' AND
    (trial_id NOT IN (SELECT trial_id FROM trial_values) OR
     (SELECT count(*) FROM trial_params WHERE trial_params.trial_id = trials.trial_id) != 2)
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return the place of a backup; it is not there yet."""
    return tmp_path / "backups" / "kept.db"


def refused(url: str, kept: Path, kind: type[BcsearchError]) -> str:
    with pytest.raises(kind) as caught:
        back_up(url, kept)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_backup_holds_every_row_and_nothing_lies_beside_it(url: str, kept: Path) -> None:
    fill(url)
    assert back_up(url, kept) == (1, N_TRIALS + 2)
    assert list(kept.parent.iterdir()) == [kept]
    assert rows(f"sqlite:///{kept}") == rows(url)
    assert read_study(str(kept), NAME, with_epochs=True) == read_study(url, NAME, with_epochs=True)


def test_study_goes_on_in_the_backup(url: str, kept: Path) -> None:
    fill(url)
    back_up(url, kept)
    goes_on(str(kept))


@pytest.mark.slow
def test_backups_made_while_a_worker_goes_on_hold_whole_trials(url: str, tmp_path: Path) -> None:
    fill(url)
    worker = CONTEXT.Process(target=add_trials, args=(url, 60))
    worker.start()
    amounts: list[int] = []
    while worker.is_alive():
        path = tmp_path / f"{len(amounts)}.db"
        amounts.append(back_up(url, path)[1])
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute(UNFINISHED).fetchone() == (0,)
    worker.join(30)
    assert worker.exitcode == 0
    assert amounts == sorted(amounts)
    assert len(read_study(url, NAME).trials) == N_TRIALS + 2 + 59


def test_what_is_not_yet_in_the_file_itself_is_kept_too(tmp_path: Path, kept: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    worker = open_storage(url)  # while it is open, what is written stays in a file beside
    fill(url)
    back_up(url, kept)
    close(worker)
    assert rows(f"sqlite:///{kept}") == rows(url)


@pytest.mark.parametrize("schema", OLDER)
def test_database_of_an_older_optuna_is_kept_as_it_is_and_can_be_upgraded(
    schema: str, empty_url: str, kept: Path
) -> None:
    fill(empty_url)
    before = rows(empty_url)
    downgrade(empty_url, schema)
    assert back_up(empty_url, kept)[1] == N_TRIALS + 2
    assert upgrade_database(str(kept)).before == schema
    assert rows(f"sqlite:///{kept}") == before
    goes_on(str(kept))


@pytest.mark.slow
def test_backup_of_an_older_server_can_be_put_back(postgresql_server: str, kept: Path) -> None:
    url, restored = (new_database(postgresql_server) for _ in range(2))
    fill(url)
    before = rows(url)
    downgrade(url, OLDER[-1])
    back_up(url, kept)
    upgrade_database(str(kept))
    copy_database(str(kept), restored)
    assert rows(restored) == before
    goes_on(restored)


def test_file_that_is_there_already_is_not_overwritten(url: str, kept: Path) -> None:
    fill(url)
    kept.parent.mkdir()
    kept.write_text("precious")
    assert "kept.db is there already" in refused(url, kept, DiskError)
    assert kept.read_text() == "precious"
    assert list(kept.parent.iterdir()) == [kept]


def test_place_that_cannot_be_written_is_one_line(url: str, kept: Path) -> None:
    fill(url)
    kept.parent.write_text("a file, not a folder")
    assert refused(url, kept, DiskError).startswith(f"cannot write {kept}")


@pytest.mark.parametrize("message", ["database or disk is full", "disk I/O error"])
def test_disk_that_fills_up_leaves_nothing(
    message: str, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    fill(url)

    copy_pages = copying._copy_pages

    def fail(engine: Engine, draft: Path) -> None:
        copy_pages(engine, draft)
        raise sqlite3.OperationalError(message)

    monkeypatch.setattr("bcsearch.storage.copy._copy_pages", fail)
    assert f"cannot write {kept}: {message}" in refused(url, kept, DiskError)
    assert list(kept.parent.iterdir()) == []


def test_database_without_studies_is_refused(empty_url: str, kept: Path) -> None:
    execute(empty_url, "CREATE TABLE customers (id INTEGER)")
    assert "holds no studies" in refused(empty_url, kept, StorageError)
    assert not kept.exists()


def test_database_that_is_not_there_is_not_made(tmp_path: Path, kept: Path) -> None:
    assert refused(str(tmp_path / "study.db"), kept, StudyError).startswith(
        "no study was ever run here"
    )
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_database_is_refused(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "study.db").write_text("nothing but words " * 100)
    assert "file is not a database" in refused(str(tmp_path / "study.db"), kept, StorageError)
