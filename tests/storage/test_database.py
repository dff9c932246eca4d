from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

import pytest

from bcsearch.errors import BcsearchError, StorageError, StudyError
from bcsearch.storage import read_study
from bcsearch.storage.database import upgrade_database
from bcsearch.storage.optuna_private import known_schemas
from tests.storage.moving import downgrade, execute, fill, goes_on, rows, tables
from tests.storage.workers import NAME

if TYPE_CHECKING:
    from pathlib import Path

HEAD, *OLDER = known_schemas()


def refused(url: str, kind: type[BcsearchError] = StorageError) -> str:
    with pytest.raises(kind) as caught:
        upgrade_database(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("schema", OLDER[:3])
def test_older_schema_is_upgraded_and_its_study_goes_on(schema: str, empty_url: str) -> None:
    fill(empty_url)
    before = read_study(empty_url, NAME, with_epochs=True)
    downgrade(empty_url, schema)
    done = upgrade_database(empty_url)
    assert (done.before, done.now, done.added) == (schema, HEAD, ())
    assert read_study(empty_url, NAME, with_epochs=True) == before
    goes_on(empty_url)


def test_distributions_of_optuna_2_are_upgraded_without_a_warning(empty_url: str) -> None:
    fill(empty_url)
    before = read_study(empty_url, NAME)
    downgrade(empty_url, "v3.0.0.b")
    # colons are escaped, as they would begin a parameter of the statement
    uniform = r'{"name"\: "UniformDistribution", "attributes"\: {"low"\: 0.0, "high"\: 1.0}}'
    execute(
        empty_url,
        f"UPDATE trial_params SET distribution_json = '{uniform}' WHERE param_name = 'x'",
        "UPDATE alembic_version SET version_num = 'v2.6.0.a'",
    )
    assert upgrade_database(empty_url).before == "v2.6.0.a"
    assert read_study(empty_url, NAME) == before
    goes_on(empty_url)


def test_newest_schema_is_left_as_it_is(url: str) -> None:
    fill(url)
    before = rows(url)
    done = upgrade_database(url)
    assert (done.before, done.now, done.added) == (HEAD, HEAD, ())
    assert rows(url) == before


def test_missing_tables_are_added(url: str) -> None:
    execute(url, "DROP TABLE bcsearch_slots", "DROP TABLE trial_heartbeats")
    done = upgrade_database(url)
    assert done.added == ("bcsearch_slots", "trial_heartbeats")
    assert set(done.added) <= tables(url)


def test_upgrade_sets_up_no_logging(empty_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    fill(empty_url)
    downgrade(empty_url, OLDER[0])
    ours = logging.getLogger("bcsearch.storage.rdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", [])
        capfd.readouterr()
        upgrade_database(empty_url)
        assert logging.getLogger().handlers == []
    assert capfd.readouterr().err == ""
    assert not ours.disabled


def test_newer_schema_needs_a_newer_optuna(url: str) -> None:
    execute(url, "UPDATE alembic_version SET version_num = 'v9.0.0.a'")
    message = refused(url)
    execute(url, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    assert "schema 'v9.0.0.a'" in message
    assert "pip install --upgrade optuna" in message


def test_database_of_somebody_else_is_refused_and_left_alone(empty_url: str) -> None:
    execute(empty_url, "CREATE TABLE customers (id INTEGER)")
    assert "not Optuna's: it holds customers" in refused(empty_url)
    assert tables(empty_url) == {"customers"}


def test_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert refused(str(tmp_path / "study.db"), StudyError).startswith("no study was ever run here")
    assert list(tmp_path.iterdir()) == []


def test_empty_database_is_left_empty(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        sqlite3.connect(empty_url.removeprefix("sqlite:///")).close()
        execute(empty_url, "PRAGMA user_version = 1")
    assert "is empty" in refused(empty_url, StudyError)
    assert tables(empty_url) == set()
