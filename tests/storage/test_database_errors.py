from __future__ import annotations

import pytest

from bcsearch.errors import DiskError, StorageError
from bcsearch.storage.database_errors import cause_of

DOWN = "check that its server runs"
ACCESS = "check user, password and rights"
ABSENT = "create it on the server"


@pytest.mark.parametrize(
    ("message", "remedy", "may_pass"),
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
            "check the name of the database",
            False,
        ),
        ('FATAL:  database "cels" does not exist', ABSENT, False),
        ("Unknown database 'cels'", ABSENT, False),
        ('relation "studies" does not exist', "check the storage URL", True),
    ],
)
def test_message_of_a_server_has_its_remedy(message: str, remedy: str, may_pass: bool) -> None:
    cause = cause_of(message)
    assert cause.error is StorageError
    assert cause.remedy.startswith(remedy)
    assert cause.may_pass == may_pass
    assert cause.is_outage == (remedy == DOWN)


@pytest.mark.parametrize(
    "message",
    [
        "unable to open database file",
        "attempt to write a readonly database",
        "database disk image is malformed",
        "could not extend file: No space left on device",
    ],
)
def test_message_about_a_file_is_a_disk_error(message: str) -> None:
    assert cause_of(message).error is DiskError
