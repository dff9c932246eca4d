from __future__ import annotations

from typing import Any

import pytest

from bcsearch.study.doctor.machine import check_disks, check_gpu, check_memory, check_threads
from tests.study.doctor.made import folder, levels, machine, only


@pytest.mark.parametrize(
    ("facts", "level", "words"),
    [
        ({"writable": False}, "wrong", "cannot be written"),
        ({"free_bytes": None}, "wrong", "cannot be written"),
        ({"free_bytes": 10**6}, "warning", "only 1.0 MB free"),
        ({"free_bytes": 10**10, "needed_bytes": 2 * 10**10}, "warning", "20.0 GB"),
        ({"free_bytes": 10**10, "needed_bytes": 10**9}, "ok", "10.0 GB free"),
    ],
)
def test_disk_is_judged_by_room_and_need(facts: dict[str, Any], level: str, words: str) -> None:
    found, text = only(check_disks(machine(folders=(folder(**facts),))))
    assert found == level
    assert words in text
    assert ("--results" in text) == (level != "ok")


def test_little_memory_is_told() -> None:
    assert levels(check_memory(machine(memory_bytes=10**8))) == ["warning"]
    assert levels(check_memory(machine())) == ["ok"]


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({}, "ok"),
        ({"gpus": ("GPU:0",), "has_nvidia": True}, "ok"),
        ({"has_nvidia": True}, "warning"),
        ({"has_nvidia": True, "visible": "-1"}, "note"),
    ],
)
def test_gpu_that_tensorflow_does_not_see_is_told(facts: dict[str, Any], level: str) -> None:
    assert levels(check_gpu(machine(**facts))) == [level]


def test_bounded_threads_are_noted() -> None:
    level, text = only(check_threads(machine(threads={"OMP_NUM_THREADS": "1"})))
    assert level == "note"
    assert "OMP_NUM_THREADS=1" in text


@pytest.mark.parametrize("threads", [{}, {"OMP_NUM_THREADS": "4"}, {"OMP_NUM_THREADS": ""}])
def test_worker_that_may_use_all_cores_is_ok(threads: dict[str, str]) -> None:
    assert only(check_threads(machine(threads=threads))) == ("ok", "processor: 4 cores; ")
