from __future__ import annotations

import pytest

from bcsearch.errors import DiskError, StorageError
from bcsearch.storage.trouble import ABSENT, ACCESS, DOWN, trouble_of


@pytest.mark.parametrize(
    ("said", "remedy", "waits"),
    [
        ('connection to server at "127.0.0.1", port 1 failed: Connection refused', DOWN, True),
        ("failed to resolve host 'nowhere': [Errno -2] Name or service not known", DOWN, True),
        ("Can't connect to MySQL server on 'nowhere' ([Errno -2] Name or service not known)", DOWN, True),
        ('connection to server on socket "/tmp/.s.PGSQL.5432" failed: No such file or directory', DOWN, True),
        ("the database system is starting up", "check the storage URL", True),
        ("Lost connection to MySQL server during query", "check the storage URL", True),
        ('FATAL:  password authentication failed for user "ann"', ACCESS, False),
        ('FATAL:  role "ann" does not exist', ACCESS, False),
        ("permission denied for schema public", ACCESS, False),
        ("Access denied for user 'ann'@'localhost' (using password: YES)", ACCESS, False),
        ("Access denied for user 'ann'@'%' to database 'cels'", "look at the database's name", False),
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


@pytest.mark.parametrize("said", ["unable to open database file", "attempt to write a readonly database"])
def test_words_of_sqlite_about_its_file_are_of_the_disk(said: str) -> None:
    assert trouble_of(said).kind is DiskError
