"""How often a model says of batches of 100 images that they are unlike its training images."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.export.bundle import read_bundle
from bcsearch.views.corruption import CORRUPTIONS
from benchmarks.commands import run_command
from benchmarks.elsewhere import DEV, SHARED, TEST, read_cells, sets_elsewhere

if TYPE_CHECKING:
    from bcsearch.export.bundle import Bundle

N_BATCHES, BATCH = 200, 100
SEVERITIES = (1, 2, 3, 4, 5)


def main() -> None:
    """Print the share of batches; ``BENCH_MODEL`` names a model's folder, else one is made."""
    if not SHARED.exists():
        print(f"unlike: left out, {SHARED} is missing")
        return
    with TemporaryDirectory() as folder:
        model = os.environ.get("BENCH_MODEL")
        if model is None:
            places = ["--results", folder, "--cache-dir", str(Path(folder) / "cache")]
            run_command("run", "--study", "quickstart", "--data", str(DEV), *places)
            model = str(Path(folder) / "quickstart" / "model")
        bundle = read_bundle(model)
    for name, cells in sets_elsewhere().items():
        told, ways = _told(bundle, cells.images)
        print(f"{name}: {told} of {N_BATCHES} batches; {', '.join(ways) or 'nothing'}", flush=True)
    images = read_cells(TEST).images[:400]
    print("| corruption |", " | ".join(f"severity {each}" for each in SEVERITIES), "|")
    for name, row in CORRUPTIONS.items():
        shares = []
        for severity in SEVERITIES:
            changed = row.run(images, {"severity": float(severity)}, severity)
            shares.append(f"{100 * _told(bundle, changed)[0] / N_BATCHES:.0f} %")
        print(f"| {name} | {' | '.join(shares)} |", flush=True)


def _told(bundle: Bundle, images: np.ndarray) -> tuple[int, list[str]]:
    """Return of how many batches it is said, and in which measures of the whole."""
    likeness = bundle.likeness
    if likeness is None:
        raise SystemExit("the model keeps no word of its training images")
    measured = likeness.measured(images, bundle.features(images))
    random, told = np.random.default_rng(0), 0
    for _ in range(N_BATCHES):
        rows = random.permutation(len(images))[:BATCH]
        told += bool(likeness.differences({key: each[rows] for key, each in measured.items()}))
    ways = [f"{each.word} ({each.spreads:.1f})" for each in likeness.differences(measured)]
    return told, ways


if __name__ == "__main__":
    main()
