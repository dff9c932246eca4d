"""The backbone at hand and its frozen passes between cuts."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT, names_up_to, segment
from bcsearch.backbones.resizing import resizing
from bcsearch.backbones.weights import load_backbone
from bcsearch.features.forward import FrozenForward

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from bcsearch.backbones.weights import ResolvedWeights


@dataclass(slots=True, kw_only=True, eq=False)
class Prefix:
    """Loads one backbone at a time, and keeps it with its last pass.

    Attributes:
        weights: what each backbone starts from, by its name.
        seed: acts on random weights.
        image_shape: height and width of the images that come in, in pixels.
        batch_size: images in one pass.
        jit_compile: whether XLA compiles it.
    """

    weights: Mapping[str, ResolvedWeights]
    seed: int
    image_shape: tuple[int, int]
    batch_size: int
    jit_compile: bool = False
    _loaded: tuple[tuple[str, int], keras.Model] | None = field(init=False, default=None)
    _pass: tuple[tuple[str, int, str, str, str], FrozenForward] | None = field(
        init=False, default=None
    )

    def backbone(self, name: str, image_size: int) -> keras.Model:
        """Return a backbone with its first weights, shared by all who ask: it is never trained."""
        if self._loaded is None or self._loaded[0] != (name, image_size):
            self._loaded = self._pass = None
            self._loaded = (
                (name, image_size),
                load_backbone(name, image_size, self.weights[name], self.seed),
            )
        return self._loaded[1]

    def forward(
        self, name: str, image_size: int, start: str, end: str, dtype: np.dtype[np.generic]
    ) -> FrozenForward:
        """Return the pass from the cut ``start``, for inputs of ``dtype``, to the cut ``end``."""
        wanted = (name, image_size, start, end, np.dtype(dtype).name)
        if self._pass is None or self._pass[0] != wanted:
            self._pass = None
            names = names_up_to(name, image_size, end)
            way = pairwise(names[names.index(start) :])
            model = self.backbone(name, image_size)
            segments = [segment(model, *ends) for ends in way]
            before = resizing(*self.image_shape, image_size) if start == INPUT else None
            forward = FrozenForward(
                segments, self.batch_size, dtype, before=before, jit_compile=self.jit_compile
            )
            self._pass = (wanted, forward)
        return self._pass[1]
