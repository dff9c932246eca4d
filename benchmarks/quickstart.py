"""The quickstart sweep on 4,188 real cells, 200 trials: minutes, memory, accuracy."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.commands import DATA, TEST, read_json, run_command

TRIALS = 200


def main() -> None:
    """Run the command from a cold cache and print its minutes, peak memory and model's scores."""
    if not DATA.exists():
        print(f"quickstart: left out, {DATA} is missing")
        return
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        places = ["--results", str(results), "--cache-dir", str(Path(folder) / "cache")]
        ran = run_command(
            "run", "--study", "quickstart", "--trials", str(TRIALS), "--data", str(DATA), *places
        )
        best = read_json("best", "--study", "quickstart", "--results", str(results))
        status = read_json("status", "--study", "quickstart", "--results", str(results))
        model = str(results / "quickstart" / "model")
        found = read_json("evaluate", "--model", model, "--data", str(TEST))
        cache = sum(path.stat().st_size for path in (Path(folder) / "cache").rglob("*.npy"))
    gigabytes = f"{ran.peak_bytes / 1e9:.2f} GB of memory, {cache / 1e9:.2f} GB of cache"
    print(f"quickstart, {TRIALS} trials on {DATA.stem}: {ran.minutes:.1f} minutes, {gigabytes}")
    print(f"  states {status['states']}, best score {best['score']:.4f}, {best['params']}")
    print(f"  accuracy on {TEST.stem}: {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f}")


if __name__ == "__main__":
    main()
