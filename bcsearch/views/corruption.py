"""Operations that imitate other cameras and laboratories: for scores, never for training.

The policy ``varied`` trains on effects of the same kinds, but deposits, with ranges of its own: its
scores on these images say less of others than those of the other policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.errors import ConfigError
from bcsearch.views import effects
from bcsearch.views.operation import Kind, Operation
from bcsearch.views.stains import restain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.views.effects import Effect
    from bcsearch.views.view import Setting


def corruption(effect: Effect, *amounts: float, family: str, doc: str) -> Operation:
    """Return the row of a corruption, given by the amounts of an effect at severity 1 to 5."""

    def run(images: np.ndarray, settings: Mapping[str, Setting], seed: int) -> np.ndarray:
        severity = settings["severity"]
        if severity not in range(1, 6):
            raise ConfigError(f"severity: came {severity}, allowed: 1, 2, 3, 4 or 5")
        random = np.random.default_rng(seed)
        amount = amounts[int(severity) - 1]  # type: ignore[arg-type]  # a number, as just seen
        changed = np.empty_like(images)
        for row, image in enumerate(images):
            found = effect(image.astype(np.float32), amount, random)
            changed[row] = np.rint(np.clip(found, 0, 255))
        return changed

    return Operation(
        kind=Kind.CORRUPT,
        family=family,
        doc=doc,
        run=run,
        settings={"severity": 3.0},
    )


CORRUPTIONS = {
    "noise": corruption(
        *(effects.noise, 6, 12, 20, 30, 45), family="noise", doc="Noise of a weak or hot sensor."
    ),
    "jpeg": corruption(
        *(effects.jpeg, 30, 50, 70, 82, 90),
        family="compression",
        doc="Compression as JPEG of quality 70, 50, 30, 18 or 10.",
    ),
    "pixelate": corruption(
        *(effects.pixelate, 0.5, 1.0, 1.5, 2.2, 3.0),
        family="compression",
        doc="Fewer, larger pixels.",
    ),
    "blur": corruption(
        *(effects.blur, 0.6, 1.0, 1.5, 2.2, 3.0), family="blur", doc="Images out of focus."
    ),
    "gamma": corruption(
        *(effects.gamma, 0.15, 0.3, 0.45, 0.65, 0.9),
        family="gamma",
        doc="Middle tones darker or brighter, as of another exposure or screen.",
    ),
    "contrast": corruption(
        *(effects.contrast, 0.2, 0.35, 0.5, 0.75, 1.0),
        family="contrast",
        doc="Weaker or harder contrast.",
    ),
    "white_balance": corruption(
        *(effects.white_balance, 0.08, 0.15, 0.22, 0.3, 0.4),
        family="white balance",
        doc="Light or a camera of another colour.",
    ),
    "shade": corruption(
        *(effects.shade, 0.15, 0.3, 0.45, 0.6, 0.75),
        family="shade",
        doc="Light that falls off from one place.",
    ),
    "other_stain": corruption(
        *(restain, 0.35, 0.7, 1.0, 1.5, 2.0),
        family="stain",
        doc="Other dyes, or more or less of them, around those of Giemsa.",
    ),
    "zoom": corruption(
        *(effects.zoom, 0.08, 0.16, 0.25, 0.35, 0.45),
        family="zoom",
        doc="A larger or smaller magnification.",
    ),
    "deposits": corruption(
        *(effects.deposits, 2, 5, 10, 18, 30),
        family="deposits",
        doc="Dark specks of dust or dye.",
    ),
}
