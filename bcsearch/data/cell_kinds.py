"""The table of blood-cell kinds that the demo draws. Imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[float, float, float]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellKind:
    """How one kind of cell looks. Radii are in pixels for the cell and shares of its radius for the rest."""

    radius: Span  # of the cell
    wobble: float  # how far its outline strays from an ellipse, in pixels
    cytoplasm: Rgb
    cytoplasm_spread: float  # how much its colour differs from cell to cell
    lobes: tuple[int, int]  # of the nucleus; 0: it has none
    lobe_radius: Span
    lobe_distance: Span  # of the lobes' centres from the middle of the cell
    sweep: Span  # degrees of the arc that the lobes stand on
    nucleus: Rgb
    chromatin: float  # contrast of the texture in the nucleus
    granules: tuple[int, int]
    granule: Rgb
    granule_radius: float  # in pixels
    granule_depth: Span  # how opaque granules are
    veil: float  # how far granules cover the nucleus too, 0 to 1
    vacuoles: tuple[int, int]


CELL_KINDS: dict[str, CellKind] = {
    "basophil": CellKind(
        radius=(23, 32), wobble=2.0, cytoplasm=(176, 140, 182), cytoplasm_spread=16,
        lobes=(2, 3), lobe_radius=(0.40, 0.56), lobe_distance=(0.22, 0.38), sweep=(100, 220),
        nucleus=(98, 62, 138), chromatin=0.5,
        granules=(150, 380), granule=(58, 24, 100), granule_radius=1.1, granule_depth=(0.6, 1.1), veil=1.0,
        vacuoles=(0, 3),
    ),
    "eosinophil": CellKind(
        radius=(25, 34), wobble=2.2, cytoplasm=(222, 170, 174), cytoplasm_spread=14,
        lobes=(2, 3), lobe_radius=(0.30, 0.40), lobe_distance=(0.34, 0.50), sweep=(90, 170),
        nucleus=(84, 48, 122), chromatin=0.8,
        granules=(200, 480), granule=(198, 100, 102), granule_radius=1.0, granule_depth=(0.35, 0.9), veil=0.0,
        vacuoles=(0, 3),
    ),
    "erythroblast": CellKind(
        radius=(18, 31), wobble=2.2, cytoplasm=(160, 146, 188), cytoplasm_spread=24,
        lobes=(1, 1), lobe_radius=(0.50, 0.76), lobe_distance=(0.0, 0.22), sweep=(0, 0),
        nucleus=(68, 34, 92), chromatin=0.9,
        granules=(0, 12), granule=(110, 80, 150), granule_radius=0.8, granule_depth=(0.1, 0.4), veil=0.0,
        vacuoles=(0, 0),
    ),
    "immature granulocyte": CellKind(
        radius=(25, 37), wobble=2.6, cytoplasm=(192, 166, 194), cytoplasm_spread=22,
        lobes=(1, 3), lobe_radius=(0.48, 0.66), lobe_distance=(0.14, 0.34), sweep=(30, 110),
        nucleus=(102, 64, 140), chromatin=0.9,
        granules=(40, 200), granule=(128, 76, 148), granule_radius=0.8, granule_depth=(0.2, 0.7), veil=0.3,
        vacuoles=(0, 2),
    ),
    "lymphocyte": CellKind(
        radius=(18, 29), wobble=2.0, cytoplasm=(150, 142, 196), cytoplasm_spread=22,
        lobes=(1, 1), lobe_radius=(0.74, 0.92), lobe_distance=(0.0, 0.14), sweep=(0, 0),
        nucleus=(84, 50, 122), chromatin=0.6,
        granules=(0, 10), granule=(120, 70, 150), granule_radius=0.8, granule_depth=(0.1, 0.5), veil=0.0,
        vacuoles=(0, 0),
    ),
    "monocyte": CellKind(
        radius=(28, 40), wobble=5.0, cytoplasm=(172, 158, 196), cytoplasm_spread=20,
        lobes=(4, 6), lobe_radius=(0.34, 0.46), lobe_distance=(0.28, 0.42), sweep=(120, 250),
        nucleus=(106, 70, 144), chromatin=1.0,
        granules=(10, 90), granule=(146, 118, 172), granule_radius=0.8, granule_depth=(0.1, 0.5), veil=0.0,
        vacuoles=(0, 9),
    ),
    "neutrophil": CellKind(
        radius=(24, 35), wobble=2.4, cytoplasm=(226, 192, 198), cytoplasm_spread=16,
        lobes=(3, 5), lobe_radius=(0.22, 0.31), lobe_distance=(0.36, 0.50), sweep=(130, 250),
        nucleus=(82, 46, 120), chromatin=0.8,
        granules=(30, 170), granule=(192, 138, 168), granule_radius=0.7, granule_depth=(0.2, 0.6), veil=0.0,
        vacuoles=(0, 2),
    ),
    "platelet": CellKind(
        radius=(6, 17), wobble=2.4, cytoplasm=(182, 156, 196), cytoplasm_spread=18,
        lobes=(0, 0), lobe_radius=(0.0, 0.0), lobe_distance=(0.0, 0.0), sweep=(0, 0),
        nucleus=(120, 80, 150), chromatin=0.0,
        granules=(12, 60), granule=(112, 64, 144), granule_radius=1.0, granule_depth=(0.4, 0.95), veil=0.0,
        vacuoles=(0, 0),
    ),
}  # fmt: skip
