"""Every line of bad input, in one table: which error, one line, what came and what is allowed."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from bcsearch.data import load_dataset, load_images
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = np.arange(6 * 8 * 8 * 3, dtype=np.int64).reshape(6, 8, 8, 3).astype(np.uint8)
LABELS = np.array([0, 1, 0, 1, 0, 1])


def npz(**arrays: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "cells.npz"
        np.savez(path, **arrays)
        return path

    return write


def with_labels(labels: Any) -> Callable[[Path], Path]:
    return npz(data=IMAGES, labels=np.array(labels))


def with_images(images: Any) -> Callable[[Path], Path]:
    return npz(data=images, labels=LABELS)


def text_file(folder: Path) -> Path:
    path = folder / "cells.npz"
    path.write_text("not a zip")
    return path


def lone_npy(folder: Path) -> Path:
    np.save(folder / "cells.npy", IMAGES)
    return folder / "cells.npy"


def named(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(b"content")
        return folder / name

    return write


def zip_of_images(folder: Path) -> Path:
    path = folder / "cells.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3000):
            archive.writestr(f"class {number % 3}/{number:060}.png", b"")
    return path


def cut_short(folder: Path) -> Path:
    path = with_labels(LABELS)(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def flipped_bytes(folder: Path) -> Path:
    path = with_labels(LABELS)(folder)
    content = bytearray(path.read_bytes())
    content[400:420] = bytes(20)
    path.write_bytes(content)
    return path


def member_of_text(folder: Path) -> Path:
    path = folder / "cells.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", b"no array at all")
    return path


def folder_of(*names: str) -> Callable[[Path], Path]:
    """Write images at these places; a name with a slash at its end makes an empty folder."""

    def write(folder: Path) -> Path:
        for name in names:
            place = folder / name
            (place if name.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
            if place.suffix:
                Image.fromarray(IMAGES[0]).save(place)
        return folder

    return write


def bad_image_among_good(folder: Path) -> Path:
    folder_of("a/1.png", "a/2.png", "b/1.png", "b/2.png")(folder)
    content = (folder / "b/1.png").read_bytes()
    (folder / "b/1.png").write_bytes(content[: len(content) // 2])
    return folder


def deep_images(*arrays: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        for row, array in enumerate(arrays):
            (folder / "ab"[row % 2]).mkdir(exist_ok=True)
            Image.fromarray(array).save(folder / "ab"[row % 2] / f"{row}.tif")
        return folder

    return write


RAMP = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)


CASES: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "missing file": (lambda folder: folder / "no.npz", ("no.npz", "no such file", "allowed: demo")),
    "text file": (text_file, ("cells.npz", "not an .npz file")),
    "npy file": (lone_npy, ("cells.npy", "no labels")),
    "HDF5 file": (named("cells.h5"), ("cells.h5", "an HDF5 file", "numpy.savez")),
    "zip of images": (zip_of_images, ("a zip of", "unpack it")),
    "URL": (lambda _: Path("https://host/cells.npz"), ("is a URL",)),
    "cut short": (cut_short, ("cells.npz", "cut short")),
    "flipped bytes": (flipped_bytes, ("cells.npz", "cannot be read", "write it again")),
    "member of text": (member_of_text, ("data is not a numpy array",)),
    "no data": (npz(cells=IMAGES, kinds=LABELS), ("cells, kinds", "needed: data and labels")),
    "two arrays of images": (npz(images=IMAGES, x=IMAGES, y=LABELS), ("images, x", "--images-key")),
    "two arrays of labels": (npz(x=IMAGES, y=LABELS, label=LABELS), ("y, label", "--labels-key")),
    "whole and split": (
        npz(images=IMAGES, train_images=IMAGES, labels=LABELS, train_labels=LABELS),
        ("images, train_images", "--images-key"),
    ),
    "test images only": (npz(x_test=IMAGES, y_test=LABELS), ("nothing in it is to train on",)),
    "parts of two sizes": (
        npz(x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:, :4], y_test=LABELS),
        ("(6, 8, 8, 3)", "(6, 4, 8, 3)", "different sizes"),
    ),
    "part without labels": (
        npz(x_train=IMAGES, y_train=LABELS, x_test=IMAGES),
        ("x_test has no labels",),
    ),
    "no arrays": (npz(), ("no arrays at all",)),
    "no labels": (npz(data=IMAGES, extra=LABELS), ("data, extra", "no labels")),
    "pickled data": (
        with_images(np.array([1, "a", None] * 2, object)),
        ("data", "pickled object array"),
    ),
    "pickled labels": (
        with_labels(np.array([0, 1, None] * 2, object)),
        ("labels", "pickled object array"),
    ),
    "images of text": (with_images(np.full((6, 8, 8, 3), "a")), ("type <U1", "allowed: uint8")),
    "images of complex numbers": (
        with_images(IMAGES.astype(complex)),
        ("complex128", "allowed: uint8"),
    ),
    "flat images": (with_images(IMAGES.reshape(6, -1)), ("(6, 192)", "(n, height, width, 3)")),
    "five channels": (
        with_images(np.zeros((6, 8, 8, 5), np.uint8)),
        ("(6, 8, 8, 5)", "(n, height, width, 3)"),
    ),
    "no images": (npz(data=IMAGES[:0], labels=LABELS[:0]), ("(0, 8, 8, 3)", "at least one image")),
    "integers too high": (with_images(IMAGES.astype(int) + 300), ("300 to 555", "0..255")),
    "negative integers": (with_images(IMAGES.astype(int) - 1), ("-1 to 254", "0..255")),
    "floats too high": (
        with_images(IMAGES * 2.0),
        ("0 to 510", "floats 0..1 or 0..255", "--white"),
    ),
    "floats of no known range": (with_images(IMAGES / 100.0), ("0 to 2.55", "floats 0..1")),
    "floats below zero": (with_images(IMAGES / 127.5 - 1), ("-1 to 1", "floats 0..1")),
    "image of NaN": (with_images(np.where(IMAGES == 7, np.nan, IMAGES)), ("data", "not finite")),
    "infinite image": (with_images(np.where(IMAGES == 7, np.inf, IMAGES)), ("data", "not finite")),
    "too few labels": (with_labels(LABELS[:5]), ("5 rows for 6 images",)),
    "labels of three axes": (
        with_labels(LABELS.reshape(6, 1, 1)),
        ("(6, 1, 1)", "allowed: (n,), (n, 1)"),
    ),
    "single number": (with_labels(3), ("shape ()", "allowed: (n,), (n, 1)")),
    "text that is no class name": (
        npz(data=IMAGES, labels=["a", "b"] * 3, class_names=["a", "c"]),
        ("labels hold b",),
    ),
    "negative label": (
        with_labels([0, 1, -1, 1, 0, 1]),
        ("negative number -1", "whole numbers from 0"),
    ),
    "fractional label": (
        with_labels([0, 1, 0.5, 1, 0, 1]),
        ("fraction 0.5", "whole numbers from 0"),
    ),
    "label of NaN": (with_labels([0, 1, np.nan, 1, 0, 1]), ("labels", "not finite")),
    "label out of reason": (with_labels([0, 1, 10**15, 1, 0, 1]), ("1e+15", "below 10000")),
    "two ones in a row": (with_labels([[1, 0], [0, 1], [1, 1]] * 2), ("row 2 is not one-hot",)),
    "probabilities": (with_labels([[1, 0], [0.5, 0.5], [0, 1]] * 2), ("row 1 is not one-hot",)),
    "one class": (with_labels([0] * 6), ("one class: 0", "two classes or more")),
    "one class, not the first": (with_labels([3] * 6), ("one class: 3", "two classes or more")),
    "too few class names": (
        npz(data=IMAGES, labels=LABELS, class_names=["a"]),
        ("reach 1", "has only 1"),
    ),
    "class name twice": (
        npz(data=IMAGES, labels=LABELS, class_names=["a", "a"]),
        ("'a' more than once",),
    ),
    "class names as numbers": (
        npz(data=IMAGES, labels=LABELS, class_names=[1, 2]),
        ("int64", "allowed: text"),
    ),
    "too few groups": (
        npz(data=IMAGES, labels=LABELS, groups=[1, 2]),
        ("(2,) for 6 images", "allowed: (n,)"),
    ),
    "fractional groups": (
        npz(data=IMAGES, labels=LABELS, groups=LABELS / 2),
        ("float64", "whole numbers or text"),
    ),
    "empty folder": (folder_of(), ("no images in it", "one sub-folder for every class")),
    "folder of empty folders": (folder_of("a/", "b/"), ("no images in it", "jpg, jpeg")),
    "no class folders": (
        folder_of("1.png", "2.png"),
        ("holds 2 images but no labels", "sub-folder"),
    ),
    "one class folder": (folder_of("a/1.png", "a/2.png"), ("one class: 0 (a)",)),
    "images too deep": (folder_of("x/y/a/1.png", "x/y/b/1.png"), ("lie deeper", "/x/y")),
    "splits without classes": (
        folder_of("train/1.png", "valid/1.png", "test1/1.png"),
        ("called as splits", "--layout classes", "table"),
    ),
    "unreadable image": (bad_image_among_good, ("b/1.png", "not a readable image")),
    "integers of 32 bits": (
        deep_images(IMAGES[0, ..., 0], (RAMP * 9999).astype(np.int32)),
        ("b/1.tif", "0 to 9999", "--white", "--skip-damaged"),
    ),
    "floats whose white nobody knows": (
        deep_images(RAMP * 3, RAMP),
        ("a/0.tif", "0 to 3", "--white"),
    ),
    "floats of two ranges": (
        deep_images(RAMP * 255, RAMP),
        ("2 images hold floats", "some reach 1 and some 255", "--white"),
    ),
    "12 bits taken for 16": (
        deep_images(*[(RAMP * 4095).astype(np.uint16)] * 2),
        ("2 images hold 16-bit values", "nearly black", "--white 4095"),
    ),
    "floats below zero in a file": (
        deep_images(RAMP, RAMP - 0.5),
        ("b/1.tif", "-0.5 to 0.5", "floats 0..1"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gets_one_line_that_says_what_came_and_what_is_allowed(
    case: str, tmp_path: Path
) -> None:
    write, words = CASES[case]
    with pytest.raises(DataError) as caught:
        load_dataset(write(tmp_path))
    line = str(caught.value)
    assert "\n" not in line
    assert str(tmp_path) in line or case == "URL"
    assert len(line.replace(str(tmp_path), "")) < 500
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    "case", ["missing file", "cut short", "no data", "pickled data", "image of NaN", "empty folder"]
)
def test_images_to_predict_are_refused_in_the_same_words(case: str, tmp_path: Path) -> None:
    path = CASES[case][0](tmp_path)
    with pytest.raises(DataError) as to_learn:
        load_dataset(path)
    with pytest.raises(DataError) as to_predict:
        load_images(path, 8)
    assert str(to_predict.value) == str(to_learn.value)


def test_file_without_read_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_labels(LABELS)(tmp_path)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match=r"cells.npz: cannot be read \(.*Permission denied"):
        load_dataset(path)


def test_damaged_files_never_end_in_a_traceback(tmp_path: Path) -> None:
    whole = with_labels(LABELS)(tmp_path).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), 4):
            content[place] = rng.integers(0, 256)
        path = tmp_path / "damaged.npz"
        path.write_bytes(content)
        with suppress(DataError):
            load_dataset(path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged tags that Pillow can do without
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_damaged_images_never_end_in_a_traceback(suffix: str, tmp_path: Path) -> None:
    folder_of(f"a/1.{suffix}", f"b/1.{suffix}")(tmp_path)
    whole = (tmp_path / f"b/1.{suffix}").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        content = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(content), 3):
            content[place] = rng.integers(0, 256)
        (tmp_path / f"b/1.{suffix}").write_bytes(content)
        with suppress(DataError):
            load_dataset(tmp_path, 8)
