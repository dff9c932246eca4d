"""Checks on this machine as a worker would find it: weights, disks, memory, GPU.

Frameworks are not loaded: that takes longer than all checks, and most of a machine's memory.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bcsearch.backbones.at_hand import weights_here
from bcsearch.doctor.facts import StudyFacts, listed
from bcsearch.errors import DiskError
from bcsearch.paths import free_bytes
from bcsearch.records.finding import Finding, Level
from bcsearch.records.sizes import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

VISIBLE = "CUDA_VISIBLE_DEVICES"
NVIDIA = Path("/proc/driver/nvidia/gpus")  # where its driver lists what it finds, on Linux
LITTLE = 10**9  # bytes, of disk or of memory: TensorFlow with a small network and its images


def may_have_gpu() -> bool:
    """Whether TensorFlow may see a GPU here, so that it is worth asking."""
    return sys.platform != "linux" or has_nvidia() or Path("/dev/kfd").exists()  # of AMD's driver


def has_nvidia() -> bool:
    """Whether the system has an NVIDIA GPU."""
    return NVIDIA.is_dir() and any(NVIDIA.iterdir())


def check_machine(
    results: Path, cache: Path, study: StudyFacts | None, gpus: Sequence[str] = ()
) -> list[Finding]:
    """Check this machine; for ``study`` also its weights and the folder of its trials' files.

    ``gpus`` are those that TensorFlow sees.
    """
    found = []
    folders = {"results": (results, "--results"), "cache": (cache, "--cache-dir")}
    if study is not None:
        found += check_weights(study)
        files = study.record.files
        if files and os.path.isdir(files):
            folders["files of trials"] = (Path(files), "--artifacts")
    for name, (path, option) in folders.items():
        found.append(check_folder(name, path, option))
    found.append(check_memory(psutil.virtual_memory().available))
    found.append(check_gpu(gpus, has_nvidia(), os.environ.get(VISIBLE)))
    return found


def check_folder(name: str, path: Path, option: str) -> Finding:
    """Look whether a folder, which need not exist yet, can be written and has room."""
    subject = f"disk of {name}"
    elsewhere = f"choose another folder with {option}"
    place = path.absolute()
    try:
        free = free_bytes(place)
        existing = next(folder for folder in (place, *place.parents) if os.path.exists(folder))
        writable = os.path.isdir(existing) and os.access(existing, os.W_OK)
    except DiskError:
        writable = False
    if not writable:
        remedy = f"fix its permissions or {elsewhere}"
        return Finding(Level.WRONG, subject, f"{path} cannot be written", remedy)
    what = f"{size_text(free)} free in {path}"
    if free < LITTLE:
        return Finding(Level.WARNING, subject, f"only {what}", f"free some or {elsewhere}")
    return Finding(Level.OK, subject, what)


def check_memory(free: int) -> Finding:
    """Look whether ``free`` bytes of memory suffice for a worker."""
    if free >= LITTLE:
        return Finding(Level.OK, "memory", f"{size_text(free)} free")
    what = f"{size_text(free)} free, a worker needs {size_text(LITTLE)} or more"
    remedy = "end other programs or run fewer workers: the system kills one that has too little"
    return Finding(Level.WARNING, "memory", what, remedy)


def check_gpu(gpus: Sequence[str], is_there: bool, visible: str | None) -> Finding:
    """Look whether TensorFlow sees the GPUs.

    Args:
        gpus: names of those that it sees.
        is_there: whether the system has an NVIDIA GPU.
        visible: the value of ``CUDA_VISIBLE_DEVICES``; None where it is not set.
    """
    if gpus:
        return Finding(Level.OK, "gpu", f"TensorFlow sees {listed(gpus)}")
    if not is_there:
        return Finding(Level.OK, "gpu", "none, training runs on the CPU")
    if visible is not None:
        what = f"none is used, as CUDA_VISIBLE_DEVICES is {visible!r}"
        return Finding(Level.NOTE, "gpu", what)
    what = "there is an NVIDIA GPU, but TensorFlow does not see it, so training is slow"
    remedy = 'install "tensorflow[and-cuda]" and a driver that suits it'
    return Finding(Level.WARNING, "gpu", what, remedy)


def check_weights(study: StudyFacts) -> list[Finding]:
    """Compare what the study's backbones started from with what a worker here would have."""
    if study.plan is None:
        return []
    found = []
    names = [str(name) for name in study.plan.space.choice_of("backbone")]
    for name in names:
        used = study.record.weights.get(name, "")
        found += _check_backbone(name, used, study.plan.sweep.weights.source)
    if not found:
        what = f"a worker here has those of the study: {listed(names)}"
        found.append(Finding(Level.OK, "weights", what))
    return found


def _check_backbone(name: str, used: str, source: str) -> list[Finding]:
    """Compare the kind of weights that a backbone ``used``, if recorded, with this machine's."""
    if used == "path":
        if os.path.isfile(source):
            return []
        what = f"{name} started from {source}, which is not on this machine"
        remedy = "copy it here, and give it to workers with --weights"
        return [Finding(Level.WARNING, "weights", what, remedy)]
    here = weights_here(name)
    if here is None and name in entry_points(group="bcsearch.backbones").names:
        return []
    if here is None:
        what = f"no installed package has backbone {name}"
        remedy = "install the package that the study's other workers have"
        return [Finding(Level.WARNING, "weights", what, remedy)]
    if used == "random" and here != "random":
        what = f"{name} started from RANDOM weights, so its scores are low"
        remedy = "get its weights (see 'bcsearch backbones') and start anew with --fresh"
        return [Finding(Level.WARNING, "weights", what, remedy)]
    if used == "imagenet" and here != "imagenet":
        what = f"{name} started from ImageNet weights, which are not on this machine"
        remedy = "a worker here downloads them first, or put the file into ~/.keras/models"
        return [Finding(Level.NOTE, "weights", what, remedy)]
    return []
