"""Chooses what a process computes on: one GPU that no other worker has, or the CPU.

The choice of a GPU was tested with stand-ins for TensorFlow's calls only: it has not been run on a
GPU.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import tensorflow as tf
from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

# from here on GPUs compute in bfloat16, which needs no scaling of the loss
BFLOAT16_CAPABILITY = (8, 0)
VISIBLE = "CUDA_VISIBLE_DEVICES"  # which of the machine's GPUs TensorFlow finds, and in which order
# by this process: TensorFlow takes no other choice once it computes, and the lock must live
_devices: list[Device] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a process computes on.

    Attributes:
        kind: ``cpu`` or ``gpu``.
        name: TensorFlow's name of it.
        jit_compile: whether XLA compiles training: it makes most convolutional networks slower on a
            CPU.
        precision: Keras dtype policy of unfrozen layers.
    """

    kind: str
    name: str
    jit_compile: bool
    precision: str
    # held while the process lives
    lock: FileLock | None = field(default=None, repr=False, compare=False)

    @classmethod
    def cpu(cls) -> Device:
        """Return the processor, on which nothing is changed."""
        return cls(kind="cpu", name="CPU", jit_compile=False, precision="float32")

    def release(self) -> None:
        """Let another process take it while this one waits for what others compute."""
        if self.lock is not None:
            self.lock.release()


def visible_gpus() -> tuple[str, ...]:
    """Return the names of the GPUs that TensorFlow sees; none is taken."""
    return tuple(gpu.name for gpu in tf.config.list_physical_devices("GPU"))


def set_up_devices(locks_dir: Path, notify: Callable[[str], None], family: str = "") -> Device:
    """Lock the first free GPU of this machine, before TensorFlow computes anything.

    Only that GPU is visible then, and its memory is taken as it is needed. A process keeps what it
    took: it gets the same on a second call. Where all are taken it uses the CPU, and ``notify``
    hears of it; without a GPU nothing is changed. Processes must share ``locks_dir`` to see each
    other; where it cannot be written the first is taken anyway.

    ``CUDA_VISIBLE_DEVICES`` acts before this. Where it names one, somebody has given that to this
    process, and others may call other GPUs so: it is taken as given, but workers of one ``family``,
    which have one supervisor, contend.
    """
    found = tf.config.list_physical_devices("GPU")
    if not found:
        return Device.cpu()
    if len(found) == len(_chosen()) == 1 and not family:
        return _gpu(found[0], None)
    if not _devices:
        named = zip(_names(len(found), family), found, strict=True)
        _devices.append(_take(named, locks_dir, notify))
    (device,) = _devices
    if device.kind == "cpu":
        notify(
            f"{len(found)} of {len(found)} GPUs are in use by other workers: "
            "this one uses the CPU, which is slow"
        )
    return device


def _take(
    named: Iterable[tuple[str, tf.config.PhysicalDevice]],
    locks_dir: Path,
    notify: Callable[[str], None],
) -> Device:
    for name, gpu in named:
        try:
            lock = _held(locks_dir / f"gpu-{name}.lock")
        except OSError as error:
            notify(
                f"cannot lock a GPU in {locks_dir} ({error.strerror}): other workers may use it too"
            )
            return _gpu(gpu, None)
        if lock is not None:
            return _gpu(gpu, lock)
    tf.config.set_visible_devices([], "GPU")
    return Device.cpu()


def _names(n_found: int, family: str) -> list[str]:
    """Return names of GPUs that hold for all processes: TensorFlow counts from zero in each."""
    chosen = _chosen()
    if len(chosen) != n_found:
        return [str(index) for index in range(n_found)]
    return [f"{chosen[0]}-of-{family}"] if n_found == 1 else chosen


def _chosen() -> list[str]:
    return [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]


def _held(path: Path) -> FileLock | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _gpu(gpu: tf.config.PhysicalDevice, lock: FileLock | None) -> Device:
    tf.config.set_visible_devices([gpu], "GPU")
    tf.config.experimental.set_memory_growth(gpu, True)
    return Device(kind="gpu", name=gpu.name, jit_compile=True, precision=_precision(gpu), lock=lock)


def _precision(gpu: tf.config.PhysicalDevice) -> str:
    capability: Sequence[int] = tf.config.experimental.get_device_details(gpu).get(
        "compute_capability", (0, 0)
    )
    return "mixed_bfloat16" if tuple(capability) >= BFLOAT16_CAPABILITY else "float32"
