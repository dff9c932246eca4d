"""Checks on this machine: disk, memory, processor, GPU. Imports records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.finding import Finding, note, ok, warning, wrong
from bcsearch.records.words import in_words
from bcsearch.study.doctor.words import listed, many

if TYPE_CHECKING:
    from bcsearch.study.doctor.facts import FolderFacts, MachineFacts

LITTLE_DISK = 10**9
LITTLE_MEMORY = 10**9  # TensorFlow with a small network and its images


def check_disks(facts: MachineFacts) -> list[Finding]:
    """Look whether outputs and cache have room."""
    return [_disk(folder) for folder in facts.folders]


def check_memory(facts: MachineFacts) -> list[Finding]:
    """Look whether a worker has room."""
    free = in_words(facts.memory_bytes)
    if facts.memory_bytes < LITTLE_MEMORY:
        remedy = (
            "end other programs, or run fewer workers: one that the system kills loses its trial"
        )
        return [
            warning(
                "memory",
                f"{free} are free, a worker needs {in_words(LITTLE_MEMORY)} or more",
                remedy,
            )
        ]
    return [ok("memory", f"{free} free")]


def check_gpu(facts: MachineFacts) -> list[Finding]:
    """Look whether TensorFlow sees the GPUs."""
    if facts.gpus:
        return [ok("gpu", f"TensorFlow sees {listed(facts.gpus)}")]
    if facts.visible is not None and facts.has_nvidia:
        return [note("gpu", f"none is used: CUDA_VISIBLE_DEVICES is {facts.visible!r}")]
    if facts.has_nvidia:
        what = "an NVIDIA GPU is there, but TensorFlow does not see it, so training is slow"
        return [warning("gpu", what, 'install "tensorflow[and-cuda]" and a driver that suits it')]
    return [ok("gpu", "none; the processor computes")]


def check_threads(facts: MachineFacts) -> list[Finding]:
    """Look whether a worker may use all cores."""
    few = {
        name: text
        for name, text in facts.threads.items()
        if text.isdigit() and 0 < int(text) < facts.cores
    }
    if few:
        bounds = listed(f"{name}={text}" for name, text in few.items())
        what = f"a worker uses fewer threads than the {many(facts.cores, 'core')}: {bounds}"
        return [
            note("processor", what, "unset that, unless workers of another program share the cores")
        ]
    return [ok("processor", many(facts.cores, "core"))]


def _disk(folder: FolderFacts) -> Finding:
    subject = f"disk of {folder.what}"
    elsewhere = f"choose another folder with {folder.option}"
    if folder.free_bytes is None or not folder.writable:
        return wrong(
            subject, f"{folder.path} cannot be written", f"mend its permissions or {elsewhere}"
        )
    free = in_words(folder.free_bytes)
    if folder.free_bytes < folder.needed_bytes:
        what = f"{free} free in {folder.path}, the study was forecast to fill {in_words(folder.needed_bytes)} of it"
        return warning(subject, what, f"free some or {elsewhere}")
    if folder.free_bytes < LITTLE_DISK:
        return warning(subject, f"only {free} free in {folder.path}", f"free some or {elsewhere}")
    return ok(subject, f"{free} free in {folder.path}")
