"""A page for a browser that needs no other file and runs nothing."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from bcsearch.records.texts import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

SIDE, QUALITY = 88, 82  # pixels of a thumbnail, and of its JPEG
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1180px; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { border-bottom: 1px solid #ddd; padding: .3em .8em; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.gallery { display: flex; flex-wrap: wrap; gap: 10px; }
figure { margin: 0; width: 184px; font-size: 12px; }
figure img { width: 88px; height: 88px; outline: 1px solid #ccc; }
figcaption { overflow-wrap: anywhere; color: #333; }
.row { font-weight: 600; color: #000; }
.warning { color: #a33; }
svg { max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) {
  body { background: #16181b; color: #e4e4e4; }
  figcaption { color: #bbb; } .row { color: #fff; }
  td, th { border-color: #444; } svg { background: #fff; }
}
"""


def page(title: str, parts: Iterable[str], mark: str) -> str:
    """Return a page of some HTML; the title is escaped, ``mark`` tells its kind from others."""
    return (
        f"<!doctype html><!-- {mark} -->"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{shown(title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def shown(text: str) -> str:
    """Return a text of somebody's as it may stand on a page."""
    return escape(printable(text))


def thumbnail(image: np.ndarray) -> str:
    """Return an image (height, width, 3) uint8 as the address of a small JPEG."""
    small = Image.fromarray(image)
    small.thumbnail((SIDE, SIDE))
    file = BytesIO()
    small.save(file, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
