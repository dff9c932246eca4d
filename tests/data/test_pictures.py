"""Every kind of image file gives the pixels that a viewer shows."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin

from bcsearch.config import Reading
from bcsearch.data import load_dataset, load_unlabelled
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
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
    "floats 0 to 1": (Image.fromarray(RAMP.astype(np.float32) / 255), "tif", GRAY),
    "floats 0 to 255": (Image.fromarray(RAMP.astype(np.float32)), "tif", GRAY),
    "32-bit integers": (Image.fromarray(RAMP.astype(np.int32)), "tif", GRAY),
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


def odd_exif(path: Path) -> None:
    content = b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12\0\x03"  # nine tags, of which one is begun
    Image.fromarray(COLOUR).save(path.with_suffix(".jpg"), exif=content)


def clear_by_bytes(path: Path) -> None:
    clear_palette().save(path.with_suffix(".png"), transparency=bytes([0, 128]))


def cut_tags(path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "x" * 99
    Image.fromarray(COLOUR).save(path.with_suffix(".tif"), tiffinfo=tags)
    content = path.with_suffix(".tif").read_bytes()
    tag = struct.pack("<HHI", 270, 2, 100)
    assert tag in content
    path.with_suffix(".tif").write_bytes(content.replace(tag, tag[:4] + b"\xff\xff\0\0"))


@pytest.mark.parametrize("write", [odd_exif, clear_by_bytes, cut_tags])
def test_what_pillow_warns_of_is_read_without_its_warnings(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    write(tmp_path / "1")
    (file,) = tmp_path.iterdir()
    words = "Corrupt EXIF|Tag data larger|Transparency"
    with pytest.warns(UserWarning, match=words), Image.open(file) as image:
        ImageOps.exif_transpose(image.convert("RGB" if image.mode == "P" else image.mode))
    assert len(load_unlabelled([file], 8).images) == 1  # warnings are errors here


@pytest.mark.parametrize(("pixels", "is_read"), [(8000, True), (4000, False)])
def test_large_images_are_read_or_refused_as_such(
    pixels: int, is_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (90, 100)).save(tmp_path / "scan.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)  # twice as many are an error
    if is_read:
        assert len(load_unlabelled([tmp_path / "scan.png"], 8).images) == 1
        return
    with pytest.raises(DataError, match=r"scan.png: too large to be read, more than 178 million"):
        load_unlabelled([tmp_path / "scan.png"], 8)


def test_stacks_and_dark_images_are_told(tmp_path: Path) -> None:
    dark = Image.fromarray((RAMP // 16).astype(np.uint8))
    for name in "ab":
        (tmp_path / name).mkdir()
        dark.save(tmp_path / name / "1.tif", save_all=True, append_images=[dark])
    said = " ".join(load_dataset(tmp_path, 8).notes)
    assert "2 files hold several pages or frames" in said
    assert "brightest value of all images is 15 of 255, nearly black" in said


DEEP: dict[str, tuple[np.ndarray, float, str]] = {
    "12 bits": (RAMP.astype(np.uint16) * 16, 255 * 16, "16-bit values, of which 4080 is white"),
    "dark 16 bits": (RAMP.astype(np.uint16), 65535, "16-bit values, of which 65535 is white"),
    "floats": (RAMP.astype(np.float32) / 100, 2.55, "floats, of which 2.55 is white"),
    "32 bits": (RAMP.astype(np.int32) * 400, 102_000, "32-bit integers, of which 102000 is white"),
}


@pytest.mark.parametrize("case", DEEP)
def test_white_of_deep_images_can_be_named_and_is_said(case: str, tmp_path: Path) -> None:
    values, white, said = DEEP[case]
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.fromarray(values).save(tmp_path / name / "1.tif")
    reading = Reading(white=white)
    expected = np.rint(values.astype(float) * 255 / white).astype(np.uint8)
    for found in (
        load_dataset(tmp_path, 8, reading),
        load_unlabelled([tmp_path / "a"], 8, reading),
    ):
        assert np.array_equal(found.images[0, ..., 1], expected)
        assert said in " ".join(found.notes)
    np.savez(tmp_path / "same.npz", data=np.stack([values] * 2), labels=[0, 1])
    arrays = load_dataset(tmp_path / "same.npz", None, reading)
    assert np.array_equal(arrays.images[0, ..., 1], expected)
    assert f"{white:g} is white" in arrays.notes[0]


def test_values_above_white_are_refused(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"1.png: it holds values from 0 to 65535; allowed: 0 to 4"):
        load_unlabelled([tmp_path / "1.png"], 8, Reading(white=4095))


def colour_of_16_bits(path: Path, highest: int) -> None:
    """Write a PNG as Pillow cannot: one pixel of RGB with 16 bits each."""
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0),
        b"IDAT": zlib.compress(struct.pack(">BHHH", 0, highest, highest, highest)),
        b"IEND": b"",
    }
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks.items():
        content += struct.pack(">I", len(data)) + name + data
        content += struct.pack(">I", zlib.crc32(name + data))
    path.write_bytes(content)


def test_colours_of_16_bits_are_read_unless_they_are_nearly_black(tmp_path: Path) -> None:
    colour_of_16_bits(tmp_path / "1.png", 65535)
    assert load_unlabelled([tmp_path / "1.png"], 8).images.min() == 255
    colour_of_16_bits(tmp_path / "2.png", 4095)
    with pytest.raises(DataError, match=r"16-bit colours, all nearly black.*scale them to 0 to 65"):
        load_unlabelled([tmp_path / "2.png"], 8)
