"""Gathers the facts of this machine and judges them: TensorFlow loads for it. Imports training and backbones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import psutil

from bcsearch.backbones.table import weights_at_hand
from bcsearch.config import Param
from bcsearch.errors import ConfigError, DiskError
from bcsearch.paths import free_bytes
from bcsearch.records import Params
from bcsearch.study.doctor.checks import MACHINE_CHECKS
from bcsearch.study.doctor.facts import FolderFacts, MachineFacts, WeightsFacts
from bcsearch.study.doctor.weights import NO_FILE, UNKNOWN, check_weights
from bcsearch.study.processes import THREADS
from bcsearch.training.devices import VISIBLE, visible_gpus

if TYPE_CHECKING:
    from bcsearch.records.finding import Finding
    from bcsearch.study.doctor.facts import StudyFacts
    from bcsearch.config import RunOptions

NVIDIA = Path("/proc/driver/nvidia/gpus")  # where its driver lists what it finds, on Linux


def look_here(options: RunOptions, study: StudyFacts | None) -> list[Finding]:
    """Judge this machine, as the one that a worker on ``study`` runs on where that is given."""
    facts = machine_facts(options, study)
    weights = [] if study is None else check_weights(weights_facts(study))
    return [*weights, *(finding for check in MACHINE_CHECKS for finding in check(facts))]


def machine_facts(options: RunOptions, study: StudyFacts | None) -> MachineFacts:
    """Look at this machine, where ``study`` has its trials' files in a folder and still writes to the cache."""
    folders = [
        _folder("results", options.results_dir, "--results"),
        _folder("cache", options.cache, "--cache-dir", 0 if study is None else study.cache_bytes),
    ]
    if study is not None and _is_here(study.record.files):
        folders.append(_folder("files of trials", Path(study.record.files), "--artifacts"))
    return MachineFacts(
        folders=tuple(folders),
        cores=joblib.cpu_count(),
        threads={name: os.environ[name] for name in THREADS if name in os.environ},
        gpus=visible_gpus(),
        has_nvidia=NVIDIA.is_dir() and any(NVIDIA.iterdir()),
        visible=os.environ.get(VISIBLE),
        memory_bytes=psutil.virtual_memory().available,
    )


def _is_here(folder: str) -> bool:
    """Whether there is such a folder on this machine; not where its name is unknown, or may not be looked at."""
    try:
        return bool(folder) and Path(folder).is_dir()
    except OSError:
        return False


def weights_facts(study: StudyFacts) -> list[WeightsFacts]:
    """Look at the backbones of a study's space."""
    if study.plan is None:
        return []
    param = study.plan.space.params.get("backbone", Params().backbone)
    names = [str(name) for name in (param.ends if isinstance(param, Param) else (param,))]
    return [_weights(study, study.plan.sweep.weights, name) for name in names]


def _weights(study: StudyFacts, file: str, backbone: str) -> WeightsFacts:
    used = study.record.fingerprint.get(f"weights.{backbone}", "").partition(" ")[0]
    own = file if used == "path" else ""
    return WeightsFacts(backbone=backbone, used=used, at_hand=_at_hand(backbone, own), file=own)


def _at_hand(backbone: str, own: str) -> str:
    if own:
        return own if Path(own).is_file() else NO_FILE
    try:
        return weights_at_hand(backbone)
    except ConfigError:
        return UNKNOWN


def _folder(what: str, path: Path, option: str, needed_bytes: int = 0) -> FolderFacts:
    place = path.absolute()
    try:
        free: int | None = free_bytes(place)
    except DiskError:
        free = None
    there = next((folder for folder in (place, *place.parents) if folder.exists()), place)
    writable = there.is_dir() and os.access(there, os.W_OK)
    return FolderFacts(
        what=what,
        path=path,
        option=option,
        free_bytes=free,
        writable=writable,
        needed_bytes=needed_bytes,
    )
