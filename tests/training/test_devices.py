from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from bcsearch.training.devices import Device

ROOT = Path(__file__).parents[2]


class FakeGpus:
    """Stands in for TensorFlow's calls about GPUs, and remembers them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n_gpus: int, capability: tuple[int, int] = (8, 6)) -> None:
        import tensorflow as tf

        self.found = [SimpleNamespace(name=f"/physical_device:GPU:{index}") for index in range(n_gpus)]
        self.visible: list[Any] = []
        self.growing: list[str] = []
        details = {"compute_capability": capability}
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: self.found)
        monkeypatch.setattr(tf.config, "set_visible_devices", lambda gpus, kind: self.visible.append(gpus))
        experimental = tf.config.experimental
        monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, on: self.growing.append(gpu.name))
        monkeypatch.setattr(experimental, "get_device_details", lambda gpu: details)


def choose(folder: Path, notices: list[str] | None = None) -> Device:
    from bcsearch.training.devices import set_up_devices

    return set_up_devices(folder, (notices if notices is not None else []).append)


def test_without_a_gpu_nothing_is_changed_and_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus, notices = FakeGpus(monkeypatch, 0), list[str]()
    device = choose(tmp_path / "locks", notices)
    assert (device.kind, device.jit_compile, device.precision) == ("cpu", False, "float32")
    assert (gpus.visible, gpus.growing, notices) == ([], [], [])
    assert not (tmp_path / "locks").exists()


@pytest.mark.parametrize(("capability", "precision"), [((8, 0), "mixed_bfloat16"), ((7, 5), "float32")])
def test_gpu_is_compiled_for_in_the_precision_that_it_is_fast_in(
    capability: tuple[int, int], precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = FakeGpus(monkeypatch, 1, capability)
    device = choose(tmp_path)
    assert (device.kind, device.jit_compile, device.precision) == ("gpu", True, precision)
    assert gpus.visible == [[gpus.found[0]]]
    assert gpus.growing == [gpus.found[0].name]


HOLD = """
import sys
from pathlib import Path
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_each_process_takes_a_gpu_of_its_own_and_the_last_uses_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus, notices = FakeGpus(monkeypatch, 2), list[str]()
    command = [sys.executable, "-c", HOLD, str(tmp_path / "gpu-0.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        mine = choose(tmp_path, notices)
        assert mine.name == gpus.found[1].name
        assert notices == []
        left_over = choose(tmp_path, notices)
        assert left_over.kind == "cpu"
        assert gpus.visible == [[gpus.found[1]], []]
        assert len(notices) == 1
        assert "2 GPUs" in notices[0]
        other.kill()
    assert choose(tmp_path).name == gpus.found[0].name  # a dead worker's is free again
    assert mine.lock is not None
    assert mine.lock.is_locked
