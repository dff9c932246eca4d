"""The lite sweep on 4,188 real cells, frozen and with its last three blocks trained."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomli_w

from bcsearch.config import load_plan
from benchmarks.commands import DATA, TEST, read_json, run_command

TRIALS = 30
FRACTIONS = {"frozen": 0.0, "unfrozen": 0.58}  # of the parameters; 0.58 is the last three blocks


def main() -> None:
    """Run both from one cold cache, the frozen one first, and print minutes and scores."""
    if not DATA.exists():
        print(f"unfrozen: left out, {DATA} is missing")
        return
    with TemporaryDirectory() as folder:
        for name, fraction in FRACTIONS.items():
            _write_sweep(Path(folder), name, fraction)
            _measure(Path(folder), name)


def _write_sweep(folder: Path, name: str, fraction: float) -> None:
    """Write the shipped sweep under another name, its space with one share of the backbone only."""
    plan = load_plan("lite")
    sweep = plan.sweep.model_dump(mode="json", exclude_defaults=True)
    space = plan.space.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    files = {
        "sweeps": {**sweep, "space": name},
        "search_spaces": {**space, "params": _with_fraction(space["params"], fraction)},
    }
    for place, content in files.items():
        (folder / place).mkdir(exist_ok=True)
        (folder / place / f"{name}.toml").write_text(tomli_w.dumps(content), encoding="utf-8")


def _with_fraction(params: dict[str, Any], fraction: float) -> dict[str, Any]:
    """Fix the unfrozen share, and leave out what acts with other shares only."""
    fixed: dict[str, Any] = {"unfreeze_fraction": fraction}
    for name, param in params.items():
        if name == "unfreeze_fraction":
            continue
        if not isinstance(param, dict):
            fixed[name] = param
            continue
        when = dict(param.get("when", {}))
        if fraction in when.pop("unfreeze_fraction", [fraction]):
            fixed[name] = {**param, "when": when}
    return fixed


def _measure(folder: Path, name: str) -> None:
    results = str(folder / "results")
    places = ["--results", results, "--cache-dir", str(folder / "cache")]
    places += ["--sweeps-dir", str(folder / "sweeps")]
    ran = run_command("run", "--study", name, "--trials", str(TRIALS), "--data", str(DATA), *places)
    best = read_json("best", "--study", name, "--results", results)
    status = read_json("status", "--study", name, "--results", results)
    found = read_json("evaluate", "--model", f"{results}/{name}/model", "--data", str(TEST))
    print(f"lite {name}, {TRIALS} trials on {DATA.stem}: {ran.minutes:.1f} minutes")
    print(f"  {status['states']}")
    print(f"  best score {best['score']:.4f}, trial {best['trial']}, {best['params']}")
    accuracy = f"accuracy on {TEST.stem}: {found['accuracy']:.4f}"
    print(f"  {accuracy}, macro F1 {found['macro_f1']:.4f}", flush=True)


if __name__ == "__main__":
    main()
