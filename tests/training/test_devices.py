"""The choice of a GPU, with stand-ins for TensorFlow's calls about GPUs: none was at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bcsearch.training.devices import Device

ROOT = Path(__file__).parents[2]


class FakeGpus:
    """Stands in for TensorFlow's calls about GPUs, and remembers them."""

    def __init__(
        self, patch: pytest.MonkeyPatch, n_gpus: int, capability: tuple[int, int] = (8, 6)
    ) -> None:
        import tensorflow as tf

        self.found = [
            SimpleNamespace(name=f"/physical_device:GPU:{index}") for index in range(n_gpus)
        ]
        self.visible: list[Any] = []
        self.growing: list[str] = []
        details = {"compute_capability": capability}
        patch.setattr(tf.config, "list_physical_devices", lambda kind: self.found)
        patch.setattr(
            tf.config, "set_visible_devices", lambda gpus, kind: self.visible.append(gpus)
        )
        experimental = tf.config.experimental
        patch.setattr(
            experimental, "set_memory_growth", lambda gpu, on: self.growing.append(gpu.name)
        )
        patch.setattr(experimental, "get_device_details", lambda gpu: details)


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test begin as a process that has taken nothing, and end as one that died."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    yield
    forget()


def forget() -> None:
    from bcsearch.training import devices

    for device in devices._devices:
        if device.lock is not None:
            device.lock.release()
    devices._devices.clear()


def choose(folder: Path, notices: list[str] | None = None, family: str = "") -> Device:
    from bcsearch.training.devices import set_up_devices

    return set_up_devices(folder, (notices if notices is not None else []).append, family)


def test_without_a_gpu_nothing_is_changed_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus, notices = FakeGpus(monkeypatch, 0), list[str]()
    device = choose(tmp_path / "locks", notices)
    assert (device.kind, device.jit_compile, device.precision) == ("cpu", False, "float32")
    assert (gpus.visible, gpus.growing, notices) == ([], [], [])
    assert not (tmp_path / "locks").exists()


@pytest.mark.parametrize(
    ("capability", "precision"),
    [((8, 0), "mixed_bfloat16"), ((9, 0), "mixed_bfloat16"), ((7, 5), "float32")],
)
def test_gpu_is_compiled_for_in_the_precision_that_it_is_fast_in(
    capability: tuple[int, int], precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = FakeGpus(monkeypatch, 1, capability)
    device = choose(tmp_path)
    assert (device.kind, device.jit_compile, device.precision) == ("gpu", True, precision)
    assert gpus.visible == [[gpus.found[0]]]
    assert gpus.growing == [gpus.found[0].name]


def test_second_call_in_a_process_gives_what_it_has_and_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus, notices = FakeGpus(monkeypatch, 2), list[str]()
    first = choose(tmp_path)
    assert choose(tmp_path / "elsewhere", notices) is first
    assert (len(gpus.visible), len(gpus.growing), notices) == (1, 1, [])


OTHER_WORKER = """
import os
import sys
from pathlib import Path
import pytest
from tests.training.test_devices import FakeGpus, choose
with pytest.MonkeyPatch.context() as patch:
    FakeGpus(patch, int(sys.argv[1]))
    print(choose(Path(sys.argv[2]), family=os.environ.get("FAMILY", "")).name, flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_worker(n_gpus: int, locks_dir: Path, **environment: str) -> Iterator[str]:
    """Give the name of what another process took and holds."""
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_WORKER, str(n_gpus), str(locks_dir)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def test_each_process_takes_a_gpu_of_its_own_and_the_last_uses_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus, notices = FakeGpus(monkeypatch, 2), list[str]()
    with other_worker(2, tmp_path) as theirs:
        mine = choose(tmp_path, notices)
        assert [theirs, mine.name] == [gpu.name for gpu in gpus.found]
        assert (gpus.visible, notices) == ([[gpus.found[1]]], [])
        forget()
        FakeGpus(monkeypatch, 1)
        left_over = choose(tmp_path, notices)
        assert (left_over.kind, left_over.jit_compile) == ("cpu", False)
        assert len(notices) == 1
        assert "1 of 1 GPUs are in use" in notices[0]
    forget()
    assert choose(tmp_path).name == gpus.found[0].name  # a dead worker's is free again


def test_all_gpus_are_hidden_from_a_process_that_gets_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.training import devices

    gpus = FakeGpus(monkeypatch, 2)
    monkeypatch.setattr(devices, "_held", lambda path: None)
    assert choose(tmp_path).kind == "cpu"
    assert (gpus.visible, gpus.growing) == ([[]], [])


def test_processes_that_were_given_different_gpus_do_not_contend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = FakeGpus(monkeypatch, 1)  # each sees one, and calls it GPU 0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with other_worker(1, tmp_path, CUDA_VISIBLE_DEVICES="2") as theirs:
        mine = choose(tmp_path)
    assert mine.name == theirs == gpus.found[0].name
    assert list(tmp_path.iterdir()) == []  # a scheduler has given them: nobody needs to be told


def test_workers_of_one_supervisor_divide_the_one_gpu_that_it_was_given(tmp_path: Path) -> None:
    given = {"CUDA_VISIBLE_DEVICES": "3", "FAMILY": "ours"}
    with (
        other_worker(1, tmp_path, **given) as first,
        other_worker(1, tmp_path, **given) as second,
        other_worker(1, tmp_path, **{**given, "FAMILY": "theirs"}) as elsewhere,
    ):
        assert [first, second, elsewhere] == [
            "/physical_device:GPU:0",
            "CPU",
            "/physical_device:GPU:0",
        ]


def test_several_gpus_that_were_chosen_are_divided_among_all_on_the_machine(tmp_path: Path) -> None:
    chosen = {"CUDA_VISIBLE_DEVICES": "3,GPU-8f2c"}
    with (
        other_worker(2, tmp_path, **chosen, FAMILY="ours") as first,
        other_worker(2, tmp_path, **chosen, FAMILY="theirs") as second,
        other_worker(2, tmp_path, **chosen) as alone,
    ):
        assert [first, second, alone] == ["/physical_device:GPU:0", "/physical_device:GPU:1", "CPU"]
