"""One corruption for each image, drawn: images that scores under shift are computed on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.seeds import derive_seed
from bcsearch.views.corruption import CORRUPTIONS
from bcsearch.views.operation import Kind, Operation
from bcsearch.views.view import CHUNK, Applied, View, chunk_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bcsearch.views.view import Setting

SEVERITIES = (2, 3)
FAMILIES = tuple(dict.fromkeys(row.family for row in CORRUPTIONS.values()))
MIXED_NAME = "mixed"


class Drawn(NamedTuple):
    """What is done to one image: a corruption of ``CORRUPTIONS``, and how much."""

    name: str
    severity: int


def drawn(seed: int) -> Sequence[Drawn]:
    """Draw what is done to each image of a chunk: every family to about as many images."""
    random = np.random.default_rng(seed)
    rounds = -(-CHUNK // len(FAMILIES))
    families = np.concatenate([random.permutation(len(FAMILIES)) for _ in range(rounds)])[:CHUNK]
    found = []
    for number in families:
        names = [name for name, row in CORRUPTIONS.items() if row.family == FAMILIES[number]]
        found.append(Drawn(str(random.choice(names)), int(random.choice(SEVERITIES))))
    return found


def families_of(shift: tuple[Applied, ...], rows: np.ndarray) -> np.ndarray:
    """Return the number in ``FAMILIES`` of what a mixed shift does to images, (n,), by rows (n,).

    Raises:
        ValueError: the shift is not mixed.
    """
    if [op.name for op in shift] != [MIXED_NAME]:
        raise ValueError(f"{shift} is no mixed shift")
    n_chunks = int(rows.max(initial=0)) // CHUNK + 1
    numbers: np.ndarray = _families(shift, n_chunks)[rows]
    return numbers


@lru_cache(maxsize=64)
def _families(shift: tuple[Applied, ...], n_chunks: int) -> np.ndarray:
    """Return the numbers of all images of so many chunks; read-only."""
    (op,) = shift
    seeds = [_seed(chunk_seed(View(shift), op, at * CHUNK), op.settings) for at in range(n_chunks)]
    found = np.array([FAMILY_NUMBERS[each.name] for seed in seeds for each in drawn(seed)])
    found.flags.writeable = False
    return found


def _seed(of_chunk: int, settings: Iterable[tuple[str, Setting]]) -> int:
    return derive_seed(of_chunk, "draw", int(dict(settings)["number"]))  # type: ignore[arg-type]


def mixed_shift(number: int) -> tuple[Applied, ...]:
    """Return what images go through for scores under shift; each ``number`` has its own draws."""
    return (Applied(MIXED_NAME, (("number", float(number)),)),)


def _run(images: np.ndarray, settings: Mapping[str, Setting], seed: int) -> np.ndarray:
    seed = _seed(seed, settings.items())
    changed = np.empty_like(images)
    for row, (name, severity) in enumerate(drawn(seed)[: len(images)]):
        amount = {"severity": float(severity)}
        own = derive_seed(seed, "image", row)
        changed[row : row + 1] = CORRUPTIONS[name].run(images[row : row + 1], amount, own)
    return changed


FAMILY_NUMBERS = {name: FAMILIES.index(row.family) for name, row in CORRUPTIONS.items()}
MIXED = Operation(
    kind=Kind.CORRUPT,
    family="mixed",
    doc="One of all corruptions at severity 2 or 3, drawn for each image.",
    run=_run,
    settings={"number": 1.0},
)
