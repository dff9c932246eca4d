"""Words and numbers as parts of an SVG. Imports the standard library only."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10

LETTER = 0.58  # mean width of a letter, as a share of the font's size
MORE = "\u2026"


def words(x: float, y: float, text: str, style: str = "", more: str = "") -> str:
    """Return text at a point, escaped; ``style`` names classes, ``more`` are further attributes."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" {more}>{escape(plain(text))}</text>'


def turned(x: float, y: float, text: str, style: str, degrees: int) -> str:
    """Return text at a point, turned around it."""
    return words(x, y, text, style, f'transform="rotate({degrees} {x:.1f} {y:.1f})"')


def plain(text: str) -> str:
    """Return text without what XML or a file's encoding may not hold."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text
    )


def shortened(text: str, width: float, size: float) -> str:
    """Return text that fits into ``width`` pixels at a font's size, cut where it does not."""
    most = max(2, int(width / (LETTER * size)))
    return text if len(text) <= most else text[: most - 1] + MORE


def width_of(text: str, size: float) -> float:
    """Return about how wide a text is, in pixels."""
    return len(text) * LETTER * size


def ticks(low: float, high: float, most: int, least_step: float = 0.0) -> list[float]:
    """Return round numbers from at most ``low`` to at least ``high``, about ``most`` of them, evenly spaced."""
    rough = max((high - low) / max(1, most - 1), least_step, 1e-6)
    power = 10.0 ** floor(log10(rough) + 1e-9)
    step = next(power * share for share in (1, 2, 5, 10) if power * share >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]
