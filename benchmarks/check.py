"""The check of the data: planted copies that it finds, and its cost at 50,000 images."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.looked import Looked, thumbnails
from bcsearch.check.outliers import similarity
from bcsearch.check.table import check_data
from bcsearch.config import Search
from bcsearch.data import Dataset, load_dataset
from bcsearch.data.cells import CELL_KINDS, draw_cell
from bcsearch.export.check_page import check_page
from bcsearch.scores.table import chosen_scores
from benchmarks.commands import TEST
from benchmarks.copies import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

N_PLANTED = 40  # of each kind, half of them under another label
N_DRAWN = (12_000, 25_000, 50_000)
COPIES = ("exact_copies", "near_copies")
N_JUNK, N_FEATURES = 600, 1280


def main() -> None:
    """Print how many planted copies are found, and seconds, memory and page on drawn images."""
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
    """Print seconds, memory and the size of the page for drawn cells of which no two are alike.

    Their features are thumbnails, and 600 of them are one planted picture.
    """
    cells = drawn_cells(n_images)
    cells.images[:: n_images // N_JUNK] = cells.images[0]
    features = np.resize(thumbnails(cells.images), (n_images, N_FEATURES)).astype(np.float16)
    begun = time.perf_counter()
    looked = Looked(cells, features, scores=chosen_scores(Search()))
    check = check_data(looked)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    page = len(check_page(check, cells, similarity(looked)).encode()) / 2**20
    print(
        f"{n_images} drawn images: {seconds:.0f} s, peak {peak:.1f} GiB, page {page:.1f} MiB, "
        f"{check.reasons}",
        flush=True,
    )


def drawn_cells(n_images: int) -> Dataset:
    """Return cells of all kinds, each drawn anew."""
    names = tuple(CELL_KINDS)
    labels = np.arange(n_images) % len(names)
    random = np.random.default_rng(0)
    images = np.stack([draw_cell(CELL_KINDS[names[label]], random) for label in labels])
    return Dataset(images=images, labels=labels, class_names=names, drawn=True)


if __name__ == "__main__":
    main()
