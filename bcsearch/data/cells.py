"""Draws one blood cell of a kind among red cells with Pillow; nothing here is photographed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rgb = tuple[int, int, int]
    Span = tuple[float, float]
    Counts = tuple[int, int]

SIZE = 96
SIDE = 2 * SIZE  # pictures are drawn at twice their size and reduced, which smooths every edge


@dataclass(frozen=True, slots=True, kw_only=True)
class CellKind:
    """How one kind of cell looks; ``radius`` is in pixels, other lengths are shares of it."""

    radius: Span
    wobble: float = 0.05  # how far outlines stray from a circle
    cytoplasm: Rgb
    nucleus: Rgb = (88, 52, 126)
    lobes: Counts = (1, 1)  # of the nucleus
    lobe_radius: Span = (0.0, 0.0)
    lobe_distance: Span = (0.0, 0.2)  # from the middle of the cell
    arc: Span = (0.0, 0.0)  # degrees between the first lobe and the last
    granules: Counts = (0, 12)
    granule: Rgb = (120, 74, 150)
    granules_on_nucleus: bool = False
    vacuoles: Counts = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """How cells look where they were stained and photographed.

    Attributes:
        scale: of cells, by the magnification.
        blur: in pixels, from and to.
        stain: how strong each channel's dye is, 1 as usual.
        light: of the lamp, by channel, 1 as usual.
    """

    scale: float = 1.0
    blur: Span = (0.3, 1.8)
    stain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)


USUAL = Laboratory()
ELSEWHERE = Laboratory(scale=0.85, blur=(1.0, 2.6), stain=(1.5, 0.8, 0.7), light=(0.86, 0.95, 1.02))
CELL_KINDS = {
    "basophil": CellKind(
        radius=(23, 32), cytoplasm=(176, 140, 182), nucleus=(98, 62, 138), lobes=(2, 3),
        lobe_radius=(0.40, 0.56), lobe_distance=(0.22, 0.38), arc=(100, 220),
        granules=(60, 160), granule=(62, 28, 104), granules_on_nucleus=True, vacuoles=(0, 3),
    ),
    "eosinophil": CellKind(
        radius=(25, 34), cytoplasm=(222, 170, 174), lobes=(2, 3), lobe_radius=(0.30, 0.40),
        lobe_distance=(0.34, 0.50), arc=(90, 170), granules=(90, 240), granule=(198, 100, 102),
        vacuoles=(0, 3),
    ),
    "erythroblast": CellKind(
        radius=(18, 31), cytoplasm=(160, 146, 188), nucleus=(68, 34, 92), lobe_radius=(0.50, 0.76),
    ),
    "immature granulocyte": CellKind(
        radius=(25, 37), cytoplasm=(192, 166, 194), nucleus=(102, 64, 140), lobes=(1, 3),
        lobe_radius=(0.48, 0.66), lobe_distance=(0.14, 0.34), arc=(30, 110), granules=(20, 110),
        granule=(128, 76, 148), vacuoles=(0, 2),
    ),
    "lymphocyte": CellKind(
        radius=(18, 29), cytoplasm=(150, 142, 196), nucleus=(84, 50, 122), lobe_radius=(0.74, 0.92),
    ),
    "monocyte": CellKind(
        radius=(28, 40), wobble=0.08, cytoplasm=(172, 158, 196), nucleus=(106, 70, 144),
        lobes=(4, 6), lobe_radius=(0.34, 0.46), lobe_distance=(0.28, 0.42), arc=(120, 250),
        granules=(10, 60), granule=(146, 118, 172), vacuoles=(0, 9),
    ),
    "neutrophil": CellKind(
        radius=(24, 35), cytoplasm=(226, 192, 198), lobes=(3, 5), lobe_radius=(0.22, 0.31),
        lobe_distance=(0.36, 0.50), arc=(130, 250), granules=(20, 110), granule=(192, 138, 168),
        vacuoles=(0, 2),
    ),
    "platelet": CellKind(
        radius=(6, 17), wobble=0.12, cytoplasm=(182, 156, 196), lobes=(0, 0), granules=(8, 40),
        granule=(112, 64, 144),
    ),
}  # fmt: skip


def draw_cell(
    kind: CellKind, rng: np.random.Generator, seen_in: Laboratory = USUAL
) -> NDArray[np.uint8]:
    """Draw one cell of a kind among red cells, shape (96, 96, 3), uint8, RGB.

    Places are complex numbers, x + iy, in pixels of the large picture.
    """
    picture = Image.new("RGB", (SIDE, SIDE), (250, 228, 203))
    radius = 2 * seen_in.scale * rng.uniform(*kind.radius)
    centre = complex(*rng.uniform(SIDE / 2 - 20, SIDE / 2 + 20, 2))
    for _ in range(rng.integers(1, 8)):
        size = seen_in.scale * rng.uniform(26, 36)
        place = centre + _at(rng.uniform(0, 360), radius + size * rng.uniform(0.85, 2.2))
        _lay(picture, _red_cell(place, size, rng), (216, 178, 172), 0, rng)
    body = _blob(centre, radius, kind.wobble, rng)
    _lay(picture, body, kind.cytoplasm, 8, rng)
    nucleus = ImageChops.multiply(_nucleus(kind, centre, radius, rng), body)
    _lay(picture, nucleus, kind.nucleus, 28, rng)
    free = body
    if not kind.granules_on_nucleus:
        free = ImageChops.subtract(body, nucleus)
    for counts, size, colour in (
        (kind.granules, 1.8, kind.granule),
        (kind.vacuoles, 3.5, (246, 228, 222)),
    ):
        number = int(rng.integers(*counts, endpoint=True))
        dots = _dots(number, size, centre, radius, rng)
        _lay(picture, ImageChops.multiply(dots, free), colour, 0, rng)
    return _photograph(picture, rng, seen_in)


def _at(degrees: Any, distance: Any) -> Any:
    """Return the offset of a place in a direction: numbers or arrays of numbers."""
    return distance * np.exp(1j * np.radians(degrees))


def _blob(centre: complex, radius: float, wobble: float, rng: np.random.Generator) -> Image.Image:
    """Return a mask of a round shape with an uneven outline."""
    angles = np.linspace(0, 360, 40, endpoint=False)
    lengths = np.full(40, radius)
    for wave in range(2, 6):
        height = radius * rng.normal(0, 2 * wobble / wave)
        lengths += height * np.cos(np.radians(wave * angles + rng.uniform(0, 360)))
    outline = centre + _at(angles, lengths)
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).polygon(outline.view(np.float64).tolist(), fill=245)
    return mask


def _red_cell(place: complex, size: float, rng: np.random.Generator) -> Image.Image:
    """Return a mask of a red cell, which is pale in its middle."""
    mask = _blob(place, size, 0.05, rng)
    draw = ImageDraw.Draw(mask)
    pale = rng.uniform(5, 30)
    for step in range(6):
        radius = size * (0.6 - 0.08 * step)
        draw.circle((place.real, place.imag), radius, fill=int(230 - pale * step))
    return mask


def _nucleus(
    kind: CellKind, centre: complex, radius: float, rng: np.random.Generator
) -> Image.Image:
    """Return a mask of the nucleus: lobes on an arc, which run into one another."""
    mask = Image.new("L", (SIDE, SIDE))
    start = rng.uniform(0, 360)
    n_lobes = rng.integers(*kind.lobes, endpoint=True)
    for angle in np.linspace(start, start + rng.uniform(*kind.arc), n_lobes):
        place = centre + _at(angle, radius * rng.uniform(*kind.lobe_distance))
        lobe = _blob(place, radius * rng.uniform(*kind.lobe_radius), kind.wobble, rng)
        mask = ImageChops.lighter(mask, lobe)
    return mask


def _dots(
    number: int, size: float, centre: complex, radius: float, rng: np.random.Generator
) -> Image.Image:
    """Return a mask of small discs, strewn evenly over a large one."""
    mask = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(mask)
    distances = radius * np.sqrt(rng.uniform(size=number))
    for place in centre + _at(rng.uniform(0, 360, number), distances):
        draw.circle((place.real, place.imag), size, fill=int(rng.integers(90, 250)))
    return mask


def _lay(
    picture: Image.Image, mask: Image.Image, colour: Rgb, contrast: float, rng: np.random.Generator
) -> None:
    """Lay about a colour over a picture where the mask is, with random lights and darks."""
    box = mask.getbbox()
    if box is None:
        return
    width, height = box[2] - box[0], box[3] - box[1]
    bumps = contrast * rng.standard_normal((height // 10 + 2, width // 10 + 2, 1))
    shade = rng.normal(0, 8) + rng.normal(0, 4, 3) + colour
    surface = Image.fromarray((shade + bumps).clip(0, 255).astype(np.uint8))
    surface = surface.resize((width, height), Image.Resampling.BILINEAR)
    picture.paste(surface, box, mask.crop(box))


def _photograph(
    picture: Image.Image, rng: np.random.Generator, seen_in: Laboratory
) -> NDArray[np.uint8]:
    """Reduce a picture; vary its stain, light and focus; add noise."""
    focused = picture.reduce(2).filter(ImageFilter.BoxBlur(rng.uniform(*seen_in.blur)))
    strength = rng.uniform(0.7, 1.3) * rng.uniform(0.85, 1.15, 3) * seen_in.stain
    exposure = rng.uniform(215, 265) * rng.uniform(0.95, 1.05, 3) * seen_in.light
    curves = exposure * (np.arange(256)[:, None] / 250) ** strength
    stained = focused.point(curves.clip(0, 255).T.ravel().tolist())
    slope = np.linspace(-1, 1, SIZE, dtype=np.float32)
    light = 1 + rng.uniform(-0.06, 0.06) * slope + rng.uniform(-0.06, 0.06) * slope[:, None]
    noise = rng.uniform(1, 5) * rng.standard_normal((SIZE, SIZE, 1), np.float32)
    pixels: NDArray[np.float32] = np.asarray(stained) * light[..., None] + noise
    return pixels.clip(0, 255).astype(np.uint8)
