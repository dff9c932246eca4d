"""Images side by side in one PNG file, rows and columns with names."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from bcsearch.records.texts import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

MARK = "bcsearch contact sheet"  # stands in the first bytes of our files
SMALLEST, LARGEST = 128, 192  # pixels a side that an image is shown with
LINE = 20  # pixels of a line of text
GAP = 4  # pixels between images
NAMES = 120  # pixels of the names of rows
LONGEST_NAME = 16  # letters of the name of a row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """What a sheet shows.

    Attributes:
        title: a line above all.
        columns: images by the name of their column, each (n_rows, height, width, 3) uint8.
        rows: names of the rows.
    """

    title: str
    columns: Mapping[str, np.ndarray]
    rows: tuple[str, ...]


def draw_sheet(sheet: Sheet) -> bytes:
    """Draw a sheet as a PNG file. Small images are enlarged in whole steps, large ones shrunk."""
    font = ImageFont.load_default(14)
    columns = [[_shown(image) for image in images] for images in sheet.columns.values()]
    size = columns[0][0].size
    title = printable(sheet.title)
    width, height = place(len(sheet.rows), len(columns), size)
    canvas = Image.new("RGB", (max(width, int(font.getlength(title)) + 2 * GAP), height), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((GAP, 0), title, "black", font)
    for row, name in enumerate(sheet.rows):
        draw.text((GAP, place(row, 0, size)[1]), printable(name)[:LONGEST_NAME], "black", font)
    for column, name in enumerate(sheet.columns):
        draw.text((place(0, column, size)[0], LINE), name, "black", font)
        for row, image in enumerate(columns[column]):
            canvas.paste(image, place(row, column, size))
    mark, file = PngInfo(), BytesIO()
    mark.add_text("Software", MARK)
    canvas.save(file, "PNG", pnginfo=mark)
    return file.getvalue()


def place(row: int, column: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return where an image of that width and height begins, in pixels from the left and top."""
    width, height = size
    return NAMES + column * (width + GAP), 2 * LINE + row * (height + GAP)


def _shown(image: np.ndarray) -> Image.Image:
    shown = Image.fromarray(image)
    side = max(shown.size)
    if side < SMALLEST:
        factor = -(-SMALLEST // side)
        return shown.resize((shown.width * factor, shown.height * factor), Image.Resampling.NEAREST)
    if side > LARGEST:
        shown.thumbnail((LARGEST, LARGEST))
    return shown
