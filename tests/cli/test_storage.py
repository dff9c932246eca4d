"""``storage upgrade``, ``backup`` and ``copy`` as they are typed; see also ``tests/storage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bcsearch.storage import read_study
from bcsearch.storage.optuna_private import known_schemas
from tests.storage.moving import N_TRIALS, downgrade, execute, fill, tables
from tests.storage.workers import NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

HEAD, OLDER, *_ = known_schemas()
AMOUNT = f"1 study, {N_TRIALS + 2} trials"


@pytest.fixture
def database(workdir: Path) -> str:
    """Fill the default database and return its URL."""
    (workdir / "results").mkdir()
    url = f"sqlite:///{workdir / 'results' / 'bcsearch.db'}"
    fill(url)
    return url


def complaint(answer: Answer) -> str:
    """Return the one line of a refusal."""
    assert (answer.code, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    return line


def test_backup_says_what_it_holds(database: str, bcsearch: Run) -> None:
    answer = bcsearch("storage", "backup", "--to", "kept.db")
    assert (answer.code, answer.out, answer.err) == (0, f"{AMOUNT}: kept.db\n", "")
    assert read_study("kept.db", NAME) == read_study(database, NAME)


def test_copy_says_what_it_holds(database: str, bcsearch: Run) -> None:
    answer = bcsearch("storage", "copy", "--to", "sqlite:///copy.db")
    assert (answer.code, answer.out, answer.err) == (0, f"{AMOUNT}: sqlite:///copy.db\n", "")
    assert read_study("copy.db", NAME) == read_study(database, NAME)


def test_upgrade_says_what_was_done_and_then_that_nothing_is_to_do(
    database: str, bcsearch: Run
) -> None:
    downgrade(database, OLDER)
    execute(database, "DROP TABLE bcsearch_slots")
    answer = bcsearch("storage", "upgrade")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"schema {OLDER} upgraded to {HEAD}, added bcsearch_slots: sqlite")
    assert "bcsearch_slots" in tables(database)
    assert bcsearch("storage", "upgrade").out.startswith(
        f"nothing to do, schema {HEAD} is the newest: sqlite"
    )


def test_older_database_is_refused_with_the_way_out_which_works(
    database: str, bcsearch: Run
) -> None:
    downgrade(database, OLDER)
    line = complaint(bcsearch("status", "--study", NAME))
    assert "'bcsearch storage backup'" in line
    assert "'bcsearch storage upgrade'" in line
    assert bcsearch("storage", "backup", "--to", "kept.db").code == 0
    assert bcsearch("storage", "upgrade").code == 0
    assert bcsearch("status", "--study", NAME).code == 0


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("command", ["backup", "copy"])
def test_file_that_is_there_already_is_left_alone(
    command: str, workdir: Path, bcsearch: Run
) -> None:
    (workdir / "kept.db").write_text("precious")
    assert "kept.db is there already" in complaint(bcsearch("storage", command, "--to", "kept.db"))
    assert (workdir / "kept.db").read_text() == "precious"


@pytest.mark.parametrize(
    "arguments",
    [["upgrade"], ["backup", "--to", "kept.db"], ["copy", "--to", "kept.db"]],
    ids=lambda words: words[0],
)
def test_without_a_database_nothing_is_made(
    arguments: list[str], workdir: Path, bcsearch: Run
) -> None:
    assert "no study was ever run here" in complaint(bcsearch("storage", *arguments))
    assert list(workdir.iterdir()) == []


@pytest.mark.usefixtures("database")
def test_password_of_a_server_out_of_reach_is_not_shown(bcsearch: Run) -> None:
    url = "postgresql://ann:secret@127.0.0.1:1/cells"
    for arguments in (["copy", "--to", url], ["upgrade", "--storage", url]):
        line = complaint(bcsearch("storage", *arguments))
        assert "ann:***@127.0.0.1:1/cells" in line
        assert "secret" not in line


@pytest.mark.usefixtures("database")
def test_url_that_makes_no_sense_is_refused(bcsearch: Run) -> None:
    assert "oracle" in complaint(bcsearch("storage", "copy", "--to", "oracle://host/cells"))
