from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.data.npz import read_npz

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.arange(4 * 2 * 2 * 3, dtype=np.uint8).reshape(4, 2, 2, 3)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_saved_arrays_come_back(save: object, tmp_path: Path) -> None:
    path = tmp_path / "cells.npz"
    arrays = {
        "data": IMAGES,
        "labels": np.array([[0], [1], [0], [1]], np.uint8),
        "other": np.zeros(3),
    }
    assert callable(save)
    save(
        path,
        **arrays,
        groups=np.array([["p"], ["p"], ["q"], ["r"]]),
        class_names=np.array([b"a", b"b"]),
    )
    found = read_npz(path)
    assert np.array_equal(found.images, IMAGES)
    assert found.require_labels().tolist() == [0, 1, 0, 1]
    assert found.class_names == ("a", "b")
    assert found.groups is not None
    assert found.groups.tolist() == ["p", "p", "q", "r"]


def test_what_a_file_does_not_hold_is_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "cells.npz", data=IMAGES)
    found = read_npz(tmp_path / "cells.npz")
    assert (found.labels, found.class_names, found.groups, found.names) == (None, None, None, None)
    assert found.row_names == ("0", "1", "2", "3")


def test_pickles_are_not_even_looked_at(tmp_path: Path) -> None:
    np.savez(tmp_path / "cells.npz", data=IMAGES, labels=[0, 1, 0, 1], notes=np.array([{}], object))
    assert read_npz(tmp_path / "cells.npz").labels is not None
