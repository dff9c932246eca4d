from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bcsearch.data import ImageSet, load_images
from bcsearch.data.pictures import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

BLUE = (20, 40, 220)


def read_folder(path: Path, size: int = 96) -> ImageSet:
    return load_images(path, size)


def save(path: Path, *, size: tuple[int, int] = (12, 12), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, BLUE).convert(mode).save(path)


def test_classes_and_files_are_taken_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.png", "a/9.png"):
        save(tmp_path / name)
    found = read_folder(tmp_path)
    assert found.class_names == ("a", "b")
    assert found.names == ("a/9.png", "b/1.png", "b/2.png")
    assert found.require_labels().tolist() == [0, 1, 1]


def test_all_sizes_become_one_size(tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", size=(30, 10))
    save(tmp_path / "b/1.png", size=(200, 300))
    assert read_folder(tmp_path).images.shape == (2, 96, 96, 3)
    assert read_folder(tmp_path, 20).images.shape == (2, 20, 20, 3)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JPG", ".Png"])
def test_every_kind_of_file_is_read(suffix: str, tmp_path: Path) -> None:
    save(tmp_path / f"a/1{suffix}")
    save(tmp_path / f"b/1{suffix}")
    assert np.abs(read_folder(tmp_path).images.astype(int) - BLUE).max() < 8


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA"])
def test_every_mode_of_eight_bits_becomes_rgb(mode: str, tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", mode=mode)
    save(tmp_path / "b/1.png")
    assert read_folder(tmp_path).images.shape[-1] == 3


def test_hidden_files_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png", ".trash/1.png", "a/.1.png", "loose.png", "a/deep/1.png"):
        save(tmp_path / name)
    (tmp_path / "a/notes.txt").write_text("notes")
    (tmp_path / ".DS_Store").write_bytes(b"")
    assert read_folder(tmp_path).names == ("a/1.png", "b/1.png")


def test_flat_folder_has_no_labels(tmp_path: Path) -> None:
    save(tmp_path / "2.png")
    save(tmp_path / "1.png")
    found = read_folder(tmp_path)
    assert found.names == ("1.png", "2.png")
    assert found.labels is None
    assert found.class_names is None


def test_turned_photographs_are_turned_back(tmp_path: Path) -> None:
    picture = Image.new("RGB", (12, 12), BLUE)
    picture.paste((255, 255, 255), (0, 0, 12, 6))
    exif = Image.Exif()
    exif[0x0112] = 3  # orientation: half a turn
    (tmp_path / "a").mkdir()
    picture.save(tmp_path / "a/1.png", exif=exif)
    image = read_folder(tmp_path / "a", 12).images[0]
    assert image[0, 0].tolist() == list(BLUE)
    assert image[-1, 0].tolist() == [255, 255, 255]
