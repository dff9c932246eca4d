"""The bundle: a folder with a finished model and what is known of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, is_zipfile

import keras
import numpy as np
import tensorflow as tf

from bcsearch.config import Reading
from bcsearch.errors import DataError, DiskError
from bcsearch.export.about import ABOUT_NAME, MODEL_NAME, read_about
from bcsearch.export.writers import BUNDLE, Finished, write_all
from bcsearch.paths import make_writable_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A model with its description.

    It takes raw images (batch, height, width, 3), 0 to 255, and returns probabilities.
    """

    model: keras.Model
    about: dict[str, Any]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of the probabilities."""
        return tuple(self.about["model"]["classes"])

    @property
    def input_size(self) -> int:
        """Height and width of the images that the model takes, in pixels.

        Its backbone may see smaller ones.
        """
        return int(self.about["model"]["input_size"])

    @property
    def reading(self) -> Reading:
        """How images become the squares that the model takes, as in training."""
        return Reading(square=self.about["model"].get("square", "crop"))

    @cached_property
    def _forward(self) -> Callable[[np.ndarray], tf.Tensor]:
        """The model as one traced function."""
        forward: Callable[[np.ndarray], tf.Tensor] = tf.function(
            lambda batch: self.model(batch, training=False), reduce_retracing=True
        )
        return forward

    def predict(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Return probabilities (n, n_classes) float32 of images (n, height, width, 3) uint8."""
        starts = range(0, len(images), batch)
        parts = [self._forward(images[start : start + batch]).numpy() for start in starts]
        return np.concatenate(parts)


def write_bundle(
    folder: Path, model: keras.Model, finished: Finished, formats: Iterable[str] = BUNDLE
) -> None:
    """Write a model in several formats: the folder appears, or is replaced, when all is written.

    ``finished`` describes the model; where its file lies is known once it is written.

    Raises:
        DiskError: there is no room or no permission.
    """
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    make_writable_dir(draft)
    try:
        model.save(draft / MODEL_NAME)
        write_all(formats, replace(finished, model=draft / MODEL_NAME), draft)
        _put_in_place(draft, folder)
    except OSError as error:
        raise DiskError(f"cannot write the model to {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path) -> None:
    """Rename the draft to ``folder``; what stood there goes only when the draft stands."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    try:
        draft.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def read_bundle(path: str | Path) -> Bundle:
    """Load a bundle from its folder, or from the results folder of its study.

    Raises:
        DataError: there is no bundle, or its model cannot be loaded.
    """
    for folder in (Path(path), Path(path) / "model"):
        about = read_about(folder)
        if about is not None and (folder / MODEL_NAME).is_file():
            if not {"classes", "input_size"} <= set(about.get("model", {})):
                raise DataError(
                    f"{folder / ABOUT_NAME} is not of this version; "
                    "make it again with 'bcsearch refit'"
                )
            return Bundle(model=_load(folder / MODEL_NAME), about=about)
    raise DataError(
        f"no complete model in {path}; give a folder with {MODEL_NAME} and {ABOUT_NAME}, "
        "such as results/STUDY/model"
    )


def _load(path: Path) -> keras.Model:
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError, BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        if not is_zipfile(path):  # Keras says of a damaged file that it was not found
            reason = "it is cut short or damaged"
        raise DataError(
            f"model {path} cannot be loaded ({reason}); make it again with 'bcsearch refit'"
        ) from error
