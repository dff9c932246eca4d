from __future__ import annotations

import pytest

from bcsearch.errors import DiskError, StorageError
from bcsearch.storage.trouble import ABSENT, ACCESS, DOWN, trouble_of


@pytest.mark.parametrize(
    ("said", "remedy", "waits"),
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
        ('root certificate file "ca.pem" does not exist', "look at the certificates", False),
        ('no pg_hba.conf entry for host "10.0.0.7"', ACCESS, False),
        ('FATAL:  password authentication failed for user "ann"', ACCESS, False),
        ('FATAL:  role "ann" does not exist', ACCESS, False),
        ("permission denied for schema public", ACCESS, False),
        ("Access denied for user 'ann'@'localhost' (using password: YES)", ACCESS, False),
        (
            "Access denied for user 'ann'@'%' to database 'cels'",
            "look at the database's name",
            False,
        ),
        ('FATAL:  database "cels" does not exist', ABSENT, False),
        ("Unknown database 'cels'", ABSENT, False),
        ('relation "studies" does not exist', "check the storage URL", True),
    ],
)
def test_words_of_a_server_are_sorted(said: str, remedy: str, waits: bool) -> None:
    trouble = trouble_of(said)
    assert trouble.kind is StorageError
    assert trouble.remedy.startswith(remedy)
    assert trouble.waits == waits
    assert trouble.comes_back == (remedy == DOWN)


@pytest.mark.parametrize(
    "said",
    [
        "unable to open database file",
        "attempt to write a readonly database",
        "database disk image is malformed",
        "could not extend file: No space left on device",
    ],
)
def test_words_about_a_file_are_of_the_disk(said: str) -> None:
    assert trouble_of(said).kind is DiskError
