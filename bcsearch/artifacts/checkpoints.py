"""The checkpoint of one trial as a file, made now and then, and when it is released."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.archive import DAMAGE
from bcsearch.errors import DiskError
from bcsearch.paths import replacing
from bcsearch.records import EpochScores
from bcsearch.records.checkpoint import Checkpoint
from bcsearch.records.events import Listener, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ABOUT = "about"  # the name of the text beside the arrays


@dataclass(kw_only=True, eq=False)
class TrialCheckpoints:
    """Keeps one trial's last checkpoint.

    ``digest`` is of its study and params, so that no other goes on from it.

    ``catch_up`` hears of the epochs that need not be trained again. One that is ``pruned`` gets no
    further checkpoint: whoever tries it again must find that out again.
    """

    path: Path
    digest: str
    every_seconds: float
    stop_asked: Callable[[], bool]
    pruned: Callable[[], bool]
    catch_up: Callable[[Sequence[EpochScores]], None]
    listener: Listener
    _last: float = field(default_factory=time.monotonic)

    def load(self) -> Checkpoint | None:
        """Read the checkpoint; None where there is none of this configuration that can be read."""
        if not self.path.exists():
            return None
        try:
            found = _read(self.path, self.digest)
        except DAMAGE as error:
            self.listener(
                Notice(
                    text=f"checkpoint {self.path} cannot be used, the trial begins anew: {error}"
                )
            )
            return None
        self.listener(Notice(text=f"going on from a checkpoint after {len(found.epochs)} epochs"))
        self.catch_up(found.epochs)
        return found

    def offer(self, make: Callable[[], Checkpoint]) -> None:
        """Keep a checkpoint if the last is old, or the trial is about to be released.

        No room for it is no failure.
        """
        if self.pruned():
            return
        if not self.stop_asked() and time.monotonic() - self._last < self.every_seconds:
            return
        try:
            _write(self.path, make(), self.digest)
        except DiskError as error:
            self.listener(Notice(text=f"no checkpoint was kept: {error}"))
        self._last = time.monotonic()

    def remove(self) -> None:
        """Remove it, once the trial has ended."""
        with suppress(OSError):  # a shared folder may fail, and the trial has ended well
            self.path.unlink(missing_ok=True)


def _write(path: Path, checkpoint: Checkpoint, digest: str) -> None:
    epochs = [asdict(scores) for scores in checkpoint.epochs]
    about = json.dumps({"digest": digest, "seconds": checkpoint.seconds, "epochs": epochs})
    with replacing(path) as draft:
        arrays = {ABOUT: np.array(about), **checkpoint.arrays}
        np.savez(draft, **arrays)  # type: ignore[arg-type]  # its own keyword


def _read(path: Path, digest: str) -> Checkpoint:
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays.pop(ABOUT)))
    if about["digest"] != digest:
        raise ValueError("it is of another configuration")
    epochs = []
    for entry in about["epochs"]:
        scores = {name: tuple(folds) for name, folds in entry["scores"].items()}
        epochs.append(EpochScores(**{**entry, "scores": scores}))
    return Checkpoint(epochs=tuple(epochs), seconds=about["seconds"], arrays=arrays)
