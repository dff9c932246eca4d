"""From the clean winner to the committee: what each step gives on images of elsewhere.

Searches of 60 trials on the same cells: `quickstart` on images as they are, the same ranked on
shifted images, `quickstart` with its preprocessings, `robust`. Where more than one network ships,
the winner alone is scored too.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.stats import binomtest

from bcsearch.export.bundle import read_bundle
from bcsearch.records.choice import LINEAR_HEAD
from benchmarks.commands import read_json, run_command
from benchmarks.elsewhere import DEV, SHARED, sets_elsewhere

AS_THEY_ARE = ("--set", "params.preprocess=none")
SEARCHES = {
    "images as they are": ("quickstart", *AS_THEY_ARE),
    "ranked on shifted images": ("quickstart", *AS_THEY_ARE, "--score", "accuracy@shift"),
    "quickstart": ("quickstart",),
    "robust": ("robust",),
}


def main() -> None:
    """Print scores; ``BENCH_STEPS`` names a folder that keeps studies, models and the cache."""
    if not SHARED.exists():
        print(f"steps: left out, {SHARED} is missing")
        return
    sets = sets_elsewhere()
    print(f"| | minutes | {' | '.join(sets)} | mean of all but test |")
    with TemporaryDirectory() as folder:
        kept = Path(os.environ.get("BENCH_STEPS", folder)).resolve()
        for name, (sweep, *more) in SEARCHES.items():
            place = kept / name.replace(" ", "-")
            minutes = _search(place, kept / "cache", sweep, *more)
            for way, model in _models(place, kept / "cache", sweep).items():
                bundle = read_bundle(model)
                told, shares = [], []
                for cells in sets.values():
                    right = bundle.predict(cells.images).argmax(axis=1) == cells.labels
                    found = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
                    share, margin = right.mean(), (found.high - found.low) / 2
                    shares.append(share)
                    told.append(f"{100 * share:.1f} ± {100 * margin:.1f}")
                mean = f"{100 * np.mean(shares[1:]):.1f}"
                print(f"| {name}, {way} | {minutes} | {' | '.join(told)} | {mean} |", flush=True)


def _search(place: Path, cache: Path, sweep: str, *more: str) -> str:
    """Run a search unless it stands; return its minutes."""
    said = place / "minutes"
    if not said.exists():
        places = ["--results", str(place), "--storage", str(place / "studies.db")]
        options = ["--data", str(DEV), "--cache-dir", str(cache), *more]
        ran = run_command("run", "--study", sweep, *places, *options)
        said.write_text(f"{ran.minutes:.1f}")
    return said.read_text()


def _models(place: Path, cache: Path, sweep: str) -> dict[str, Path]:
    """Return the model that shipped, and that of the winner alone where it is another."""
    here = ["--study", sweep, "--results", str(place), "--storage", str(place / "studies.db")]
    model, shipped, alone = place / sweep / "model", place / "shipped", place / "alone"
    if not shipped.exists():
        shutil.copytree(model, shipped)
    facts = read_json("best", *here)
    way = facts["chosen"]["ships"]
    if way == "refit" or facts["trial"] == LINEAR_HEAD:
        return {"one network": shipped}
    if not alone.exists():
        run_command("refit", "--trial", str(facts["trial"]), "--cache-dir", str(cache), *here)
        shutil.copytree(model, alone)
    return {"winner alone": alone, way: shipped}


if __name__ == "__main__":
    main()
