from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bcsearch.errors import DiskError, StorageError
from bcsearch.storage.database_errors import kind_of, plain_errors
from tests.storage.database_messages import ABSENT, ACCESS, DOWN


@pytest.mark.parametrize(
    ("message", "remedy", "retry"),
    [
        ('connection to server at "127.0.0.1", port 1 failed: Connection refused', DOWN, True),
        ("failed to resolve host 'nowhere': [Errno -2] Name or service not known", DOWN, True),
        (
            "Can't connect to MySQL server on 'nowhere' ([Errno -2] Name or service not known)",
            DOWN,
            True,
        ),
        (
            'connection to server on socket "/tmp/.s.PGSQL.5432" failed: No such file or directory',
            DOWN,
            True,
        ),
        ("the database system is starting up", DOWN, True),
        ("server closed the connection unexpectedly", DOWN, True),
        ("Lost connection to MySQL server during query", DOWN, True),
        ('root certificate file "ca.pem" does not exist', "check the certificates", False),
        ('no pg_hba.conf entry for host "10.0.0.7"', ACCESS, False),
        ('FATAL:  password authentication failed for user "ann"', ACCESS, False),
        ('FATAL:  role "ann" does not exist', ACCESS, False),
        ("permission denied for schema public", ACCESS, False),
        ("Access denied for user 'ann'@'localhost' (using password: YES)", ACCESS, False),
        (
            "Access denied for user 'ann'@'%' to database 'cels'",
            "check the database's name",
            False,
        ),
        ('FATAL:  database "cels" does not exist', ABSENT, False),
        ("Unknown database 'cels'", ABSENT, False),
        ('relation "studies" does not exist', "check the storage URL", True),
    ],
)
def test_message_of_a_server_has_a_kind(message: str, remedy: str, retry: bool) -> None:
    kind = kind_of(message)
    assert kind.error is StorageError
    assert kind.remedy.startswith(remedy)
    assert kind.retry == retry
    assert kind.server_down == (remedy == DOWN)


@pytest.mark.parametrize(
    "message",
    [
        "unable to open database file",
        "attempt to write a readonly database",
        "database disk image is malformed",
        "could not extend file: No space left on device",
    ],
)
def test_message_about_a_file_is_an_error_of_the_disk(message: str) -> None:
    assert kind_of(message).error is DiskError


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        (
            "attempt to write a readonly database",
            "copy it to a folder of your own and name the copy with --storage",
        ),
        (
            "unable to open database file",
            "copy it to a folder of your own and name the copy with --storage",
        ),
        ("database or disk is full", "free some room"),
        ("disk I/O error", "check whether its disk is full or broken"),
    ],
)
def test_error_of_the_disk_has_its_own_remedy(message: str, remedy: str) -> None:
    with pytest.raises(DiskError) as caught, plain_errors(make_url("sqlite:///cells.db")):
        raise OperationalError("SELECT 1", None, sqlite3.OperationalError(message))
    assert str(caught.value).startswith(f"cannot use database sqlite:///cells.db: {message}; ")
    assert str(caught.value).endswith(remedy)


def test_any_other_error_points_to_the_url() -> None:
    raised = pytest.raises(StorageError, match=r"too many parsnips; check the storage URL$")
    with raised, plain_errors(make_url("sqlite:///cells.db")):
        raise OperationalError("SELECT 1", None, sqlite3.OperationalError("too many parsnips"))


@pytest.mark.parametrize(
    ("message", "comes_back"),
    [("Connection refused", True), ("Access denied for user 'ann'", False)],
)
def test_what_to_do_afterwards_is_added_for_a_server_that_may_come_back(
    message: str, comes_back: bool
) -> None:
    with (
        pytest.raises(StorageError) as caught,
        plain_errors(make_url("mysql://host/cells"), "; then go on"),
    ):
        raise OperationalError("SELECT 1", None, ConnectionError(message))
    assert str(caught.value).endswith("; then go on") == comes_back
