from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from bcsearch.artifacts.files import COLLECT_EVERY, FIGURES, Artifacts
from bcsearch.errors import DiskError

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.storage import Ledger


def test_probabilities_come_back_in_half_precision(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "cells")
    given = np.array([[0.25, 0.75], [np.nan, np.nan]])
    artifacts.save_probabilities(3, given)
    kept = artifacts.probabilities(3)
    assert kept is not None
    assert kept.dtype == np.float16
    np.testing.assert_array_equal(kept, given)


def test_trial_without_probabilities_has_none(tmp_path: Path) -> None:
    assert Artifacts(tmp_path).probabilities(0) is None


def test_probabilities_of_a_second_try_replace_the_first(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifacts.save_probabilities(0, np.zeros((2, 2)))
    artifacts.save_probabilities(0, np.ones((2, 2)))
    kept = artifacts.probabilities(0)
    assert kept is not None
    assert kept.min() == 1
    assert len(list(artifacts.folder.iterdir())) == 1


def test_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"cannot write .*trial-00000") as caught:
        Artifacts(tmp_path / "file").save_probabilities(0, np.zeros((2, 2)))
    assert "\n" not in str(caught.value)


def test_files_of_the_worst_trials_are_removed_beyond_the_limit(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    for number in range(6):
        artifacts.save_probabilities(number, np.zeros((500, 2)))  # 2,128 bytes
    artifacts.shrink(6500, worst_first=[4, 0, 9, 2, 5, 1, 3])
    assert [number for number in range(6) if artifacts.probabilities(number) is not None] == [
        1,
        3,
        5,
    ]
    artifacts.shrink(6500, worst_first=[5, 1, 3])
    assert artifacts.probabilities(5) is not None


def test_checkpoints_are_removed_together(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifacts.remove_checkpoints()
    path = artifacts.checkpoint_path(3)
    path.parent.mkdir()
    path.write_bytes(b"")
    artifacts.remove_checkpoints()
    assert not path.exists()


def test_figures_go_after_probabilities_the_oldest_first(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifacts.save_probabilities(0, np.zeros((500, 2)))
    figures = [
        tmp_path / FIGURES / f"8f14e45f-ceea-4e7a-9c1d-00000000000{number}" for number in range(3)
    ]
    figures[0].parent.mkdir()
    for age, figure in enumerate(figures):
        figure.write_bytes(bytes(1000))
        os.utime(figure, (1000 - age, 1000 - age))
    artifacts.shrink(2000, worst_first=[0])
    assert artifacts.probabilities(0) is None
    assert [figure.exists() for figure in figures] == [True, True, False]


class FakeLedger:
    """Trial 1 goes on, and nothing is ranked; counts how often it was asked."""

    looks = 0

    def going_on(self) -> set[int]:
        self.looks += 1
        return {1}

    def worst_first(self) -> list[int]:
        return []


def collect(artifacts: Artifacts, number: int, ledger: FakeLedger) -> None:
    artifacts.collect(number, 10**6, cast("Ledger", ledger))


def test_room_is_looked_at_once_in_so_many_trials_of_a_study_whoever_runs_them(
    tmp_path: Path,
) -> None:
    ledger = FakeLedger()
    for number in range(2 * COLLECT_EVERY):
        collect(Artifacts(tmp_path), number, ledger)  # as a process that runs one trial
    assert ledger.looks == 2


def test_checkpoints_of_trials_that_do_not_go_on_are_removed(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    paths = [artifacts.checkpoint_path(number) for number in range(3)]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(b"")
    collect(artifacts, 0, FakeLedger())
    assert [path.exists() for path in paths] == [False, True, False]


def test_drafts_of_killed_workers_are_removed_once_they_are_old(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifacts.save_probabilities(0, np.zeros((2, 2)))
    old, young = (
        tmp_path / "out_of_fold" / f".trial-00007.npy.{name}.npy"
        for name in ("0123abcd", "89ef4567")
    )
    for draft in (old, young):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))
    collect(artifacts, 0, FakeLedger())
    artifacts.shrink(0, [])
    assert [path.exists() for path in (old, young)] == [False, True]


def test_files_of_the_user_among_ours_stay(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    names = ("epoch9.h5", ".hidden", "trial-best.npz", "deep/trial-00001.npz", "my-figure.svg")
    theirs = [
        tmp_path / folder / name
        for folder in ("checkpoints", "out_of_fold", FIGURES)
        for name in names
    ]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
        os.utime(path, (0, 0))
    artifacts.checkpoint_path(3).write_bytes(b"")
    collect(artifacts, 0, FakeLedger())
    artifacts.shrink(0, [])
    artifacts.remove_checkpoints()
    assert [path.read_bytes() for path in theirs] == [b"mine"] * len(theirs)
    assert not artifacts.checkpoint_path(3).exists()


def test_worker_with_a_folder_of_its_own_looks_at_its_own_trials(tmp_path: Path) -> None:
    artifacts, ledger = Artifacts(tmp_path), FakeLedger()
    for number in range(
        1, 50 * COLLECT_EVERY, COLLECT_EVERY
    ):  # of several workers in turn it has none of the others
        collect(artifacts, number, ledger)
    assert ledger.looks == 2
