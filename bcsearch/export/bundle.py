"""The bundle: a folder with a finished model and what is known of it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from pydantic import ValidationError

from bcsearch.backbones.resizing import resizing
from bcsearch.backbones.stored import UnreadableModel, load_model
from bcsearch.config.sweep import OF_PIXELS, Reading
from bcsearch.errors import DataError, DiskError
from bcsearch.export.about import ABOUT_NAME, MODEL_NAME, read_about, read_trained_on
from bcsearch.export.likeness import read_likeness
from bcsearch.export.writers import BUNDLE, WRITERS, Finished, write_all
from bcsearch.paths import make_writable_dir
from bcsearch.training.keras_head import FROZEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import keras

    from bcsearch.check.likeness import Likeness
    from bcsearch.records.likeness import Unlike


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A model with its description.

    It takes raw images (batch, height, width, 3), 0 to 255, and returns probabilities.
    ``trained_on`` holds digests of the images that it was trained on; empty where unknown.
    ``likeness`` is what these look like; None where unknown.
    """

    model: keras.Model
    about: dict[str, Any]
    trained_on: frozenset[str] = frozenset()
    likeness: Likeness | None = None

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
        """How images become the squares that the model takes, as in training.

        Raises:
            DataError: its description makes no sense.
        """
        known = {name: self.about["model"].get(name) for name in OF_PIXELS}
        try:
            return Reading(**{name: value for name, value in known.items() if value is not None})
        except ValidationError as error:
            raise DataError(
                f"{ABOUT_NAME} says {known}, which is no way to read images; "
                "make it again with 'bcsearch refit'"
            ) from error

    @cached_property
    def _forward(self) -> Callable[[np.ndarray], tf.Tensor]:
        """The model as one traced function."""
        forward: Callable[[np.ndarray], tf.Tensor] = tf.function(
            lambda batch: self.model(batch, training=False), reduce_retracing=True
        )
        return forward

    def features(self, images: np.ndarray, batch: int = 64) -> np.ndarray | None:
        """Return what its frozen backbone makes of images as they are, (n, n_features) float32.

        None where no part of its backbone is frozen. Features over places are averaged.
        """
        layers = self.model.layers
        frozen = next((each for each in layers if each.name.startswith(FROZEN)), None)
        if frozen is None:
            return None
        resize = resizing(images.shape[1], images.shape[2], frozen.input_shape[1])

        def passed(pixels: tf.Tensor) -> tf.Tensor:
            seen = tf.cast(pixels, tf.float32)
            found = frozen(seen if resize is None else resize(seen), training=False)
            places = list(range(1, len(found.shape) - 1))
            return tf.reduce_mean(found, places) if places else found

        forward = tf.function(passed, reduce_retracing=True)
        starts = range(0, len(images), batch)
        parts = [forward(images[at : at + batch]).numpy() for at in starts]
        return np.concatenate(parts)

    def unlike(self, images: np.ndarray) -> Unlike | None:
        """Say how far images (n, height, width, 3) uint8 are from those that it was trained on.

        None where nothing is known of these, or where there are no images.
        """
        if self.likeness is None or not len(images):
            return None
        features = None
        if len(self.likeness.centres):
            features = self.features(images)
        return self.likeness.unlike(images, features)

    def predict(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        """Return probabilities (n, n_classes) float32 of images (n, height, width, 3) uint8.

        Raises:
            DataError: the model's layers do not fit each other, or the memory that is free.
        """
        starts = range(0, len(images), batch)
        try:
            parts = [self._forward(images[start : start + batch]).numpy() for start in starts]
        except (tf.errors.OpError, ValueError, TypeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise DataError(f"the model cannot be used on images ({reason})") from error
        return np.concatenate(parts)


def write_bundle(
    folder: Path, model: keras.Model, finished: Finished, formats: Iterable[str] = BUNDLE
) -> None:
    """Write a model in several formats: the folder appears, or is replaced, when all is written.

    Other files that the folder holds stay in it, and a link to a folder stays a link.

    ``finished`` describes the model; where its file lies is known once it is written.

    Raises:
        DiskError: there is no room or no permission.
    """
    folder = Path(os.path.realpath(folder))
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
    """Rename the draft to ``folder``; what it replaces there goes only when the draft stands."""
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        if old.exists():  # a process was killed as it came to the end of this
            _keep_others(old, folder)
        folder.rename(old)
    try:
        draft.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    if old.exists():
        _keep_others(old, folder)


def _keep_others(old: Path, folder: Path) -> None:
    """Move what no writer wrote from ``old`` into ``folder``, and remove ``old``."""
    ours = [pattern for writer in WRITERS.values() for pattern in writer.files]
    for path in old.iterdir():
        if not any(fnmatch(path.name, pattern) for pattern in ours):
            path.rename(folder / path.name)
    shutil.rmtree(old)


def read_bundle(path: str | Path) -> Bundle:
    """Load a bundle from its folder, or from the results folder of its study.

    Raises:
        DataError: there is no bundle, or its model cannot be loaded.
    """
    for folder in (Path(path), Path(path) / "model"):
        about = read_about(folder)
        if about is not None and (folder / MODEL_NAME).is_file():
            shapes = _shapes(about)
            if shapes is None:
                raise DataError(
                    f"{folder / ABOUT_NAME} is not of this version; "
                    "make it again with 'bcsearch refit'"
                )
            model = _load(folder / MODEL_NAME)
            if [getattr(model, name, None) for name in ("input_shape", "output_shape")] != shapes:
                raise DataError(
                    f"{folder / ABOUT_NAME} is not of the model beside it; "
                    "make both again with 'bcsearch refit'"
                )
            return Bundle(
                model=model,
                about=about,
                trained_on=read_trained_on(folder),
                likeness=read_likeness(folder),
            )
    raise DataError(
        f"no complete model in {path}; give a folder with {MODEL_NAME} and {ABOUT_NAME}, "
        "such as results/STUDY/model; 'bcsearch refit --study NAME' makes it where trials completed"
    )


def _shapes(about: dict[str, Any]) -> list[tuple[int | None, ...]] | None:
    """Return the shapes that a description gives a model; None where it makes no sense."""
    match about.get("model"):
        case {"classes": [*names], "input_size": int(size)} if all(
            isinstance(name, str) for name in names
        ):
            return [(None, size, size, 3), (None, len(names))]
    return None


def _load(path: Path) -> keras.Model:
    try:
        return load_model(path)
    except UnreadableModel as error:
        raise DataError(
            f"model {path} cannot be loaded ({error}); make it again with 'bcsearch refit'"
        ) from error
