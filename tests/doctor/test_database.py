from __future__ import annotations

import pytest

from bcsearch.study.doctor.database import (
    MANY_WORKERS,
    check_clock,
    check_journal,
    check_schema,
    check_sharing,
    check_tables,
)
from tests.study.doctor.made import claim, database, levels, only, server

TOGETHER = [claim("a-1", 0, 100, trial=0), claim("b-1", 50, 150, trial=1)]
IN_TURN = [claim("a-1", 0, 100, trial=0), claim("b-1", 200, 300, trial=1)]


def test_schema_of_another_optuna_is_wrong_and_says_how_to_mend_it() -> None:
    level, text = only(check_schema(database(schema="v0")))
    assert level == "wrong"
    assert all(words in text for words in ("v0", "v1", "bcsearch storage backup"))


@pytest.mark.parametrize("schema", ["v1", None])
def test_schema_of_this_optuna_is_ok(schema: str | None) -> None:
    assert levels(check_schema(database(schema=schema))) == ["ok"]


def test_missing_tables_are_wrong_only_where_bcsearch_made_studies() -> None:
    level, text = only(check_tables(database(missing=("bcsearch_slots",))))
    assert level == "wrong"
    assert "bcsearch_slots" in text
    assert levels(check_tables(database(missing=("bcsearch_slots",), made_here=False))) == ["note"]
    assert check_tables(database()) == []


def test_journal_other_than_wal_is_told() -> None:
    level, text = only(check_journal(database(journal="delete")))
    assert level == "warning"
    assert "'delete'" in text
    assert check_journal(database()) == check_journal(server()) == []


def test_machines_on_one_sqlite_file_at_the_same_time_are_told() -> None:
    level, text = only(check_sharing(database(claims=TOGETHER)))
    assert level == "warning"
    assert "machines a, b" in text
    assert "--storage" in text


def test_machines_in_turn_and_workers_of_one_machine_are_fine() -> None:
    assert check_sharing(database(claims=IN_TURN)) == []
    assert check_sharing(database(claims=[claim("a-1", 0), claim("a-2", 1, trial=1)])) == []


def test_machine_that_still_runs_a_trial_is_there() -> None:
    assert levels(
        check_sharing(database(claims=[claim("a-1", 0), claim("b-1", 500, 600, trial=1)]))
    ) == ["warning"]


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse.glusterfs"])
def test_sqlite_on_a_network_disk_is_a_danger_and_wrong_with_more_machines(kind: str) -> None:
    assert levels(check_sharing(database(file_system=kind, claims=IN_TURN[:1]))) == ["warning"]
    level, text = only(check_sharing(database(file_system=kind, claims=IN_TURN)))
    assert level == "wrong"
    assert kind in text


@pytest.mark.parametrize("kind", ["ext4", "apfs", "overlay", "fuse.lxcfs", None])
def test_sqlite_on_a_local_disk_is_fine(kind: str | None) -> None:
    assert check_sharing(database(file_system=kind, claims=IN_TURN)) == []


def test_many_workers_on_sqlite_are_noted() -> None:
    busy = [claim(f"a-{number}", 0, trial=number) for number in range(MANY_WORKERS + 1)]
    assert levels(check_sharing(database(claims=busy))) == ["note"]
    assert check_sharing(database(claims=busy[1:])) == []


def test_server_is_shared_by_any_machines() -> None:
    assert check_sharing(server(claims=TOGETHER)) == []


@pytest.mark.parametrize(
    ("ahead", "words"), [(9.0, "9 seconds ahead of"), (-61.0, "61 seconds behind")]
)
def test_clock_that_differs_from_the_servers_is_told(ahead: float, words: str) -> None:
    level, text = only(check_clock(server(clock_ahead=ahead)))
    assert level == "warning"
    assert words in text


def test_clocks_that_agree_and_sqlite_which_has_none_of_its_own_are_fine() -> None:
    assert check_clock(server(clock_ahead=4.0)) == check_clock(database(clock_ahead=60.0)) == []
