"""Figures of trials as Optuna's artifacts: files in the studies' folders.

Imports optuna and lower floors.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO, Protocol

from optuna.artifacts import get_all_artifact_meta, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound

from bcsearch.artifacts.files import FIGURES
from bcsearch.errors import DiskError
from bcsearch.paths import make_writable_dir, replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    import optuna

    from bcsearch.storage import LedgerEntry

SOUND_ID = re.compile(r"[0-9A-Za-z-]+")


class Draw(Protocol):
    """Draws a trial."""

    def __call__(self, entry: LedgerEntry, probabilities: np.ndarray | None) -> str:
        """Return the text of an SVG file.

        ``probabilities`` (n_images, n_classes) are out-of-fold, or None.
        """


class FigureStore:
    """An artifact store that writes to one study's folder and reads those of all studies beside it.

    Optuna's protocol: an artifact is named by its id alone.
    """

    def __init__(self, study_dir: Path, also: Iterable[Path] = ()) -> None:
        """Take folders of studies that lie elsewhere, ``also`` to be read."""
        self.folder = Path(study_dir) / FIGURES
        self._also = [Path(folder) / FIGURES for folder in also]

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact.

        Raises:
            ArtifactNotFound: no study has it.
        """
        for path in self._places(artifact_id):
            return path.open("rb")
        raise ArtifactNotFound(f"no artifact {artifact_id!r}")

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep an artifact.

        Raises:
            DiskError: the file cannot be written.
        """
        with replacing(self.folder / _sound(artifact_id)) as draft, draft.open("wb") as file:
            shutil.copyfileobj(content_body, file)

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact; one that is not there is none to remove."""
        for path in self._places(artifact_id):
            path.unlink(missing_ok=True)

    def _places(self, artifact_id: str) -> Iterator[Path]:
        name = _sound(artifact_id)
        yield from self.folder.parent.parent.glob(f"*/{FIGURES}/{name}")
        yield from (folder / name for folder in self._also if (folder / name).is_file())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FigureKeeper:
    """Draws trials and uploads their figures."""

    store: FigureStore
    draw: Draw

    def __call__(
        self, trial: optuna.Trial, entry: LedgerEntry, probabilities: np.ndarray | None
    ) -> None:
        """Draw a trial that is about to end and make the figure its artifact.

        In a second try it replaces the first.

        Raises:
            DiskError: the file cannot be written.
        """
        content = self.draw(entry, probabilities).encode()
        before = get_all_artifact_meta(trial)
        if before:
            self.store.write(before[0].artifact_id, BytesIO(content))
            return
        try:
            with TemporaryDirectory(
                dir=make_writable_dir(self.store.folder), prefix=".draft-"
            ) as folder:
                path = Path(folder) / f"trial-{entry.trial_number:05d}.svg"
                path.write_bytes(content)
                upload_artifact(
                    artifact_store=self.store, file_path=str(path), study_or_trial=trial
                )
        except OSError as error:
            raise DiskError(
                f"cannot write a figure to {self.store.folder}: {error.strerror or error}"
            ) from error


def _sound(artifact_id: str) -> str:
    """Return an id that is nothing but a name.

    Raises:
        ArtifactNotFound: it may lead elsewhere.
    """
    if not SOUND_ID.fullmatch(artifact_id):
        raise ArtifactNotFound(f"no artifact {artifact_id!r}")
    return artifact_id
