from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bcsearch.data.arrays import CHUNK, resize, square, to_images, to_labels

BYTES = np.random.default_rng(0).integers(0, 256, (CHUNK + 3, 4, 5, 3)).astype(np.uint8)
BYTES[0, 0, 0] = 0, 1, 255
NUMBERS = np.array([0, 2, 1, 2, 0])


@pytest.mark.parametrize(
    "array",
    [
        BYTES,
        BYTES.astype(">i2"),
        BYTES.astype(np.uint64),
        BYTES.astype(np.float16),
        BYTES + 0.4,
        BYTES / 255,
        (BYTES / 255).astype(np.float32),
        np.asfortranarray(BYTES),
    ],
    ids=[
        "uint8",
        "big-endian",
        "uint64",
        "float16",
        "rounded",
        "scaled",
        "float32 scaled",
        "fortran order",
    ],
)
def test_every_allowed_type_gives_the_same_bytes(array: np.ndarray) -> None:
    images = to_images(np.minimum(array, 255), "data")
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    assert np.array_equal(images, BYTES)


def test_bytes_of_the_right_shape_are_not_copied() -> None:
    assert np.shares_memory(to_images(BYTES, "data"), BYTES)


def test_dark_integers_are_not_taken_for_scaled_floats() -> None:
    dark = np.ones((2, 4, 4, 3), np.int32)
    assert to_images(dark, "data").max() == 1
    assert to_images(dark.astype(float), "data").max() == 255


@pytest.mark.parametrize("gray", [BYTES[..., 0], BYTES[..., :1]], ids=["no channel", "one channel"])
def test_grayscale_is_repeated_to_three_channels(gray: np.ndarray) -> None:
    assert np.array_equal(to_images(gray, "data"), BYTES[..., [0, 0, 0]])


@pytest.mark.parametrize(
    "array",
    [
        NUMBERS,
        NUMBERS[:, None],
        NUMBERS.astype(np.uint8)[:, None],
        NUMBERS.astype(float),
        np.eye(3)[NUMBERS],
        np.eye(3, dtype=bool)[NUMBERS],
    ],
    ids=["plain", "column", "uint8 column", "whole floats", "one-hot", "boolean one-hot"],
)
def test_every_form_of_labels_gives_the_same_numbers(array: np.ndarray) -> None:
    labels = to_labels(array, len(NUMBERS), "labels")
    assert labels.dtype == np.int64
    assert labels.tolist() == NUMBERS.tolist()


def test_resizing_takes_the_middle_square() -> None:
    wide = np.zeros((1, 10, 30, 3), np.uint8)
    wide[:, :, 10:20] = 200
    assert np.array_equal(resize(wide, 10), wide[:, :, 10:20])
    assert resize(wide, 5)[0, :, 1:-1].min() == 200
    assert square(Image.fromarray(wide[0]), 5).size == (5, 5)


def test_resizing_down_averages_instead_of_skipping() -> None:
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    assert np.abs(resize(stripes, 8).astype(float) - 127.5).max() < 10


def test_images_of_the_wanted_size_are_not_copied() -> None:
    same = np.ascontiguousarray(BYTES[:, :4, :4])
    assert resize(same, 4) is same
