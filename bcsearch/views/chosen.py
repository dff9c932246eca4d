"""The views that a configuration is trained and scored on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.seeds import derive_seed
from bcsearch.views.augmentation import FRESH, STRENGTH
from bcsearch.views.making import make_chunk
from bcsearch.views.operation import Kind
from bcsearch.views.table import get_operation
from bcsearch.views.view import Applied, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bcsearch.recipe import Params
    from bcsearch.views.view import Setting

FIT_IMAGES = 2000  # at most that statistics are computed from, drawn by the seed
CHECKED = "light"  # the policy of images that a finished model is checked on
FIT_CHUNK = 16  # images that are in memory at once


class Views:
    """Views for training on some images.

    Args:
        images: shape (n, height, width, 3), uint8.
        seed: acts on random views, and on which images statistics are computed from.
        rows: those to train on; None: all.
        online: whether every epoch trains on a view of its own.
    """

    def __init__(
        self,
        images: np.ndarray,
        seed: int,
        rows: np.ndarray | None = None,
        *,
        online: bool = False,
    ) -> None:
        self._images, self._seed, self.online = images, seed, online
        self._rows = np.arange(len(images)) if rows is None else rows
        self._fitted: dict[tuple[str, tuple[Applied, ...]], Mapping[str, Setting]] = {}

    def preprocessing(self, params: Params) -> tuple[Applied, ...]:
        """Return what every image goes through, with statistics of the training images.

        Those of an operation are of images after the operations before it.

        Raises:
            ConfigError: an operation is unknown, or is no preprocessing.
        """
        done: tuple[Applied, ...] = ()
        for name in params.preprocess.split("+"):
            if name != "none":
                done = (*done, self._applied(name, Kind.PREPROCESS, params, done))
        return done

    def clean(self, params: Params, shift: Sequence[Applied] = ()) -> View:
        """Return the view that a model meets in use, of images after ``shift``."""
        return View((*shift, *self.preprocessing(params)))

    def training(self, params: Params) -> tuple[View, ...]:
        """Return the stored views that training cycles through, the clean one first.

        Raises:
            ConfigError: an operation is unknown, or is not for training.
        """
        copies = [self._copy(params, number, {}) for number in range(1, params.n_views)]
        return (self.clean(params), *copies)

    def check_view(self, seed: int) -> View:
        """Return a view of slightly changed images that no training with another seed has seen."""
        return View((Applied.of(CHECKED, dict(get_operation(CHECKED).settings)),), 1, seed)

    def is_fresh(self, params: Params) -> bool:
        """Whether every epoch trains on a view of its own, which is kept nowhere."""
        return self.online and (params.augment, params.mix) != ("none", "none")

    def kept(self, params: Params) -> tuple[View, ...]:
        """Return the stored views that are trained on, the clean one first and perhaps alone.

        Raises:
            ConfigError: an operation is unknown, or is not for training.
        """
        if self.is_fresh(params):
            return (self.clean(params),)
        return self.training(params)

    def fresh(self, params: Params, epoch: int) -> View:
        """Return the view that an epoch, counted from zero, trains on where it is its own.

        Raises:
            ConfigError: an operation is unknown, or is not for training.
        """
        if params.augment == "none":
            return self.clean(params)
        return self._copy(params, epoch + 1, {FRESH: 1.0})

    def _copy(self, params: Params, number: int, more: Mapping[str, Setting]) -> View:
        """Return a changed copy of the images, counted from 1, by more settings."""
        before = self.preprocessing(params)
        augment = self._applied(params.augment, Kind.AUGMENT, params, before)
        settings = dict(augment.settings) | dict(more)
        if params.augment_strength != STRENGTH:
            settings["strength"] = float(params.augment_strength)
        return View((*before, Applied.of(params.augment, settings)), number, self._seed)

    def _applied(
        self, name: str, kind: Kind, params: Params, before: tuple[Applied, ...]
    ) -> Applied:
        """Return an operation on images after others, with all of its settings."""
        operation = get_operation(name, kind)
        settings = dict(operation.settings)
        settings |= {setting: float(params[given]) for setting, given in operation.params.items()}
        if operation.fit is not None:
            if (name, before) not in self._fitted:
                self._fitted[name, before] = operation.fit(self._sample(before))
            settings |= self._fitted[name, before]
        return Applied.of(name, settings)

    def _sample(self, before: tuple[Applied, ...]) -> Iterator[np.ndarray]:
        """Yield some of the training images after some operations, in chunks."""
        rows = self._rows
        if len(rows) > FIT_IMAGES:
            random = np.random.default_rng(derive_seed(self._seed, "fit"))
            rows = np.sort(random.choice(rows, FIT_IMAGES, replace=False))
        for start in range(0, len(rows), FIT_CHUNK):
            chunk = self._images[rows[start : start + FIT_CHUNK]]
            yield make_chunk(chunk, View(before), start)
