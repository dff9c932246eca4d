"""What a row of the table of operations is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from bcsearch.views.view import Setting

Run = Callable[[np.ndarray, Mapping[str, Setting], int], np.ndarray]
Fit = Callable[[Iterable[np.ndarray]], Mapping[str, Setting]]
Change = Callable[[Any, Mapping[str, Setting]], Any]  # of a tensor, by keras.ops alone


class Kind(StrEnum):
    """What an operation is for."""

    PREPROCESS = "preprocess"
    AUGMENT = "augment"
    CORRUPT = "corrupt"
    TTA = "tta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation on images (n, height, width, 3), uint8.

    Attributes:
        family: the mechanism that it belongs to, such as colour or compression.
        doc: what it does, in one sentence.
        run: from images, settings and a seed to images of the same form; equal arguments give equal
            bytes. Settings hold ``copy``, the number of the view's copy, and of an augmentation
            ``strength`` where it is not 0.5, and ``fresh`` where the copy is shown in one epoch
            alone.
        settings: those that it has without being asked.
        params: settings that a parameter of the configuration gives, with its name.
        fit: from training images, in chunks (n, height, width, 3) uint8, to further settings,
            without looking at labels; None where it needs none.
        change: of a preprocessing, what ``run`` does as a function of ``keras.ops``, for the
            exported model.
    """

    kind: Kind
    family: str
    doc: str
    run: Run
    settings: Mapping[str, Setting] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    fit: Fit | None = None
    change: Change | None = None
