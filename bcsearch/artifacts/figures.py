"""Figures of trials as Optuna's artifacts, drawn at the moment that somebody opens them.

Optuna's own function would write a file and choose a random id; here nothing is written.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from optuna.artifacts import ArtifactMeta
from optuna.artifacts.exceptions import ArtifactNotFound

from bcsearch.artifacts.files import FIGURES
from bcsearch.paths import replacing
from bcsearch.storage.optuna_private import ARTIFACT, trial_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import optuna


class Draw(Protocol):
    """Draws a trial that completed."""

    def __call__(self, uuid: str, number: int) -> bytes | None:
        """Return an SVG file of trial ``number`` of a study; None where there is no such trial."""


def register_figure(trial: optuna.Trial, uuid: str) -> None:
    """Let the dashboard list a figure of a trial of the study ``uuid``, without drawing it."""
    artifact = ArtifactMeta(
        artifact_id=f"{uuid}-{trial.number:05d}",
        filename=f"trial-{trial.number:05d}.svg",
        mimetype="image/svg+xml",
        encoding=None,
    )
    content = json.dumps(asdict(artifact))
    key = ARTIFACT + artifact.artifact_id
    trial.storage.set_trial_system_attr(trial_id(trial), key, content)


class FigureStore:
    """An artifact store of one folder that reads those of all studies beside it, and draws figures.

    Optuna's protocol: an artifact is named by its id alone.
    """

    def __init__(
        self, study_dir: Path, also: Iterable[Path] = (), draw: Draw | None = None
    ) -> None:
        """Take folders of studies that lie elsewhere, ``also`` to be read."""
        self.folder = Path(study_dir) / FIGURES
        self._also = [Path(folder) / FIGURES for folder in also]
        self._draw = draw

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact: a file, such as a figure of an earlier version, or one drawn now.

        Raises:
            ArtifactNotFound: no study has it.
        """
        for path in self._places(artifact_id):
            return path.open("rb")
        uuid, _, number = artifact_id.rpartition("-")
        if self._draw is not None and number.isdecimal():
            figure = self._draw(uuid, int(number))
            if figure is not None:
                return BytesIO(figure)
        raise ArtifactNotFound(f"no artifact {artifact_id!r}")

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep an artifact.

        Raises:
            DiskError: the file cannot be written.
        """
        path = self.folder / _checked(artifact_id)
        with replacing(path) as draft, draft.open("wb") as file:
            shutil.copyfileobj(content_body, file)

    def remove(self, artifact_id: str) -> None:
        """Remove the file of an artifact; where there is none, nothing is done."""
        for path in self._places(artifact_id):
            path.unlink(missing_ok=True)

    def _places(self, artifact_id: str) -> Iterator[Path]:
        name = _checked(artifact_id)
        yield from self.folder.parent.parent.glob(f"*/{FIGURES}/{name}")
        yield from (folder / name for folder in self._also if (folder / name).is_file())


def _checked(artifact_id: str) -> str:
    """Return an id that is nothing but a name.

    Raises:
        ArtifactNotFound: it may lead elsewhere.
    """
    if not re.fullmatch(r"[0-9A-Za-z-]+", artifact_id):
        raise ArtifactNotFound(f"no artifact {artifact_id!r}")
    return artifact_id
