from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from bcsearch.errors import DiskError, StorageError
from bcsearch.storage import open_storage
from bcsearch.storage.engine import BUSY_SECONDS, engine_options
from bcsearch.storage.urls import checked
from tests.storage.conftest import SERVERS
from tests.storage.database_messages import ABSENT, ACCESS, DOWN
from tests.storage.moving import execute, tables

if TYPE_CHECKING:
    from pathlib import Path


def refused(url: str, kind: type[Exception] = StorageError) -> str:
    with pytest.raises(kind) as caught:
        open_storage(url)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_database_of_somebody_else_is_refused_and_left_alone(empty_url: str) -> None:
    execute(empty_url, "CREATE TABLE customers (id INTEGER)")
    assert "not Optuna's: it holds customers" in refused(empty_url)
    assert tables(empty_url) == {"customers"}


def test_tables_that_only_share_a_name_with_optunas_are_refused(empty_url: str) -> None:
    execute(empty_url, "CREATE TABLE trials (patient INTEGER)")
    assert "not Optuna's: it holds trials" in refused(empty_url)
    assert tables(empty_url) == {"trials"}


def test_another_schema_version_is_refused_and_left_alone(url: str) -> None:
    before = open_storage(url)
    head = before.get_head_version()
    before.engine.dispose()
    execute(url, "UPDATE alembic_version SET version_num = 'v1.3.0.a'")
    message = refused(url)
    execute(url, f"UPDATE alembic_version SET version_num = '{head}'")
    assert "schema 'v1.3.0.a' of another Optuna" in message
    assert "'bcsearch storage backup'" in message
    assert "'bcsearch storage upgrade'" in message


def test_preparation_that_was_cut_short_is_completed(empty_url: str) -> None:
    open_storage(empty_url).engine.dispose()
    execute(empty_url, "DROP TABLE trial_heartbeats", "DROP TABLE bcsearch_slots")
    open_storage(empty_url).engine.dispose()
    assert {"trial_heartbeats", "bcsearch_slots"} <= tables(empty_url)


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("nothing but words " * 100)
    assert "file is not a database" in refused(str(path))


def test_folder_of_the_file_must_exist(tmp_path: Path) -> None:
    message = refused(str(tmp_path / "missing" / "study.db"), DiskError)
    assert message.startswith(f"no folder {tmp_path / 'missing'}")


def test_file_must_be_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bcsearch.storage.database.os.access", lambda *_: False
    )  # root may write anywhere
    assert "cannot write database" in refused(str(tmp_path / "study.db"), DiskError)
    assert list(tmp_path.iterdir()) == []


def test_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.db").mkdir()
    assert "unable to open database file" in refused(str(tmp_path / "study.db"), DiskError)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"database": "nowhere"}, ABSENT),
        ({"host": "127.0.0.1", "port": 1, "query": {}}, DOWN),
        ({"host": "nowhere.invalid", "port": 1, "query": {}}, DOWN),
    ],
    ids=["no such database", "no such server", "no such host"],
)
def test_what_a_server_says_is_one_line_with_what_to_look_at(
    kind: str, change: dict[str, Any], remedy: str, request: pytest.FixtureRequest
) -> None:
    server = make_url(request.getfixturevalue(f"{kind}_server"))
    message = refused(server.set(**change).render_as_string(hide_password=False))
    assert message.endswith(f"; {remedy}")
    assert '("' not in message  # a driver's tuple


@pytest.mark.slow
def test_user_who_is_not_known_to_a_server_is_told_so(mysql_server: str) -> None:
    message = refused(make_url(mysql_server).set(username="ann").render_as_string())
    assert "Access denied for user 'ann'" in message
    assert message.endswith(f"; {ACCESS}")


def test_server_out_of_reach_gets_one_line_without_the_password() -> None:
    message = refused("postgresql://ann:secret@127.0.0.1:1/cells")
    assert "secret" not in message
    assert "ann:***@127.0.0.1:1/cells" in message


def test_settings_of_the_connection_belong_to_this_engine_only(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    storage = open_storage(str(path))
    with storage.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    storage.engine.dispose()
    other = create_engine(f"sqlite:///{path}")
    with other.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    other.dispose()


def test_sqlite_waits_for_the_writer() -> None:
    assert engine_options(checked("x.db"))["connect_args"] == {"timeout": BUSY_SECONDS}


@pytest.mark.parametrize("url", ["postgresql://host/cells"])
def test_pools_of_servers_are_bounded_and_notice_a_lost_connection(url: str) -> None:
    options = engine_options(checked(url))
    assert options["pool_pre_ping"] is True
    assert options["pool_size"] + options["max_overflow"] <= 6


def test_no_file_is_left_beside_a_closed_database(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "study.db"))
    storage.remove_session()
    storage.engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]
    sqlite3.connect(tmp_path / "study.db").close()
