"""The views that a configuration is trained and scored on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.views.augmentation import STRENGTH
from bcsearch.views.operation import Kind
from bcsearch.views.table import get_operation
from bcsearch.views.view import Applied, View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from bcsearch.recipe import Params


class Views:
    """Views for training on some images.

    ``training_images`` gives them, (n, height, width, 3), uint8; ``seed`` acts on random views.
    """

    def __init__(self, training_images: Callable[[], np.ndarray], seed: int) -> None:
        self._training_images, self._seed = training_images, seed
        self._fitted: dict[str, Applied] = {}

    def preprocessing(self, params: Params) -> tuple[Applied, ...]:
        """Return what every image goes through, with statistics of the training images.

        Raises:
            ConfigError: an operation is unknown, or is no preprocessing.
        """
        names = [name for name in params.preprocess.split("+") if name != "none"]
        return tuple(self._fit(name, Kind.PREPROCESS) for name in names)

    def clean(self, params: Params, shift: Sequence[Applied] = ()) -> View:
        """Return the view that a model meets in use, of images after ``shift``."""
        return View((*shift, *self.preprocessing(params)))

    def training(self, params: Params) -> tuple[View, ...]:
        """Return the stored views that training cycles through, the clean one first.

        Raises:
            ConfigError: an operation is unknown, or is not for training.
        """
        clean = self.clean(params)
        if params.augment == "none":
            return (clean,)
        augment = self._fit(params.augment, Kind.AUGMENT)
        if params.augment_strength != STRENGTH:
            settings = dict(augment.settings) | {"strength": float(params.augment_strength)}
            augment = Applied.of(params.augment, settings)
        ops = (*clean.ops, augment)
        copies = [View(ops, copy, self._seed) for copy in range(1, params.n_views)]
        return (clean, *copies)

    def _fit(self, name: str, kind: Kind) -> Applied:
        """Return an operation with its settings and the statistics of the training images."""
        operation = get_operation(name, kind)
        if name not in self._fitted:
            settings = dict(operation.settings)
            if operation.fit is not None:
                settings |= operation.fit(self._training_images())
            self._fitted[name] = Applied.of(name, settings)
        return self._fitted[name]
