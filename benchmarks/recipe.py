"""What each row of the recipe gives over a plain head, by three training seeds, on real cells."""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from bcsearch.backbones.cuts import INPUT
from bcsearch.config import RunOptions
from bcsearch.data.source import load_images
from bcsearch.export.bundle import Bundle
from bcsearch.export.evaluate import evaluate
from bcsearch.records.checkpoint import NoCheckpoints
from bcsearch.records.events import ignore
from bcsearch.scores.table import chosen_scores
from bcsearch.study.assemble import prepare
from bcsearch.study.interrupts import Interrupts
from bcsearch.training.needs import needs_of
from bcsearch.training.trainer import Trainer
from benchmarks.commands import DATA, TEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bcsearch.recipe import Value
    from bcsearch.study.assemble import Prepared

MINI = DATA.parent / "pbc_mini_96.npz"
KEY, BCCD = DATA.with_suffix(".key.json"), DATA.parent / "bccd_shift_96.npz"
SEEDS = (0, 1, 2)
EPOCHS, EPOCHS_UNFROZEN = 20, 8
ROBUST = "circle+two_point+grayscale"
POLICIES = (
    *("light", "medium", "strong", "geometric", "colour", "stain"),
    *("randaugment", "augmix", "trivial", "full", "varied"),
)
PLAIN: dict[str, Value] = {"head_layers": 1, "units_1": 256, "dropout": 0.3}
ROWS: dict[str, dict[str, Value]] = {
    "plain head": {},
    **{
        f"preprocess = {name}": {"preprocess": name}
        for name in (
            *(ROBUST, "two_point+circle+grayscale", "two_point+grayscale"),
            *("circle+two_point", "two_point+circle", "circle", "two_point", "grayscale", "green"),
            *("reinhard", "background_white", "gray_world", "standardize"),
        )
    },
    "mix = mixup, alpha 0.2": {"mix": "mixup"},
    "mix = mixup, alpha 1": {"mix": "mixup", "mix_alpha": 1.0},
    "mix = cutmix, alpha 1": {"mix": "cutmix", "mix_alpha": 1.0},
    "mix = cutmix_or_mixup, alpha 1, half": {
        "mix": "cutmix_or_mixup",
        "mix_alpha": 1.0,
        "mix_probability": 0.5,
    },
    "class_weights = balanced": {"class_weights": "balanced"},
    "class_weights = effective": {"class_weights": "effective"},
    "class_weights = confusion": {"class_weights": "confusion"},
    "sampling = balanced": {"sampling": "balanced"},
    "sampling = second_stage": {"sampling": "second_stage"},
    "loss = focal": {"loss": "focal"},
    "loss = triplet": {"loss": "triplet"},
    "label_smoothing = 0.1": {"label_smoothing": 0.1},
    "head_norm = batch": {"head_norm": "batch"},
    "head_norm = layer": {"head_norm": "layer"},
    "l2 = 0.001": {"l2": 0.001},
    "head_layers = 0": {"head_layers": 0},
    "head_layers = 2": {"head_layers": 2},
    **{
        f"schedule = {name}": {"schedule": name}
        for name in ("constant", "exponential", "plateau", "one_cycle", "step")
    },
    "warmup_epochs = 3": {"warmup_epochs": 3},
    "pooling = max": {"pooling": "max"},
    "pooling = both": {"pooling": "both"},
    "augment = varied, 14 views": {"augment": "varied", "views": 14},
    f"{ROBUST}, varied, 14 views": {"preprocess": ROBUST, "augment": "varied", "views": 14},
    **{f"augment = {name}, 4 views": {"augment": name} for name in POLICIES},
    "augment = medium, 4 views, strength 1": {"augment": "medium", "augment_strength": 1.0},
    "the same, sampling = balanced": {
        "augment": "medium",
        "augment_strength": 1.0,
        "sampling": "balanced",
    },
}
UNFROZEN: dict[str, Value] = {"unfreeze_fraction": 0.5, "backbone_rate": 0.1, "batch_size": 32}
ROWS_UNFROZEN: dict[str, dict[str, Value]] = {
    "plain head": {"batch_size": 32},
    "half of the network": UNFROZEN,
    "whole network": {**UNFROZEN, "unfreeze_fraction": 1.0},
    "half, layer_decay = 0.8": {**UNFROZEN, "layer_decay": 0.8},
    "half, batch_norm = trained": {**UNFROZEN, "batch_norm": "trained"},
    "half, unfreeze_schedule = gradual": {**UNFROZEN, "unfreeze_schedule": "gradual"},
    "half, unfreeze_schedule = half_then_all": {**UNFROZEN, "unfreeze_schedule": "half_then_all"},
    "half, varied, 4 views": {**UNFROZEN, "augment": "varied"},
    "half, mix = mixup, alpha 1": {**UNFROZEN, "mix": "mixup", "mix_alpha": 1.0},
    "half, mix = cutmix, alpha 1": {**UNFROZEN, "mix": "cutmix", "mix_alpha": 1.0},
}
ROWS_ONLINE: dict[str, dict[str, Value]] = {
    "varied, fresh in each epoch": {"batch_size": 32, "augment": "varied"},
    "the same, cutmix of images, alpha 1": {
        "batch_size": 32,
        "augment": "varied",
        "mix": "cutmix",
        "mix_alpha": 1.0,
    },
    "half, varied, fresh in each epoch": {**UNFROZEN, "augment": "varied"},
}
COLUMNS = ("row", "seed", "folds", "test", "bccd", "passes", "seconds of passes", "seconds")


def main() -> None:
    """Print both tables; ``BENCH_RECIPE`` names a folder that keeps rows from run to run."""
    missing = [path for path in (DATA, KEY, TEST, BCCD, MINI) if not path.exists()]
    if missing:
        print(f"recipe: left out, {missing[0]} is missing")
        return
    with TemporaryDirectory() as folder:
        kept = Path(os.environ.get("BENCH_RECIPE", folder))
        cells = good_cells(Path(folder))
        measure(ROWS, cells, EPOCHS, kept / "recipe.csv")
        measure(ROWS_UNFROZEN, MINI, EPOCHS_UNFROZEN, kept / "unfrozen.csv")
        measure(ROWS_ONLINE, MINI, EPOCHS_UNFROZEN, kept / "online.csv", "online")


def measure(
    rows: Mapping[str, Mapping[str, Value]],
    cells: Path,
    epochs: int,
    kept: Path,
    views: str = "stored",
) -> None:
    """Measure rows on some cells unless a file keeps them already, and print all."""
    settings = [f"training.epochs={epochs}", f"views.mode={views}"]
    options = RunOptions(data=str(cells), settings=settings, no_check=True)
    with Interrupts(ignore) as interrupts:
        prepared = prepare(options.plan("quickstart"), options, ignore, interrupts)
        trainers = [_trainer(prepared, seed) for seed in SEEDS]
        for name, params in rows.items():
            for seed, trainer in zip(SEEDS, trainers, strict=True):
                if (name, str(seed)) not in _rows(kept):
                    found = _measure(prepared, trainer, {**PLAIN, **params})
                    _keep(kept, {"row": name, "seed": seed, **found})
    _print(rows, _rows(kept))


def good_cells(folder: Path) -> Path:
    """Write the 4,000 cells without what was planted among them."""
    key = json.loads(KEY.read_text())
    planted = [*key["planted_junk_rows"], *(pair[1] for pair in key["exact_duplicate_pairs"])]
    arrays = np.load(DATA)
    good = {name: np.delete(arrays[name], planted, axis=0) for name in ("data", "labels")}
    path = folder / "cells.npz"
    np.savez(path, **good)
    return path


def _trainer(prepared: Prepared, seed: int) -> Trainer:
    sweep = prepared.plan.sweep
    training = sweep.training.model_copy(update={"seed": seed})
    return Trainer(
        prepared.dataset,
        prepared.folds,
        prepared.trainer.features,
        sweep.model_copy(update={"training": training}),
        chosen_scores(sweep.search),
    )


def _measure(prepared: Prepared, trainer: Trainer, values: Mapping[str, Value]) -> dict[str, float]:
    """Cross-validate one configuration, train it on all images, and score it elsewhere.

    ``passes`` are those from an empty cache to features that are kept.
    """
    params = trainer.canonical(values)
    needs = needs_of(params, trainer.scored_views(params), trainer.n_epochs)
    begun = time.perf_counter()
    result = trainer(params, lambda *_: False, NoCheckpoints())
    took = time.perf_counter() - begun
    rates = [epoch.learning_rate for epoch in result.epochs[: result.best.epoch + 1]]
    model = trainer.refit(params, rates, lambda: None)
    about: dict[str, Any] = {"model": {"classes": list(prepared.dataset.class_names)}}
    bundle = Bundle(model=model, about=about)
    elsewhere = {
        name: evaluate(bundle, load_images(str(path), 96, prepared.plan.sweep.reading)).accuracy
        for name, path in (("test", TEST), ("bccd", BCCD))
    }
    return {
        "folds": result.best.mean,
        **elsewhere,
        "passes": sum(need.cut != INPUT for need in needs) * prepared.dataset.n_images,
        "seconds of passes": took - result.seconds,
        "seconds": result.seconds,
    }


def _rows(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {(row["row"], row["seed"]): row for row in csv.DictReader(file)}


def _keep(path: Path, row: Mapping[str, Any]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow(row)
    print(row, flush=True)


def _print(names: Iterable[str], rows: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
    print("| | folds | test | bccd | passes | seconds of passes not kept before | seconds |")
    for name in names:
        found = [row for (kept, _), row in rows.items() if kept == name]
        if len(found) < 2:
            continue
        cells = []
        for column in ("folds", "test", "bccd"):
            shares = [100 * float(row[column]) for row in found]
            cells.append(f"{mean(shares):.1f} ± {stdev(shares):.1f}")
        n_passes = max(int(row["passes"]) for row in found)
        of_passes = max(float(row["seconds of passes"]) for row in found)
        seconds = mean(float(row["seconds"]) for row in found)
        print(f"| {name} | {' | '.join(cells)} | {n_passes} | {of_passes:.0f} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
