from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bcsearch.errors import DiskError
from bcsearch.paths import refuse_others
from bcsearch.report.sheet import MARK, Sheet, draw_sheet, place

if TYPE_CHECKING:
    from pathlib import Path


def sheet_of(side: int, title: str = "cells", rows: tuple[str, ...] = ("a", "b")) -> Sheet:
    random = np.random.default_rng(0)
    columns = {
        name: random.integers(0, 256, (len(rows), side, side, 3), np.uint8)
        for name in ("original", "copy 1", "copy 2")
    }
    return Sheet(title=title, columns=columns, rows=rows)


@pytest.mark.parametrize(("side", "shown"), [(32, 128), (96, 192), (160, 160), (512, 192)])
def test_every_image_stands_in_its_row_and_column(side: int, shown: int) -> None:
    sheet = sheet_of(side)
    pixels = np.asarray(Image.open(BytesIO(draw_sheet(sheet))).convert("RGB"))
    for column, images in enumerate(sheet.columns.values()):
        for row, image in enumerate(images):
            left, top = place(row, column, (shown, shown))
            found = pixels[top : top + shown, left : left + shown]
            assert found.shape == (shown, shown, 3)
            if shown >= side:
                step = shown // side
                np.testing.assert_array_equal(found, image.repeat(step, 0).repeat(step, 1))
            else:
                assert abs(found.mean() - image.mean()) < 2


def test_names_and_long_titles_are_written_and_other_people_s_signs_are_harmless() -> None:
    plain, named = sheet_of(32, "", ("", "")), sheet_of(32, "t" * 200, ("\x1b[31m血球", "b"))
    before = np.asarray(Image.open(BytesIO(draw_sheet(plain))))
    after = np.asarray(Image.open(BytesIO(draw_sheet(named))))
    assert after.shape[1] > before.shape[1]
    left, top = place(0, 0, (128, 128))
    assert before[top:, : left - 1].min() == 255
    assert after[top : top + 20, :left].min() < 128


def test_only_our_own_sheets_are_replaced(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.png", tmp_path / "theirs.png"
    refuse_others(ours, MARK, "contact sheet")
    ours.write_bytes(draw_sheet(sheet_of(32)))
    refuse_others(ours, MARK, "contact sheet")
    Image.new("RGB", (4, 4)).save(theirs)
    for path in (theirs, tmp_path):
        with pytest.raises(DiskError, match=r"is there already, .* choose another --out"):
            refuse_others(path, MARK, "contact sheet")
