from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy import event

from bcsearch.errors import BcsearchError, DiskError, StorageError, StudyError
from bcsearch.storage import copy as copying
from bcsearch.storage import masked, read_study
from bcsearch.storage.copy import copy_database
from tests.storage.conftest import KINDS, empty_database
from tests.storage.moving import (
    N_TRIALS,
    add_trials,
    close,
    downgrade,
    execute,
    fill,
    goes_on,
    rows,
    tables,
)
from tests.storage.workers import NAME, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Table
    from sqlalchemy.engine import URL


@pytest.fixture(params=KINDS)
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a second database without tables, of each kind in turn."""
    (tmp_path / "second").mkdir()
    return empty_database(request.param, request, tmp_path / "second")


def refused(source: str, destination: str, kind: type[BcsearchError] = StorageError) -> str:
    with pytest.raises(kind) as caught:
        copy_database(source, destination)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_copy_holds_every_row_under_its_id(url: str, destination: str) -> None:
    fill(url)
    assert copy_database(url, destination) == (1, N_TRIALS + 2)
    assert rows(destination) == rows(url)
    assert read_study(destination, NAME, with_epochs=True) == read_study(
        url, NAME, with_epochs=True
    )


def test_study_goes_on_in_the_copy(url: str, destination: str) -> None:
    fill(url)
    copy_database(url, destination)
    before = rows(url)
    goes_on(destination)
    assert rows(url) == before


def test_way_there_and_back_changes_nothing(url: str, destination: str, tmp_path: Path) -> None:
    fill(url)
    copy_database(url, destination)
    copy_database(destination, str(tmp_path / "back.db"))
    assert rows(f"sqlite:///{tmp_path / 'back.db'}") == rows(url)


def test_rows_are_copied_in_parts(
    url: str, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url)
    monkeypatch.setattr(copying, "CHUNK", 2)
    copy_database(url, destination)
    assert rows(destination) == rows(url)


def test_copy_is_of_one_moment_while_a_worker_goes_on(
    url: str, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url)
    before = rows(url)
    filling = copying._filling

    @contextmanager
    def interrupted(to: URL, made: Sequence[Table]) -> Iterator[Connection]:
        with filling(to, made) as target:
            event.listen(target, "before_execute", lambda *_: add_trials(url, 1), once=True)
            yield target

    monkeypatch.setattr(copying, "_filling", interrupted)
    assert copy_database(url, destination)[1] == N_TRIALS + 2
    assert rows(destination) == before
    assert rows(url) != before


def test_destination_with_tables_is_refused_and_left_alone(url: str, destination: str) -> None:
    fill(url)
    execute(destination, "CREATE TABLE customers (id INTEGER)")
    kind = DiskError if destination.startswith("sqlite") else StorageError
    message = refused(url, destination, kind)
    assert "there already" in message or "is not empty: it holds customers" in message
    assert tables(destination) == {"customers"}


def test_database_is_not_copied_onto_itself(url: str) -> None:
    fill(url)
    before = rows(url)
    refused(url, url, DiskError if url.startswith("sqlite") else StorageError)
    assert rows(url) == before


def test_copy_that_fails_leaves_nothing(
    url: str, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url)
    read = copying._chunks

    def failing(source: Connection, place: URL, table: Table) -> Iterator[list[dict[str, Any]]]:
        for part in read(source, place, table):
            yield part * 2  # twice the same ids

    monkeypatch.setattr(copying, "_chunks", failing)
    assert "cannot use database" in refused(url, destination)
    monkeypatch.undo()
    copy_database(url, destination)
    assert rows(destination) == rows(url)


def test_error_of_the_source_does_not_name_the_destination(
    empty_url: str, destination: str
) -> None:
    fill(empty_url)
    execute(
        empty_url, "DROP TABLE trial_heartbeats", "CREATE TABLE trial_heartbeats (trial_id INTEGER)"
    )
    assert masked(empty_url).split("?")[0].rsplit("/", 1)[-1] in refused(empty_url, destination)


def test_older_schema_is_to_be_upgraded_first(empty_url: str, tmp_path: Path) -> None:
    fill(empty_url)
    downgrade(empty_url, "v3.0.0.d")
    message = refused(empty_url, str(tmp_path / "copy.db"))
    assert "'bcsearch storage backup'" in message
    assert "'bcsearch storage upgrade'" in message
    assert not (tmp_path / "copy.db").exists()


def test_database_of_plain_optuna_gets_our_tables_in_the_copy(
    tmp_path: Path, destination: str
) -> None:
    url = f"sqlite:///{tmp_path / 'plain.db'}"
    storage = RDBStorage(url)
    optuna.create_study(storage=storage, study_name=NAME).optimize(score, n_trials=1)
    close(storage)
    assert copy_database(url, destination)[1] == 1
    add_trials(destination, 1)
    assert len(read_study(destination, NAME).trials) == 2


@pytest.mark.parametrize("made", [False, True])
def test_nothing_to_copy_is_an_error_and_makes_nothing(made: bool, tmp_path: Path) -> None:
    if made:
        (tmp_path / "study.db").touch()
    message = refused(str(tmp_path / "study.db"), str(tmp_path / "copy.db"), StudyError)
    assert message.startswith("no study was ever run here")
    assert (tmp_path / "study.db").exists() == made
    assert not (tmp_path / "copy.db").exists()


def test_destination_out_of_reach_gets_one_line_without_the_password(url: str) -> None:
    fill(url)
    message = refused(url, "postgresql://ann:secret@127.0.0.1:1/cells")
    assert "secret" not in message
    assert "ann:***@127.0.0.1:1/cells" in message
