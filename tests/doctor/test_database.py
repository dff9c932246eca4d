from __future__ import annotations

import pytest

from bcsearch.doctor.database import (
    check_clock,
    check_journal,
    check_schema,
    check_sharing,
    check_tables,
)
from tests.doctor.made import database, levels, only, running, server, study

TWO_MACHINES = study(
    runs=[running(0, worker="a-1"), running(1, worker="b-1")], workers=["a-1", "b-1"]
)


def test_schema_of_another_optuna_is_wrong_and_says_how_to_fix_it() -> None:
    level, text = only(check_schema(database(schema="v0")))
    assert level == "wrong"
    assert all(part in text for part in ("v0", "v1", "bcsearch storage backup"))


@pytest.mark.parametrize("schema", ["v1", None])
def test_schema_of_this_optuna_is_ok(schema: str | None) -> None:
    assert levels(check_schema(database(schema=schema))) == ["ok"]


def test_missing_tables_are_wrong_only_where_bcsearch_made_studies() -> None:
    level, text = only(check_tables(database(study(), missing=("bcsearch_slots",))))
    assert level == "wrong"
    assert "bcsearch_slots" in text
    foreign = study(None, uuid="")
    assert levels(check_tables(database(foreign, missing=("bcsearch_slots",)))) == ["note"]
    assert check_tables(database()) == []


def test_journal_mode_other_than_wal_is_a_warning() -> None:
    level, text = only(check_journal(database(journal="delete")))
    assert level == "warning"
    assert "'delete'" in text
    assert check_journal(database()) == check_journal(server()) == []


def test_machines_on_one_sqlite_file_at_the_same_time_are_a_warning() -> None:
    level, text = only(check_sharing(database(TWO_MACHINES)))
    assert level == "warning"
    assert "machines a, b" in text
    assert "--storage" in text


def test_machines_in_turn_and_workers_of_one_machine_are_fine() -> None:
    in_turn = study(runs=[running(1, worker="b-1")], workers=["a-1", "b-1"])
    assert check_sharing(database(in_turn)) == []
    one_machine = study(runs=[running(0, worker="a-1"), running(1, worker="a-2")])
    assert check_sharing(database(one_machine)) == []


def test_machine_whose_trial_is_lost_does_not_count() -> None:
    lost = study(runs=[running(0, 300.0, worker="a-1"), running(1, worker="b-1")])
    assert check_sharing(database(lost)) == []


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone"])
def test_sqlite_on_a_network_disk_is_a_warning_and_wrong_with_more_machines(kind: str) -> None:
    assert levels(check_sharing(database(study(workers=["a-1", "a-2"]), file_system=kind))) == [
        "warning"
    ]
    level, text = only(check_sharing(database(study(workers=["a-1", "b-1"]), file_system=kind)))
    assert level == "wrong"
    assert kind in text


@pytest.mark.parametrize("kind", ["ext4", "apfs", "overlay", "fuse.lxcfs", None])
def test_sqlite_on_a_local_disk_is_fine(kind: str | None) -> None:
    assert check_sharing(database(study(workers=["a-1", "b-1"]), file_system=kind)) == []


def test_server_is_shared_by_any_machines() -> None:
    assert check_sharing(server(TWO_MACHINES)) == []


@pytest.mark.parametrize(
    ("ahead", "part"), [(9.0, "9 seconds ahead of"), (-61.0, "61 seconds behind")]
)
def test_clock_that_differs_from_the_servers_is_a_warning(ahead: float, part: str) -> None:
    level, text = only(check_clock(server(clock_ahead=ahead)))
    assert level == "warning"
    assert part in text


def test_clocks_that_agree_and_sqlite_which_has_none_of_its_own_are_fine() -> None:
    assert check_clock(server(clock_ahead=4.0)) == check_clock(database(clock_ahead=60.0)) == []
