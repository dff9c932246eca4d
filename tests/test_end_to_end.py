"""The main job as a user does it: ``bcsearch`` in a shell, on real images of blood cells."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.errors import StudyError
from bcsearch.records import TrialState
from tests.shell import Shell

if TYPE_CHECKING:
    import subprocess

    from bcsearch.records import StudyRecord, TrialRecord

DATA = Path(__file__).parents[2] / "shared" / "data"
IMAGES, TEST_IMAGES = DATA / "pbc_mini_96.npz", DATA / "pbc_test_96.npz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not IMAGES.exists(), reason=f"real images are not here: {IMAGES.name}, see its README"
    ),
]

TRIALS, EPOCHS, FOLDS = 14, 6, 3
SWEEP = f"""
space = "mini"
start = [
    {{ learning_rate = 0.003 }}, {{ learning_rate = 0.004 }},
    {{ learning_rate = 0.005 }}, {{ learning_rate = 0.006 }},
    {{ learning_rate = 1e-6 }},  # hopeless: to be pruned
]
search = {{ trials = {TRIALS}, startup_trials = 8, pruner_trials = 4, pruner_epochs = 1 }}
folds = {{ n_folds = {FOLDS} }}
training = {{ epochs = {EPOCHS} }}
limits = {{ heartbeat_seconds = 1, grace_seconds = 3 }}
"""
LONG_SWEEP = SWEEP.replace(f"epochs = {EPOCHS}", "epochs = 500, patience = 500").replace(
    "pruner_trials = 4, pruner_epochs = 1", 'pruner = "none"'
)
SPACE = """
[params]
backbone = "efficientnet_lite0"
head_layers = { int = [0, 1] }
learning_rate = { float = [1e-6, 1e-2], log = true }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench(Shell):
    """A folder with the sweeps of this file, to run them on the real images."""

    def sweep(self, name: str, *arguments: str) -> str:
        """Run a sweep on the real images."""
        return self.run("run", "--study", name, "--data", IMAGES, *arguments)

    def copy(self, folder: Path) -> Bench:
        """Return a copy of the folder, to change results that other tests read."""
        shutil.copytree(self.folder, folder / "copy")
        return Bench(folder=folder / "copy", cache=self.cache)


FILES = {
    "sweeps/mini.toml": SWEEP,
    "sweeps/long.toml": LONG_SWEEP,
    "search_spaces/mini.toml": SPACE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that came to its end, and what it printed."""

    shell: Bench
    out: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("shell")
    shell = Bench.with_files(FILES, folder, tmp_path_factory.mktemp("cache"))
    return Finished(shell=shell, out=shell.sweep("mini"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def best(shell: Bench, name: str = "mini") -> dict[str, Any]:
    return tomllib.loads((shell.model(name) / "best.toml").read_text())


def done(study: StudyRecord) -> list[TrialRecord]:
    return [trial for trial in study.trials if trial.is_finished]


def test_run_fills_its_budget_and_prunes(finished: Finished) -> None:
    states = [row["state"] for row in rows(finished.shell.model("mini") / "trials.csv")]
    assert len(states) == TRIALS
    assert set(states) == {"complete", "pruned"}
    assert states[4] == "pruned"


def test_run_tells_every_trial_and_where_the_model_is(finished: Finished) -> None:
    lines = finished.out.splitlines()
    assert lines[0].startswith("data: read as arrays: 480 images ")
    assert sum(line.startswith("study: mini,") for line in lines) == 1
    assert re.fullmatch(
        rf"{TRIALS} of {TRIALS} trials, best accuracy 0\.\d+ in trial \d+, to beat 0\.\d+",
        lines[-4],
    )
    assert re.fullmatch(r"winner: (trial \d+|the linear head), ships as: \w+", lines[-3])
    assert lines[-2] == "look with: bcsearch status --study mini"
    assert sum(bool(re.match(r"trial \d+ (complete|pruned), ", line)) for line in lines) == TRIALS
    (features,) = [line for line in lines if line.endswith("images done")]
    assert features.startswith("efficientnet_lite0 at 96 ")
    assert features.endswith(": 480 images done")
    assert lines[-1] == "best configuration and model: results/mini/model"


def test_bundle_holds_the_model_and_all_that_is_known_of_it(finished: Finished) -> None:
    about = best(finished.shell)
    assert {path.name for path in finished.shell.model("mini").iterdir()} == {
        "best.toml",
        "folds.csv",
        "model.keras",
        "training_images.npz",
        f"trial-{about['best']['trial']:05d}.svg",
        "trained_on.txt",
        "trials.csv",
    }
    assert about["folds"] == {"kind": "kfold", "n_folds": FOLDS, "seed": 0}
    assert len(about["best"]["fold_scores"]) == FOLDS
    assert about["best"]["score"] == pytest.approx(np.mean(about["best"]["fold_scores"]))
    assert 1 <= about["best"]["epochs"] <= EPOCHS
    assert about["params"]["backbone"] == "efficientnet_lite0"
    assert {"dataset", "folds", "meaning", "training.epochs"} <= set(about["fingerprint"])
    assert {"python", "bcsearch", "keras", "optuna"} <= set(about["versions"])


def test_tables_agree_with_each_other(finished: Finished) -> None:
    trials, epochs = (
        rows(finished.shell.model("mini") / f"{name}.csv") for name in ("trials", "folds")
    )
    assert len(epochs) == sum(int(trial["epochs"]) for trial in trials)
    for trial in trials:
        means = [float(row["accuracy"]) for row in epochs if row["trial"] == trial["trial"]]
        assert max(means) == pytest.approx(float(trial["accuracy"]))
        assert means.index(max(means)) == int(trial["best_epoch"])
    for row in epochs:
        scores = [float(row[f"accuracy_fold_{index}"]) for index in range(FOLDS)]
        assert float(row["accuracy"]) == pytest.approx(np.mean(scores))
    completed = [float(trial["accuracy"]) for trial in trials if trial["state"] == "complete"]
    assert best(finished.shell)["best"]["score"] == pytest.approx(max(completed))


def test_out_of_fold_probabilities_score_what_the_trial_scored(finished: Finished) -> None:
    about = best(finished.shell)
    kept = (
        finished.shell.folder
        / "results/mini/out_of_fold"
        / f"trial-{about['best']['trial']:05d}.npy"
    )
    probabilities = np.load(kept)
    with np.load(IMAGES) as images:
        labels = images["labels"].ravel()
    assert (probabilities.dtype, probabilities.shape) == (np.float16, (480, 8))
    assert np.mean(probabilities.argmax(axis=1) == labels) == pytest.approx(
        about["best"]["score"], abs=0.01
    )


def test_status_and_best_agree_with_the_bundle(finished: Finished) -> None:
    about = best(finished.shell)
    status = json.loads(finished.shell.run("status", "--study", "mini", "--json"))
    assert (status["trials_wanted"], status["trials_done"]) == (TRIALS, TRIALS)
    assert sum(status["states"].values()) == TRIALS
    found = json.loads(finished.shell.run("best", "--study", "mini", "--json"))
    assert (found["trial"], found["score"]) == (
        about["best"]["trial"],
        pytest.approx(about["best"]["score"]),
    )
    assert found["params"]["learning_rate"] == pytest.approx(about["params"]["learning_rate"])
    said = "certificate", "not_beaten", "choice"
    assert {name: found[name] for name in said} == {name: status[name] for name in said}
    of_study: dict[str, Any] = {
        "certificate": None,
        "not_beaten": "",
        "choice": [],
        "tables": [],
        "chosen": None,
    }
    assert status["best"][0] == {**found, **of_study}
    linear = found["certificate"]["baselines"][-1]
    assert about["check"]["baselines"]["linear_head"]["accuracy"] == pytest.approx(
        np.mean(linear["scores"]["accuracy"])
    )


def test_model_does_well_on_cells_it_has_not_seen(finished: Finished) -> None:
    if not TEST_IMAGES.exists():
        pytest.skip(f"real images are not here: {TEST_IMAGES.name}")
    model = finished.shell.model("mini")
    found = finished.shell.ask("evaluate", "--model", model, "--data", TEST_IMAGES)
    assert {"accuracy", "macro_f1", "per_class", "confusion"} <= set(found)
    assert found["accuracy"] > 0.6
    assert found["macro_f1"] > 0.5
    assert np.sum(found["confusion"]) == 800
    assert np.trace(found["confusion"]) / 800 == pytest.approx(found["accuracy"])
    assert len(found["per_class"]) == 8


def test_predictions_are_written_image_by_image(finished: Finished, tmp_path: Path) -> None:
    with np.load(IMAGES) as images:
        np.savez(tmp_path / "few.npz", data=images["data"][:40])
    out = tmp_path / "predicted.csv"
    said = finished.shell.run(
        "predict",
        "--model",
        finished.shell.model("mini"),
        "--data",
        tmp_path / "few.npz",
        "--out",
        out,
    )
    assert "40 predictions" in said
    predicted = rows(out)
    assert len(predicted) == 40
    for row in predicted:
        shares = [float(row[f"probability_{index}"]) for index in range(8)]
        assert sum(shares) == pytest.approx(1, abs=1e-3)
        assert int(row["predicted_label"]) == int(np.argmax(shares))
        assert float(row["probability"]) == max(shares)


def test_any_completed_trial_can_be_refitted_and_the_best_comes_back(
    finished: Finished, tmp_path: Path
) -> None:
    shell = finished.shell.copy(tmp_path)
    completed = [trial.number for trial in shell.record("mini").completed]
    other = next(number for number in completed if number != best(shell)["best"]["trial"])
    shell.run("refit", "--study", "mini", "--trial", str(other))
    assert best(shell)["best"]["trial"] == other
    process = shell.start("refit", "--study", "mini", "--trial", "4")
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err.count("\n")) == (2, 1), out
    assert err.startswith("error: --trial: came 4, its state is pruned")
    assert best(shell)["best"]["trial"] == other


def test_higher_budget_goes_on_with_the_study(finished: Finished, tmp_path: Path) -> None:
    shell = finished.shell.copy(tmp_path)
    before = done(shell.record("mini"))
    out = shell.sweep("mini", "--trials", str(TRIALS + 2))
    after = done(shell.record("mini"))
    assert after[:TRIALS] == before
    assert len(after) == TRIALS + 2
    ended = [line for line in out.splitlines() if re.match(r"trial \d+ (complete|pruned)", line)]
    assert len(ended) == 2
    assert best(shell)["study"]["trials"] == TRIALS + 2


def test_fresh_study_keeps_the_old_one_and_computes_no_features(
    finished: Finished, tmp_path: Path
) -> None:
    shell = finished.shell.copy(tmp_path)
    before = shell.record("mini")
    out = shell.sweep("mini", "--fresh", "--trials", "2")
    assert "images done" not in out  # all was in the cache
    assert "2 entries" in shell.run("cache", "list")
    assert shell.record("mini") == before
    assert shell.record("mini-2").slots_filled == 2
    assert json.loads(shell.run("status", "--study", "mini", "--json"))["study"] == "mini-2"
    assert best(shell)["study"]["name"] == "mini"
    assert best(shell, "mini-2")["study"]["name"] == "mini-2"


def test_changed_training_is_refused_and_the_key_named(finished: Finished, tmp_path: Path) -> None:
    shell = finished.shell.copy(tmp_path)
    sweep = shell.folder / "sweeps" / "mini.toml"
    sweep.write_text(sweep.read_text().replace(f"epochs = {EPOCHS} ", "epochs = 9 "))
    process = shell.start("run", "--study", "mini", "--data", IMAGES)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err.count("\n")) == (2, 1), out
    assert f"training.epochs was {EPOCHS}, is 9" in err
    assert "--fresh" in err


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A study that was stopped by Ctrl-C, then killed, then finished; its record each time."""

    shell: Bench
    stopped_out: str
    stopped: StudyRecord
    killed: StudyRecord
    ended: StudyRecord


def in_the_middle(shell: Bench, process: subprocess.Popen[str], n_done: int) -> None:
    """Wait until ``n_done`` trials are done and the next is being trained."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
        with suppress(StudyError):  # before it is created
            study = shell.record("long")
            if study.slots_filled >= n_done and study.count(TrialState.RUNNING):
                time.sleep(0.3)
                return
    pytest.fail("the run came to no trial")


def lost(study: StudyRecord) -> int:
    """Return the number of the trial that a killed worker left behind."""
    (number,) = [trial.number for trial in study.trials if trial.state is TrialState.RUNNING]
    return number


@pytest.fixture(scope="module")
def interrupted(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    shell = Bench.with_files(FILES, tmp_path_factory.mktemp("interrupted"), finished.shell.cache)
    command = ("run", "--study", "long", "--data", IMAGES, "--trials", "6")
    process = shell.start(*command)
    in_the_middle(shell, process, 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    stopped = shell.record("long")

    process = shell.start(*command)
    in_the_middle(shell, process, stopped.slots_filled + 1)
    process.kill()
    process.communicate()
    killed = shell.record("long")

    process = shell.start(*command)
    _, err = process.communicate(timeout=300)
    assert (process.returncode, err.splitlines()) == (
        0,
        [f"trial {lost(killed)} lost its worker and was queued again"],
    )
    return Interrupted(
        shell=shell, stopped_out=out, stopped=stopped, killed=killed, ended=shell.record("long")
    )


def test_ctrl_c_releases_the_trial_and_says_how_to_go_on(interrupted: Interrupted) -> None:
    assert "stopping; press Ctrl-C again to stop at once" in interrupted.stopped_out
    assert "go on with: bcsearch run --study" in interrupted.stopped_out
    states = [trial.state for trial in interrupted.stopped.trials]
    assert TrialState.RUNNING not in states
    assert TrialState.FAIL not in states


def test_finished_trials_never_run_again(interrupted: Interrupted) -> None:
    stopped, killed, ended = map(done, (interrupted.stopped, interrupted.killed, interrupted.ended))
    assert 1 <= len(stopped) < len(killed) < len(ended) == 6
    assert [trial for trial in killed if trial in stopped] == stopped
    assert [trial for trial in ended if trial in killed] == killed


def test_interrupted_trials_start_anew_with_the_same_params(interrupted: Interrupted) -> None:
    released = len(done(interrupted.stopped))
    assert interrupted.ended.trials[released].params == interrupted.stopped.trials[released].params
    assert interrupted.ended.trials[released].is_finished
    (failed,) = [trial for trial in interrupted.ended.trials if trial.state is TrialState.FAIL]
    (retry,) = [trial for trial in interrupted.ended.trials if trial.retry_of == failed.number]
    assert retry.params == failed.params
    assert retry.is_finished


def test_interrupted_study_ends_with_its_exact_budget_and_a_model(interrupted: Interrupted) -> None:
    assert interrupted.ended.slots_filled == 6
    assert len(interrupted.ended.trials) == 7
    assert best(interrupted.shell, "long")["study"]["trials"] == 6
