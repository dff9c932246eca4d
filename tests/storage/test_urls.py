from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bcsearch.errors import StorageError
from bcsearch.storage import list_studies, masked, resolve_url
from bcsearch.storage.urls import checked

RESULTS = Path("results")


@pytest.fixture(autouse=True)
def _no_storage_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BCSEARCH_STORAGE", raising=False)


def test_default_is_a_file_in_the_results() -> None:
    assert resolve_url(None, RESULTS) == "sqlite+pysqlite:///results/bcsearch.db"


def test_environment_is_used_when_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BCSEARCH_STORAGE", "postgresql://ann@host/cells")
    assert resolve_url(None, RESULTS) == "postgresql+psycopg://ann@host/cells"
    assert resolve_url("mine.db", RESULTS) == "sqlite+pysqlite:///mine.db"


def test_password_survives_resolving() -> None:
    resolved = resolve_url("postgresql://ann:{s}%40c@host/cells", RESULTS)
    assert make_url(resolved).password == "{s}@c"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:secret@host:5432/cells", "postgresql://ann:***@host:5432/cells"),
        ("postgresql://ann:sec/r@t@host/cells", "postgresql://ann:***@host/cells"),
        ("postgresql://:secret@host/cells", "postgresql://:***@host/cells"),
        (
            "mysql://host/cells?user=ann&password=secret&x=1",
            "mysql://host/cells?user=ann&password=***&x=1",
        ),
        ("ann:secret@host/cells", "ann:***@host/cells"),
        ("postgresql://ann@host:5432/cells", "postgresql://ann@host:5432/cells"),
        ("sqlite:///results/bcsearch.db", "sqlite:///results/bcsearch.db"),
        ("sqlite+pysqlite:///results/bcsearch.db", "sqlite:///results/bcsearch.db"),
        ("postgresql+psycopg://ann:secret@host/cells", "postgresql://ann:***@host/cells"),
        ("postgresql+psycopg2://ann@host/cells", "postgresql+psycopg2://ann@host/cells"),
    ],
)
def test_password_is_never_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:secret@host/0", "has scheme 'redis'"),
        ("postgres://ann:secret@host/cells", "has scheme 'postgres'; write postgresql://"),
        ("mariadb://ann:secret@host/cells", "has scheme 'mariadb'; write mysql://"),
        ("file.txt", "neither a URL nor a .db file"),
        ("ann:secret@host", "neither a URL nor a .db file"),
        ("postgresql://ann:secret@host:port/cells", "cannot be read"),
        ("://", "cannot be read"),
        ("postgresql://ann:sec@ret@host/cells", "two @; write one in a password as %40"),
        ("postgresql://ann:secret@host", "names no database"),
        ("sqlite://", "names no database"),
        ("sqlite:///:memory:", "names no database"),
    ],
)
def test_url_that_makes_no_sense_gets_one_line(url: str, said: str) -> None:
    with pytest.raises(StorageError) as caught:
        checked(url)
    message = str(caught.value)
    assert said in message
    assert "postgresql://user@host/database" in message
    assert "secret" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg+x://ann:secret@host/cells",
        "postgresql://ann:secret@host/cells?host=a:b&host=c",
        "sqlite:///x.db?timeout=soon",
        "sqlite:///x.db?nonsense=1",
        "sqlite:///x\0.db",
        "sqlite:///\udcff.db",
    ],
)
def test_options_of_no_sense_get_one_line(url: str) -> None:
    with pytest.raises(StorageError) as caught:
        checked(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("query", ["bogus=1", "charset=bogus", "ssl=1", "port=abc"])
def test_option_that_the_driver_does_not_take_gets_one_line(query: str) -> None:
    with pytest.raises(StorageError, match=r"cannot be used: .*check what follows the \?"):
        list_studies(f"mysql://ann:secret@127.0.0.1:9/cells?{query}")


def test_missing_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(StorageError, match=r"pip install 'bcsearch\[mysql\]'"):
        checked("mysql://ann:secret@host/cells")


def test_unknown_driver_is_refused() -> None:
    with pytest.raises(StorageError, match="unknown driver"):
        checked("postgresql+nonsense://host/cells")
