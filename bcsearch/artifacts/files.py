"""Files of a study's trials beside the database: probabilities, checkpoints, figures."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.data.archive import DAMAGE, read_file
from bcsearch.errors import DataError
from bcsearch.paths import is_draft, replacing
from bcsearch.records.choice import LINEAR_HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bcsearch.storage import Ledger

FIGURES = "figures"
LABELS = "labels.npz"
COLLECT_EVERY = 25  # trials of a study, or of a worker, between looks at the room that files take
CHECKPOINT = re.compile(r"trial-\d{5,}\.npz")
FIGURE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]+){4}(-\d+)?")  # a uuid, of earlier versions
ABANDONED_SECONDS = 3600  # older drafts are of workers that were killed as they wrote


class Labels(NamedTuple):
    """The label of every image, (n_images,) integers, and the names of the classes."""

    of_images: np.ndarray
    class_names: tuple[str, ...]


class Artifacts:
    """The folder of a study's files."""

    def __init__(self, study_dir: Path) -> None:
        self.folder = Path(study_dir)
        self._probabilities, self._checkpoints = (
            self.folder / "out_of_fold",
            self.folder / "checkpoints",
        )
        self._figures = self.folder / FIGURES
        self._ended = 0

    def save_probabilities(self, number: int, probabilities: np.ndarray) -> None:
        """Keep a trial's out-of-fold probabilities, (n_images, n_classes) float16.

        Raises:
            DiskError: the file cannot be written.
        """
        with replacing(self._path(number)) as draft:
            np.save(draft, probabilities.astype(np.float16))

    def probabilities(self, number: int) -> np.ndarray | None:
        """Return a completed trial's out-of-fold probabilities, (n_images, n_classes) float16.

        None if not kept, or damaged.
        """
        return _read(self._path(number))

    def save_repeat(self, trial: int, repeat: int, predicted: np.ndarray) -> None:
        """Keep what a trial predicted in a repeat, (n_views, n_images, n_classes).

        Raises:
            DiskError: the file cannot be written.
        """
        with replacing(self._repeat_path(trial, repeat)) as draft:
            np.save(draft, predicted.astype(np.float16))

    def has_repeat(self, trial: int, repeat: int) -> bool:
        """Whether it is kept what a trial predicted in a repeat."""
        return self._repeat_path(trial, repeat).exists()

    def repeat(self, trial: int, repeat: int) -> np.ndarray | None:
        """Return what a trial predicted in a repeat, (n_views, n_images, n_classes) float16.

        None if not kept, or damaged.
        """
        return _read(self._repeat_path(trial, repeat))

    def save_labels(self, labels: np.ndarray, class_names: Sequence[str]) -> None:
        """Keep the labels of all images (n_images,) and the names of their classes, once a study.

        Raises:
            DiskError: the file cannot be written.
        """
        path = self._probabilities / LABELS
        if not path.exists():
            with replacing(path) as draft:
                np.savez(draft, labels=labels, class_names=np.array(class_names, dtype=str))

    def labels(self) -> Labels | None:
        """Return the labels of all images, and the names of their classes.

        None if not kept, or damaged.
        """
        path = self._probabilities / LABELS
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as kept:
                return Labels(kept["labels"], tuple(kept["class_names"].tolist()))
        except DAMAGE:
            return None

    def checkpoint_path(self, number: int) -> Path:
        """Return where the checkpoint of a trial lies, by the number of its first attempt."""
        return self._checkpoints / f"trial-{number:05d}.npz"

    def collect(self, number: int, limit_bytes: int, ledger: Ledger) -> None:
        """Remove what is of no more use and shrink, as trial ``number`` ends: at every so many.

        Those of the study are counted, as workers may be short-lived, and this one's, whose folder
        no other may have.
        """
        self._ended += 1
        if number % COLLECT_EVERY and self._ended % COLLECT_EVERY:
            return
        # looked at before the trials: others begin meanwhile
        left = set(self._kept_checkpoints())
        left -= {self.checkpoint_path(first) for first in ledger.going_on()}
        for folder in (self._checkpoints, self._probabilities, self._figures):
            left |= {
                draft
                for draft in folder.glob(".*")
                if is_draft(draft) and time.time() - _age(draft) > ABANDONED_SECONDS
            }
        for path in left:
            _remove(path)
        self.shrink(limit_bytes, ledger.worst_first())

    def shrink(self, limit_bytes: int, worst_first: Iterable[int]) -> None:
        """Remove files until those that are left fit into the limit.

        Probabilities go first, those of trials that nobody ranks, then in this order; after them
        what repeats predicted, then figures, the oldest first. What cannot be removed stays: other
        workers do the same.
        """
        ranked = [self._path(number) for number in worst_first]
        unranked = sorted(set(self._probabilities.glob("trial-*.npy")) - set(ranked))
        kept = (path for path in self._figures.glob("*-*") if FIGURE.fullmatch(path.name))
        figures = sorted(kept, key=_age)
        repeats = sorted(self._probabilities.glob("repeat-*.npy"))
        files = [*unranked, *ranked, *repeats, *figures]
        sizes = {path: size for path in files if (size := _size(path))}
        used = sum(sizes.values())
        for path, size in sizes.items():
            if used <= limit_bytes:
                return
            used -= size if _remove(path) else 0

    def remove_checkpoints(self) -> None:
        """Remove what checkpoints are left, once the study's budget is used up."""
        drafts = (path for path in self._checkpoints.glob(".*") if is_draft(path))
        for path in [*self._kept_checkpoints(), *drafts]:
            _remove(path)
        with suppress(OSError):  # it holds files of the user's, or was never made
            self._checkpoints.rmdir()

    def _kept_checkpoints(self) -> list[Path]:
        found = self._checkpoints.glob("trial-*.npz")
        return [path for path in found if CHECKPOINT.fullmatch(path.name)]

    def _path(self, number: int) -> Path:
        return self._probabilities / f"trial-{number:05d}.npy"

    def _repeat_path(self, trial: int, repeat: int) -> Path:
        name = "linear-head" if trial == LINEAR_HEAD else f"{trial:05d}"
        return self._probabilities / f"repeat-{repeat}-{name}.npy"


def _read(path: Path) -> np.ndarray | None:
    """Return an array; None where it is not there, or damaged."""
    if not path.exists():
        return None
    try:
        return read_file(path)
    except DataError:
        return None


def _remove(path: Path) -> bool:
    """Whether a file is gone now."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _size(path: Path) -> int:
    """Return the bytes of a file; 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _age(path: Path) -> float:
    """Return when a file was written; 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
