"""Draws one blood cell of a kind among red cells with Pillow; nothing here is photographed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Place = NDArray[np.float64]  # x and y, in pixels of the large picture
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


def draw_cell(kind: CellKind, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one cell of a kind among red cells, shape (96, 96, 3), uint8, RGB."""
    picture = Image.new("RGB", (SIDE, SIDE), (250, 228, 203))
    radius = 2 * rng.uniform(*kind.radius)
    centre = SIDE / 2 + rng.uniform(-20, 20, 2)
    for _ in range(rng.integers(1, 8)):
        _draw_red_cell(picture, centre, radius, rng)
    body = _blob(centre, radius, kind.wobble, rng)
    _lay(picture, body, kind.cytoplasm, 8, rng)
    nucleus = ImageChops.multiply(_nucleus(kind, centre, radius, rng), body)
    _lay(picture, nucleus, kind.nucleus, 28, rng)
    free = body
    if not kind.granules_on_nucleus:
        free = ImageChops.subtract(body, nucleus)
    granules = _dots(kind.granules, 1.8, centre, radius, rng)
    _lay(picture, ImageChops.multiply(granules, free), kind.granule, 0, rng)
    vacuoles = _dots(kind.vacuoles, 3.5, centre, radius, rng)
    _lay(picture, ImageChops.multiply(vacuoles, free), (246, 228, 222), 0, rng)
    return _photograph(picture, rng)


def _draw_red_cell(
    picture: Image.Image, centre: Place, radius: float, rng: np.random.Generator
) -> None:
    """Draw a red cell, pale in its middle, beside the place of the cell."""
    size = rng.uniform(26, 36)
    place = _around(centre, rng.uniform(0, 360), radius + size * rng.uniform(0.85, 2.2))
    cell = _blob(place, size, 0.05, rng)
    pale = rng.uniform(5, 30)
    draw = ImageDraw.Draw(cell)
    for step in range(6):
        draw.circle(place.tolist(), size * (0.6 - 0.08 * step), fill=int(230 - pale * step))
    _lay(picture, cell, (216, 178, 172), 0, rng)


def _nucleus(kind: CellKind, centre: Place, radius: float, rng: np.random.Generator) -> Image.Image:
    """Return a mask of the nucleus: lobes on an arc, which run into one another."""
    mask = Image.new("L", (SIDE, SIDE))
    n_lobes = rng.integers(*kind.lobes, endpoint=True)
    arc = np.linspace(0, rng.uniform(*kind.arc), n_lobes)
    for angle in rng.uniform(0, 360) + arc:
        place = _around(centre, angle, radius * rng.uniform(*kind.lobe_distance))
        lobe = _blob(place, radius * rng.uniform(*kind.lobe_radius), kind.wobble, rng)
        mask = ImageChops.lighter(mask, lobe)
    return mask


def _blob(centre: Place, radius: float, wobble: float, rng: np.random.Generator) -> Image.Image:
    """Return a mask of a round shape with an uneven outline."""
    angles = np.linspace(0, 360, 40, endpoint=False)
    uneven = np.zeros(len(angles))
    for wave in range(2, 6):
        height = rng.normal(0, 2 * wobble / wave)
        uneven += height * np.cos(np.radians(wave * angles + rng.uniform(0, 360)))
    outline = _around(centre, angles, radius * (1 + uneven))
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).polygon(outline.ravel().tolist(), fill=245)
    return mask


def _dots(
    counts: Counts, size: float, centre: Place, radius: float, rng: np.random.Generator
) -> Image.Image:
    """Return a mask of small discs, strewn evenly over a large one."""
    mask = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(mask)
    number = rng.integers(*counts, endpoint=True)
    distances = radius * np.sqrt(rng.uniform(size=number))
    places = _around(centre, rng.uniform(0, 360, number), distances)
    for place, opacity in zip(places.tolist(), rng.integers(90, 250, number), strict=True):
        draw.circle(place, size, fill=int(opacity))
    return mask


def _around(
    centre: Place, degrees: float | NDArray[np.float64], distance: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the places at these angles and distances, x and y in the last axis."""
    angle = np.radians(degrees)
    offsets: NDArray[np.float64] = np.stack(
        [distance * np.cos(angle), distance * np.sin(angle)], axis=-1
    )
    return centre + offsets


def _lay(
    picture: Image.Image, mask: Image.Image, colour: Rgb, contrast: float, rng: np.random.Generator
) -> None:
    """Lay about a colour over a picture where the mask is, with random lights and darks."""
    box = mask.getbbox()
    if box is None:
        return
    size = (box[2] - box[0], box[3] - box[1])
    bumps = contrast * rng.standard_normal((size[1] // 10 + 2, size[0] // 10 + 2, 1))
    shade = rng.normal(0, 8) + rng.normal(0, 4, 3) + colour
    surface = Image.fromarray((shade + bumps).clip(0, 255).astype(np.uint8))
    picture.paste(surface.resize(size, Image.Resampling.BILINEAR), box, mask.crop(box))


def _photograph(picture: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Reduce a picture; vary its stain, light and focus; add noise."""
    focused = picture.reduce(2).filter(ImageFilter.BoxBlur(rng.uniform(0.3, 1.8)))
    strength = rng.uniform(0.7, 1.3) * rng.uniform(0.85, 1.15, 3)
    exposure = rng.uniform(0.86, 1.06) * rng.uniform(0.95, 1.05, 3)
    levels = np.arange(256)[:, None] / 250
    curves = 250 * exposure * levels**strength
    stained = focused.point(np.clip(curves, 0, 255).T.ravel().tolist())
    across, down = rng.uniform(-0.06, 0.06, 2)
    slope = np.linspace(-1, 1, SIZE, dtype=np.float32)
    light = 1 + across * slope + down * slope[:, None]
    noise = rng.uniform(1, 5) * rng.standard_normal((SIZE, SIZE, 1), np.float32)
    pixels: NDArray[np.float32] = np.asarray(stained) * light[..., None] + noise
    return pixels.clip(0, 255).astype(np.uint8)
