"""How each score ranks models, against their accuracy on images of elsewhere.

Random configurations, a third on each of three preprocessings, are cross-validated and refitted;
the rank correlation of a score with the refitted models' accuracy there is what it is worth.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from bcsearch.config import RunOptions
from bcsearch.features.features import Features
from bcsearch.records.checkpoint import NoCheckpoints
from bcsearch.records.events import ignore
from bcsearch.scores.table import SCORES, SHIFTED
from bcsearch.study.assemble import prepare
from bcsearch.study.interrupts import Interrupts
from bcsearch.training.keras_head import keras_head
from bcsearch.views.view import View
from benchmarks.elsewhere import DEV, SHARED, sets_elsewhere

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.recipe import Params, Value
    from bcsearch.study.assemble import Prepared
    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.training.trainer import Trainer
    from benchmarks.elsewhere import Cells

N_TRIALS = 48
PREPROCESSINGS = ("none", "circle+two_point", "circle+two_point+grayscale")
NAMES = ("accuracy", "log_loss", *(f"accuracy@{name}" for name in SHIFTED))
RESAMPLES = 1000


def main() -> None:
    """Print correlations; ``BENCH_RANKING`` names a folder that keeps rows and the cache."""
    if not SHARED.exists():
        print(f"ranking: left out, {SHARED} is missing")
        return
    with TemporaryDirectory() as folder:
        kept = Path(os.environ.get("BENCH_RANKING", folder))
        rows = _measured(kept)
    print(f"rank correlation over {len(rows)} configurations, with 95 % intervals")
    sets = [name.removeprefix("on ") for name in rows[0] if name.startswith("on ")]
    print("| score |", " | ".join(sets), "| mean of all but test |")
    for score in NAMES:
        by_score = np.array([float(row[score]) for row in rows])
        by_set = {name: np.array([float(row[f"on {name}"]) for row in rows]) for name in sets}
        by_set["mean"] = np.mean([by_set[name] for name in sets if name != "test"], axis=0)
        told = [_correlation(by_score, values) for values in by_set.values()]
        print(f"| {score} | {' | '.join(told)} |")


def _measured(kept: Path) -> list[dict[str, str]]:
    path = kept / "ranking.csv"
    options = RunOptions(data=str(DEV), cache_dir=kept / "cache")
    with Interrupts(ignore) as interrupts:
        prepared = prepare(options.plan("robust"), options, ignore, interrupts)
        trainer = prepared.trainer.scored_by([SCORES[name] for name in NAMES])
        sets = sets_elsewhere()
        for number in range(len(_read(path)), N_TRIALS):
            values = drawn(number)
            params = trainer.canonical(values)
            result = trainer(params, lambda *_: False, NoCheckpoints())
            rates = [each.learning_rate for each in result.epochs[: result.best.epoch + 1]]
            weights = trainer.train_all(params, rates, lambda: None)
            row = {"number": number, **values, **result.best.means}
            for name, cells in sets.items():
                row[f"on {name}"] = accuracy_on(prepared, trainer, cells, params, weights)
            _append(path, row)
    return _read(path)


def drawn(number: int) -> dict[str, Value]:
    """Draw a configuration: heads, augmentation, smoothing, by preprocessings in turns."""
    random = np.random.default_rng(number)
    varied = bool(random.integers(2))
    return {
        "backbone": "efficientnet_lite0",
        "image_size": 160,
        "preprocess": PREPROCESSINGS[number % len(PREPROCESSINGS)],
        "augment": "varied" if varied else "none",
        "views": 8 if varied else 1,
        "head_layers": int(random.integers(3)),
        "units_1": int(random.choice([128, 256, 512])),
        "dropout": float(random.uniform(0.0, 0.6)),
        "learning_rate": float(10 ** random.uniform(-3.5, -2.0)),
        "label_smoothing": float(random.choice([0.0, 0.1])),
        "mix": str(random.choice(["none", "mixup"])),
        "class_weights": str(random.choice(["none", "balanced"])),
        "batch_size": 128,
    }


def accuracy_on(
    prepared: Prepared, trainer: Trainer, cells: Cells, params: Params, weights: FoldWeights
) -> float:
    """Return the accuracy of a head on other images, whose features are kept in the cache."""
    ours = prepared.trainer.features
    features = Features(images=cells.images, store=ours.store, weights=ours.weights)
    view = View(trainer.views.preprocessing(params))
    seen = features.activations(params.backbone, params.image_size, "pooled", view)
    found = keras_head(params, weights)(np.asarray(seen, np.float32))
    return float((np.asarray(found).argmax(axis=1) == cells.labels).mean())


def _correlation(first: np.ndarray, second: np.ndarray) -> str:
    random = np.random.default_rng(0)
    draws = random.integers(len(first), size=(RESAMPLES, len(first)))
    found = [spearmanr(first[rows], second[rows]).statistic for rows in draws]
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return f"{spearmanr(first, second).statistic:+.2f} ({low:+.2f} to {high:+.2f})"


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _append(path: Path, row: Mapping[str, object]) -> None:
    is_new = not path.exists()
    fields: Sequence[str] = list(row)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fields)
        if is_new:
            writer.writeheader()
        writer.writerow(row)
    print(row, flush=True)


if __name__ == "__main__":
    main()
