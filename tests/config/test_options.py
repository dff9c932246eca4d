from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.config import RunOptions
from bcsearch.data import load_dataset
from bcsearch.errors import ConfigError, DataError, StorageError
from bcsearch.storage import database_of
from bcsearch.study.create import settings_text, stored_plan
from tests.fakes import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BCSEARCH_DATA", "BCSEARCH_STORAGE", "BCSEARCH_CACHE"):
        monkeypatch.delenv(name, raising=False)


def test_data_is_the_option_then_the_environment_then_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = make_plan(data="sweep.npz")
    assert RunOptions().over(plan).sweep.data == "sweep.npz"
    monkeypatch.setenv("BCSEARCH_DATA", "environment.npz")
    assert RunOptions().over(plan).sweep.data == "environment.npz"
    assert RunOptions(data="option.npz").over(plan).sweep.data == "option.npz"


@pytest.mark.parametrize("data", [np.zeros((2, 8, 8, 3)), [1, 2], 7])
def test_data_that_is_no_path_is_one_line_that_says_how_to_make_one(data: Any) -> None:
    with pytest.raises(DataError, match=r"^data: came a \w+, allowed: a path; save .*savez"):
        RunOptions(data=data).over(make_plan())


@pytest.mark.parametrize("name", ["groups", "test"])
def test_arrays_in_place_of_a_file_are_one_line(name: str) -> None:
    given: dict[str, Any] = {name: np.zeros((3, 8, 8, 3))}
    with pytest.raises(DataError, match=f"^--{name}: came a ndarray, allowed: a path"):
        RunOptions(**given).over_reading()


def test_path_of_data_may_be_a_path_object(tmp_path: Path) -> None:
    given: Any = tmp_path
    assert RunOptions(data=given).over(make_plan()).sweep.data == str(tmp_path)
    given = tmp_path / "later.npz"
    assert RunOptions(data=given).over(make_plan()).sweep.data == str(given)


MEANT: dict[str, Callable[[Path], str]] = {  # what people type for a path
    "plain": str,
    "home": lambda path: f"~/{path.name}",
    "quoted": lambda path: f"'{path}'",
    "quoted twice": lambda path: f'"~/{path.name}"',
    "file URL": lambda path: f"file://{path}",
}


@pytest.mark.parametrize("case", MEANT)
def test_data_may_be_a_path_as_people_write_it(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cells.npz"
    np.savez(path, data=np.zeros((4, 2, 2, 3), np.uint8), labels=[0, 1] * 2)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BCSEARCH_DATA", MEANT[case](path))
    assert RunOptions().over(make_plan()).sweep.data == str(path)
    assert load_dataset(MEANT[case](path)).n_images == 4


def test_storage_is_the_option_then_the_environment_then_the_sweep_then_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = RunOptions(results_dir=tmp_path)
    assert database_of(options).endswith(f"{tmp_path}/bcsearch.db")
    of_sweep = "sqlite:///sweep.db"
    assert database_of(options, of_sweep=of_sweep).endswith("sweep.db")
    monkeypatch.setenv("BCSEARCH_STORAGE", "sqlite:///environment.db")
    assert database_of(options, of_sweep=of_sweep).endswith("environment.db")
    assert database_of(RunOptions(storage="option.db"), of_sweep=of_sweep).endswith("option.db")


def test_cache_is_the_option_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BCSEARCH_CACHE", "there")
    assert RunOptions().cache == Path("there")
    monkeypatch.setenv("BCSEARCH_CACHE", "~/there")
    assert RunOptions().cache == Path.home() / "there"
    assert RunOptions(cache_dir=Path("here")).cache == Path("here")


@pytest.mark.parametrize("trials", [0, -1])
def test_trials_below_one_are_refused(trials: int) -> None:
    with pytest.raises(ConfigError, match=f"--trials: came {trials}, allowed: 1 or more"):
        RunOptions(trials=trials)


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("inf"), float("nan")])
def test_minutes_that_are_no_time_are_refused(minutes: float) -> None:
    with pytest.raises(
        ConfigError, match=r"--minutes: came .*, allowed: (a number above 0|527040 or less)"
    ):
        RunOptions(minutes=minutes)


def test_options_of_ray_are_refused_elsewhere() -> None:
    with pytest.raises(ConfigError, match="act with --on ray only"):
        RunOptions(worker_gpus=1.0)


def test_every_option_is_declared_with_a_flag_and_a_help_of_its_own() -> None:
    declared = [each.metadata for each in fields(RunOptions) if each.metadata]
    assert len({each["flag"] for each in declared}) == len(declared) == len(fields(RunOptions)) - 1
    assert all(each["help"].endswith(".") for each in declared)


def test_worker_gets_the_minutes_that_are_left() -> None:
    begun = time.monotonic() - 60.0
    given = RunOptions(minutes=3.0, begun=begun).worker_args("cells", make_plan())
    assert float(given[given.index("--minutes") + 1]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("grow", [False, True])
def test_worker_may_add_trials_only_where_it_is_told_so(grow: bool) -> None:
    given = RunOptions(minutes=3.0, trials=20, grow=grow).worker_args("cells", make_plan())
    assert ("--grow" in given) is grow
    assert "--trials" not in given  # the budget is the study's


def test_url_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(StorageError, match="neither a URL nor a"):
        database_of(RunOptions(storage="nonsense"))


def test_worker_is_told_all_that_this_run_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.h5").write_text("")
    plan = make_plan(weights={"source": "theirs.h5"}, limits={"recycle_trials": 7})
    options = RunOptions(
        data="cells.npz",
        weights="mine.h5",
        results_dir=Path("out"),
        artifacts_dir=Path("files"),
        cache_dir=Path("kept"),
        cache_limit=5 * 10**9,
    )
    given = options.worker_args("cells-2", plan)
    assert dict(zip(given[::2], given[1::2], strict=True)) == {
        "--study": "cells-2",
        "--data": "cells.npz",
        "--weights": str(tmp_path / "mine.h5"),
        "--results": "out",
        "--artifacts": str(tmp_path / "files"),
        "--cache-dir": str(tmp_path / "kept"),
        "--cache-limit": str(5 * 10**9),
        "--max-trials": "7",
    }
    assert "theirs.h5" in RunOptions().worker_args("cells", plan)


@pytest.mark.parametrize(
    "content", ['storage = "mine.db"\nspace = 3', 'storage = "mine.db"\n[training]\nepoks = 1']
)
def test_database_of_a_study_is_found_though_its_sweep_cannot_be_run_now(
    content: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(content)
    for study in ("mine", "mine-2"):
        assert database_of(RunOptions(sweeps_dir=tmp_path), study).endswith("mine.db")


def test_sweep_is_not_read_where_the_database_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("half-ty")
    assert database_of(RunOptions(sweeps_dir=tmp_path, storage="here.db"), "mine").endswith(
        "here.db"
    )
    monkeypatch.setenv("BCSEARCH_STORAGE", "there.db")
    assert database_of(RunOptions(sweeps_dir=tmp_path), "mine").endswith("there.db")


def test_storage_of_a_sweep_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("storage = 3")
    assert database_of(RunOptions(sweeps_dir=tmp_path), "mine").endswith("results/bcsearch.db")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("trials", 1_000_000_000, "--trials: came 1000000000, allowed: 100000 or less"),
        ("max_trials", 10**30, "allowed: 100000 or less"),
        ("workers", 1001, "--workers: came 1001, allowed: 1000 or less"),
        ("minutes", 1e308, "--minutes: came 1e[+]308, allowed: 527040 or less"),
        ("minutes", float("nan"), "--minutes: came nan"),
        ("white", 0.0, "--white: came 0, allowed: a number above 0"),
        ("worker_cpus", float("nan"), "--worker-cpus must be 0.1 to 1000"),
        ("worker_gpus", float("inf"), "--worker-gpus 0 to 1000"),
    ],
)
def test_number_beyond_reason_is_refused(option: str, value: float, allowed: str) -> None:
    with pytest.raises(ConfigError, match=allowed):
        RunOptions(**{option: value})  # type: ignore[arg-type] # of several types


def test_how_data_is_read_is_the_option_then_the_sweep_and_goes_with_the_study() -> None:
    plan = make_plan(reading={"images_key": "x", "join_val": True})
    options = RunOptions(images_key="a b", groups=Path("no.csv"), test=Path("test.npz"), white=4095)
    reading = options.over(plan).sweep.reading
    assert (reading.images_key, reading.join_val, reading.test) == ("a b", True, "test.npz")
    assert reading.options == " --images-key 'a b' --groups no.csv --join-val --white 4095"
    assert stored_plan("cells", settings_text(options.over(plan))).sweep.reading == reading


def test_a_square_is_cut_filled_or_squeezed() -> None:
    with pytest.raises(ConfigError, match="--square: came 'round', allowed: crop, pad, squash"):
        RunOptions(square="round")
