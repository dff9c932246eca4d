"""Every kind of image file gives the pixels that a viewer shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from bcsearch.data import load_dataset, load_unlabelled

if TYPE_CHECKING:
    from pathlib import Path

RAMP = np.linspace(0, 255, 64).round().astype(np.uint8).reshape(8, 8)
GRAY = np.repeat(RAMP[..., None], 3, axis=2)
COLOUR = np.stack([RAMP, RAMP.T, RAMP[::-1]], axis=2)


def half_clear() -> Image.Image:
    alpha = np.full((8, 8), 255, np.uint8)
    alpha[:, :4] = 0
    return Image.fromarray(np.dstack([COLOUR, alpha]))


def on_white() -> np.ndarray:
    shown = COLOUR.copy()
    shown[:, :4] = 255
    return shown


def clear_palette() -> Image.Image:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (4, 0, 8, 8))
    return image


def shown_palette() -> np.ndarray:
    shown = np.full((8, 8, 3), 255, np.uint8)
    shown[:, 4:] = 200, 100, 50
    return shown


KINDS = {
    "RGB": (Image.fromarray(COLOUR), "png", COLOUR),
    "gray": (Image.fromarray(RAMP), "png", GRAY),
    "16-bit gray PNG": (Image.fromarray(RAMP.astype(np.uint16) * 257), "png", GRAY),
    "16-bit gray TIFF": (Image.fromarray(RAMP.astype(np.uint16) * 257), "tif", GRAY),
    "16-bit PGM": (Image.fromarray(RAMP.astype(np.uint16) * 257), "pgm", GRAY),
    "RGBA": (half_clear(), "png", on_white()),
    "opaque RGBA": (Image.fromarray(COLOUR).convert("RGBA"), "png", COLOUR),
    "WebP": (Image.fromarray(COLOUR), "webp", COLOUR),
    "palette with a clear colour": (clear_palette(), "png", shown_palette()),
    "CMYK": (Image.fromarray(COLOUR).convert("CMYK"), "tif", COLOUR),
}


@pytest.mark.parametrize("case", KINDS)
def test_pixels_are_those_that_a_viewer_shows_in_training_and_prediction(
    case: str, tmp_path: Path
) -> None:
    image, suffix, shown = KINDS[case]
    more: dict[str, Any] = {"transparency": 0} if image.mode == "P" else {}
    if suffix == "webp":
        more = {"lossless": True}
    for name in "ab":
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / f"1.{suffix}", **more)
    learned = load_dataset(tmp_path, 8)
    assert np.abs(learned.images[0].astype(int) - shown).max() <= 1
    predicted = load_unlabelled([tmp_path / "a" / f"1.{suffix}"], 8)
    assert np.array_equal(predicted.images[0], learned.images[0])


def test_stacks_and_dark_images_are_told(tmp_path: Path) -> None:
    dark = Image.fromarray((RAMP // 16).astype(np.uint8))
    for name in "ab":
        (tmp_path / name).mkdir()
        dark.save(tmp_path / name / "1.tif", save_all=True, append_images=[dark])
    said = " ".join(load_dataset(tmp_path, 8).notes)
    assert "2 files hold several pages or frames" in said
    assert "brightest value of all images is 15 of 255, nearly black" in said
