"""The check of the data: planted copies that it finds, and its cost at 50,000 images."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.looked import Looked
from bcsearch.check.table import check_data
from bcsearch.data import load_dataset
from bcsearch.data.demo import load_demo
from benchmarks.commands import TEST
from benchmarks.copies import KINDS, pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

N_PLANTED = 40  # of each kind, half of them under another label
N_DRAWN = (12_500, 25_000, 50_000)
COPIES = ("exact_copies", "near_copies")
PICTURES = ("exact_copies", "near_copies", "blank", "saturated", "blurred", "shortcuts")


def main() -> None:
    """Print how many planted copies are found, and seconds and memory on drawn images."""
    if TEST.exists():
        print("| copies | found | of them under another label | pairs that are none |")
        print("|---|---|---|---|")
        for name, change in KINDS.items():
            print(f"| {name} | {' | '.join(map(str, planted(change)))} |", flush=True)
    for n_images in N_DRAWN:
        cost(n_images)


def planted(change: Callable[[np.ndarray], np.ndarray]) -> Iterable[str]:
    """Plant copies in the held-out cells, and return what was found."""
    cells = load_dataset(TEST)
    random = np.random.default_rng(0)
    sources = random.choice(cells.n_images, N_PLANTED, replace=False)
    copies = np.stack([change(cells.images[row]) for row in sources])
    labels = cells.labels[sources].copy()
    labels[::2] = (labels[::2] + 1) % cells.n_classes
    whole = replace(
        cells,
        images=np.concatenate([cells.images, copies]),
        labels=np.concatenate([cells.labels, labels]),
    )
    check = check_data(Looked(whole, None), COPIES)
    group_of = {row: rows[0] for rows in check.groups for row in rows}
    pairs = list(zip(sources.tolist(), range(cells.n_images, whole.n_images), strict=True))
    found = [group_of.get(source, -1) == group_of.get(copy, -2) for source, copy in pairs]
    conflicts = {each.row for each in check.findings if each.reason.endswith("other label")}
    named = [copy in conflicts for _, copy in pairs[::2]]
    known = {row for pair in pairs for row in pair}
    n_others = sum(1 for rows in check.groups for row in rows[1:] if row not in known)
    yield f"{sum(found)} of {len(pairs)}"
    yield f"{sum(named)} of {len(named)}"
    yield str(n_others)


def cost(n_images: int) -> None:
    """Print seconds and peak memory of the checks of pixels on drawn images, no two alike."""
    demo = load_demo(96)
    random = np.random.default_rng(0)
    rows = np.resize(np.arange(demo.n_images), n_images)
    images = demo.images[rows]
    for start in range(0, n_images, 1000):
        part = images[start : start + 1000]
        noise = random.normal(0.0, 25.0, part.shape).astype(np.float32)
        part[:] = pixels(part.astype(np.float32) * random.uniform(0.7, 1.0) + noise)
    features = random.normal(size=(n_images, 1280)).astype(np.float16)
    whole = replace(demo, images=images, labels=demo.labels[rows])
    begun = time.perf_counter()
    check = check_data(Looked(whole, features), PICTURES)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = f"{seconds:.0f} s, peak {peak:.1f} GiB, {check.reasons}"
    print(f"{n_images} drawn images: {found}", flush=True)


if __name__ == "__main__":
    main()
