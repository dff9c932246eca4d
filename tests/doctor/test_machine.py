"""This machine as TensorFlow and the disk show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.errors import DiskError
from tests.doctor.made import levels, make_plan, only, study

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.doctor.facts import StudyFacts

MACHINE = "bcsearch.doctor.machine"


def started_from(used: str, backbone: str = "net", source: str = "auto") -> StudyFacts:
    plan = make_plan({"backbone": {"choice": [backbone]}}, weights={"source": source})
    return study(plan, fingerprint={f"weights.{backbone}": f"{used} ab"})


def test_machine_is_checked_with_the_folders_of_the_study(tmp_path: Path) -> None:
    from bcsearch.doctor.machine import check_machine

    folders = (tmp_path / "no" / "results", tmp_path)
    found = {finding.subject: finding for finding in check_machine(*folders, None)}
    assert set(found) == {"disk of results", "disk of cache", "memory", "gpu"}
    of_study = study(make_plan({"backbone": "custom"}), files=str(tmp_path))
    subjects = {finding.subject for finding in check_machine(*folders, of_study)}
    assert subjects == {*found, "weights", "disk of files of trials"}
    assert list(tmp_path.iterdir()) == []


def test_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    from bcsearch.doctor.machine import check_folder

    (tmp_path / "file").write_text("")
    found = check_folder("results", tmp_path / "file" / "results", "--results")
    assert found.level == "wrong"
    assert "--results" in found.remedy


@pytest.mark.parametrize(
    ("free", "level", "part"),
    [
        (DiskError("cannot look"), "wrong", "cannot be written"),
        (10**6, "warning", "only 1.0MB free"),
        (10**10, "ok", "10.0GB free"),
    ],
)
def test_folder_is_judged_by_the_room_on_its_disk(
    free: Any, level: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.doctor.machine import check_folder

    def free_bytes(_: Path) -> int:
        if isinstance(free, DiskError):
            raise free
        return int(free)

    monkeypatch.setattr(f"{MACHINE}.free_bytes", free_bytes)
    found, text = only([check_folder("cache", tmp_path, "--cache-dir")])
    assert found == level
    assert part in text
    assert ("--cache-dir" in text) == (level != "ok")


def test_little_memory_is_a_warning() -> None:
    from bcsearch.doctor.machine import check_memory

    assert levels([check_memory(10**8), check_memory(8 * 10**9)]) == ["warning", "ok"]


@pytest.mark.parametrize(
    ("gpus", "has_nvidia", "visible", "level"),
    [
        ((), False, None, "ok"),
        (("GPU:0",), True, None, "ok"),
        ((), True, None, "warning"),
        ((), True, "-1", "note"),
    ],
)
def test_gpu_that_tensorflow_does_not_see_is_a_warning(
    gpus: tuple[str, ...], has_nvidia: bool, visible: str | None, level: str
) -> None:
    from bcsearch.doctor.machine import check_gpu

    assert levels([check_gpu(gpus, has_nvidia, visible)]) == [level]


@pytest.mark.parametrize(
    ("used", "here", "level", "part"),
    [
        ("imagenet", "imagenet", "ok", "net"),
        ("random", "random", "ok", "net"),
        ("", "imagenet", "ok", "net"),
        ("random", "to be fetched", "warning", "RANDOM"),
        ("random", "none published", "warning", "RANDOM"),
        ("imagenet", "to be fetched", "note", "not on this machine"),
        ("imagenet", None, "warning", "no installed package"),
    ],
)
def test_weights_are_compared_with_what_is_here(
    used: str, here: str | None, level: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.doctor.machine import check_weights

    monkeypatch.setattr(f"{MACHINE}.weights_here", lambda _: here)
    found, text = only(check_weights(started_from(used)))
    assert found == level
    assert part in text


def test_file_of_weights_must_be_here(tmp_path: Path) -> None:
    from bcsearch.doctor.machine import check_weights

    file = tmp_path / "mine.keras"
    level, text = only(check_weights(started_from("path", source=str(file))))
    assert level == "warning"
    assert "mine.keras" in text
    file.write_text("")
    assert levels(check_weights(started_from("path", source=str(file)))) == ["ok"]


def test_weights_of_real_backbones_are_found_and_another_tools_study_has_none() -> None:
    from bcsearch.doctor.machine import check_weights

    plan = make_plan({"backbone": {"choice": ["custom", "efficientnet_lite0"]}})
    used = {"weights.custom": "random ab", "weights.efficientnet_lite0": "imagenet cd"}
    level, text = only(check_weights(study(plan, fingerprint=used)))
    assert (level, "custom, efficientnet_lite0" in text) == ("ok", True)
    assert check_weights(study(None)) == []
