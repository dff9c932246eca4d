"""Tiny runs of the real trainer on drawn cells, from Python and from a shell."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import psutil
import pytest
from PIL import Image

import bcsearch
from bcsearch import RunOptions, cli, read_bundle
from bcsearch.data import load_dataset
from bcsearch.data.folds import make_folds
from bcsearch.errors import DataError, StudyError
from bcsearch.records import TrialState
from bcsearch.records.choice import trial_name
from bcsearch.records.events import Notice
from bcsearch.storage import open_storage
from bcsearch.study.session import Session
from tests.fakes import Recorder
from tests.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.data.dataset import Dataset
    from bcsearch.records import StudyRecord

README = Path(__file__).parents[1] / "README.md"
N_CLASSES, SIZE = 4, 48

pytestmark = pytest.mark.slow

SWEEP = """
space = "tiny"
search = { trials = 2, startup_trials = 2, pruner = "none" }
folds = { n_folds = 2 }
training = { epochs = 3 }
limits = { heartbeat_seconds = 1, grace_seconds = 3 }
start = [{ learning_rate = 0.003 }]
"""
SPACE = """
[params]
backbone = "efficientnet_lite0"
image_size = 48
batch_size = 32
head_layers = 0
learning_rate = { float = [1e-3, 1e-2], log = true }
"""
FILES = {
    "sweeps/tiny.toml": SWEEP,
    "sweeps/split.toml": SWEEP.replace("n_folds = 2", 'kind = "split"'),
    "sweeps/views.toml": SWEEP.replace('"tiny"', '"views"').replace("trials = 2", "trials = 3"),
    "sweeps/long.toml": SWEEP.replace("epochs = 3", "epochs = 900, patience = 900"),
    "sweeps/choice.toml": SWEEP.replace('"tiny"', '"choice"').replace(
        "0.003", '0.003, augment = "light"'
    ),
    "sweeps/wider.toml": SWEEP.replace('"tiny"', '"wider"'),
    "sweeps/narrow.toml": SWEEP.replace('"tiny"', '"narrow"').replace("0.003", "0.09"),
    "search_spaces/wider.toml": SPACE.replace("head_layers = 0", "head_layers = { int = [0, 1] }"),
    "search_spaces/narrow.toml": SPACE.replace("[1e-3, 1e-2]", "[8e-2, 1e-1]"),
    "sweeps/seen.toml": SWEEP.replace('"tiny"', '"seen"').replace(
        "start = [{",
        'start = [{ preprocess = "none", learning_rate = 0.004 }, { preprocess = "grayscale",',
    ),
    "search_spaces/seen.toml": SPACE + 'preprocess = { choice = ["none", "grayscale"] }\n',
    "sweeps/whole.toml": SWEEP.replace('"tiny"', '"whole"'),
    "search_spaces/tiny.toml": SPACE,
    "search_spaces/views.toml": SPACE + 'augment = "light"\nviews = 2\n',
    "search_spaces/choice.toml": SPACE + 'augment = { choice = ["none", "light"] }\nviews = 2\n',
    "search_spaces/whole.toml": SPACE.replace("efficientnet_lite0", "custom").replace(
        "= 48", "= 32"
    ),
}
VIEWS_ENTRIES = 4  # activations of the original, a view, its activations; what the check found


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Shell):
    """A folder with sweeps and spaces, results and a cache, to run in from Python too."""

    def options(self, data: str | Path, **more: Any) -> RunOptions:
        """Return options that keep all of a run in this folder."""
        return RunOptions(
            data=str(data),
            storage=self.url,
            results_dir=self.folder / "results",
            sweeps_dir=self.folder / "sweeps",
            cache_dir=self.cache,
            **more,
        )

    @property
    def flags(self) -> list[str | Path]:
        """The same as options of a command, but for the data."""
        places = {"results": "results", "sweeps-dir": "sweeps", "cache-dir": "cache"}
        flags: list[str | Path] = ["--storage", self.url]
        for name, folder in places.items():
            flags += [f"--{name}", self.folder / folder]
        return flags

    def search(self, sweep: str, data: str | Path, **more: Any) -> Path:
        """Run a sweep in this process to its end; return the bundle."""
        bundle = bcsearch.run(sweep, self.options(data, **more)).bundle
        assert bundle == self.model(sweep)
        return bundle


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.with_files(FILES, tmp_path)


@pytest.fixture(scope="module")
def demo() -> Dataset:
    return load_dataset("demo")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Drawn cells, as many of each of four classes: images (n, 96, 96, 3) and labels (n,)."""

    images: np.ndarray
    labels: np.ndarray

    def save(self, path: Path, images: np.ndarray | None = None, **more: np.ndarray) -> Path:
        """Write an .npz: of halved images, unless ``images`` are given."""
        data = self.images[:, ::2, ::2] if images is None else images
        np.savez(path, allow_pickle=False, data=data, labels=self.labels, **more)
        return path


def cells_of(demo: Dataset, first: int, count: int) -> Cells:
    of_class = [
        np.flatnonzero(demo.labels == label)[first : first + count] for label in range(N_CLASSES)
    ]
    rows = np.sort(np.concatenate(of_class))
    return Cells(images=demo.images[rows], labels=demo.labels[rows])


@pytest.fixture(scope="module")
def cells(demo: Dataset) -> Cells:
    return cells_of(demo, 0, 30)


@pytest.fixture(scope="module")
def others(demo: Dataset) -> Cells:
    """Return cells that no run has seen."""
    return cells_of(demo, 30, 10)


def about(bundle: Path) -> dict[str, Any]:
    return tomllib.loads((bundle / "best.toml").read_text(encoding="utf-8"))


def weights(bundle: Path) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in read_bundle(bundle).model.get_weights()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Return a function that runs ``bcsearch`` with arguments in this process."""

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["bcsearch", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capfd.readouterr()
        return Answer(code=int(ended.value.code or 0), out=said.out, err=said.err)

    return run


def test_python_example_of_the_readme_runs(
    place: Place,
    cells: Cells,
    others: Cells,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (code,) = re.findall(r"```python\n(.+?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert "trials=200" in code
    assert '"quickstart"' in code
    cells.save(place.folder / "cells.npz")
    others.save(place.folder / "test.npz")
    (place.folder / "sweeps" / "quickstart.toml").write_text(SWEEP)  # comes before the shipped one
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("BCSEARCH_CACHE", str(place.cache))
    for name in ("BCSEARCH_DATA", "BCSEARCH_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    exec(compile(code.replace("trials=200", "trials=1"), README, "exec"), {"__name__": "__main__"})
    accuracy = float(capfd.readouterr().out)
    assert accuracy == bcsearch.evaluate("results/quickstart/model", "test.npz").accuracy
    assert accuracy > 1.5 / N_CLASSES
    assert bcsearch.read_study("quickstart").slots_filled == 1


RELOAD = """
import sys
import keras, numpy as np
model = keras.models.load_model("out/model.keras")
np.save("found.npy", model.predict(np.load("images.npy"), verbose=0))
assert not any(name.startswith(("bcsearch", "keras_cv")) for name in sys.modules)
"""


MUCH = ["final.share=100", "final.repeat_share=100"]  # of a search of a second
MEMBERS = {"refit": 1, "bag": 2, "ensemble": 2, "committee": 2}  # networks with heads of their own


@pytest.mark.parametrize("ships", MEMBERS)
def test_exported_model_gives_the_same_with_keras_alone_in_a_fresh_process(
    place: Place, cells: Cells, others: Cells, ships: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.study.repeats.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("bcsearch.study.choosing.simplest_unbeaten", lambda *_: ships)
    monkeypatch.setattr("bcsearch.study.choosing.greedy_ensemble", lambda *_: (1, 0, 1))
    bundle = place.search("seen", cells.save(place.folder / "cells.npz"), settings=MUCH)
    choice = place.record("seen").current_choice
    assert choice is not None
    assert [way.name for way in choice.ways] == list(MEMBERS)
    model = read_bundle(bundle).model
    heads = [layer for layer in model.layers if layer.name.startswith("head_")]
    assert len(heads) == MEMBERS[ships]
    assert len([layer for layer in model.layers if layer.name.startswith("frozen_")]) == 1
    written = place.run("export", "--study", "seen", "--to", "out").split()
    assert written == [
        f"out/{name}"
        for name in ("model.keras", "best.toml", "best.yaml", "best.json", "training_images.npz")
    ]
    images = others.images[:, ::2, ::2]
    np.save(place.folder / "images.npy", images)
    subprocess.run([sys.executable, "-c", RELOAD], cwd=place.folder, check=True, timeout=300)
    expected = read_bundle(bundle).predict(images)
    np.testing.assert_allclose(np.load(place.folder / "found.npy"), expected, rtol=0, atol=1e-5)
    assert expected.std(axis=0).min() > 1e-4  # images differ
    assert about(place.folder / "out") == about(bundle)


def test_figure_of_a_finished_study_is_of_all_images(
    place: Place, cells: Cells, others: Cells
) -> None:
    test = others.save(place.folder / "test.npz")
    bundle = place.search("tiny", cells.save(place.folder / "cells.npz"), test=test)
    scored, found = bcsearch.evaluate(bundle, str(test)), about(bundle)["test"]
    assert (found["n_images"], found["source"]) == (len(others.labels), str(test))
    assert found["accuracy"] == pytest.approx(scored.accuracy)
    (figure,) = bundle.glob("trial-*.svg")
    text = f"of {len(cells.labels)} images right, out of fold"
    assert text in figure.read_text(encoding="utf-8")


def test_split_puts_a_tenth_aside_that_nothing_is_trained_or_chosen_on(
    place: Place, cells: Cells, command: Callable[..., Answer]
) -> None:
    seen = cells.save(place.folder / "seen.npz")
    test = make_folds(load_dataset(seen), kind="split").test
    noisy = cells.images[:, ::2, ::2].copy()
    noisy[test] = np.random.default_rng(0).integers(0, 256, noisy[test].shape)
    unseen = cells.save(place.folder / "unseen.npz", noisy)

    bundle = place.search("split", seen, trials=1)
    found, trained = about(bundle), weights(bundle)
    assert (
        found["folds"]["kind"],
        found["folds"]["n_folds"],
        len(found["best"]["fold_scores"]),
    ) == ("split", 1, 1)
    assert found["test"]["n_images"] == len(test) == len(cells.labels) // 10
    predicted = read_bundle(bundle).predict(cells.images[test][:, ::2, ::2]).argmax(axis=1)
    assert found["test"]["accuracy"] == pytest.approx(np.mean(predicted == cells.labels[test]))
    storage = ("--study", "split", "--storage", place.url, "--results", place.folder / "results")
    best, status = command("best", *storage), command("status", *storage)
    assert (best.code, best.err, status.code, status.err) == (0, "", 0, "")
    assert f"accuracy {found['best']['score']:.4f} after" in best.out
    assert (
        f"{len(test)} images never used in training or choosing: "
        f"accuracy {found['test']['accuracy']:.4f}" in best.out
    )
    assert "deviation" not in best.out
    assert "1 of 1 trials done" in status.out

    other = Place.with_files(FILES, place.folder / "other")
    bundle = other.search("split", unseen, trials=1)
    assert about(bundle)["best"]["score"] == found["best"]["score"]
    for one, same in zip(trained, weights(bundle), strict=True):
        np.testing.assert_array_equal(one, same)


def predictions(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_wide_images_larger_than_the_space_wants_are_cut_alike_wherever_they_are_used(
    place: Place, cells: Cells, command: Callable[..., Answer]
) -> None:
    wide = np.pad(
        cells.images, ((0, 0), (0, 0), (16, 16), (0, 0))
    )  # 96 x 128, of which the middle square counts
    data, middle = (
        cells.save(place.folder / "wide.npz", wide),
        cells.save(place.folder / "middle.npz", cells.images),
    )
    bundle = place.search("tiny", data)
    assert (about(bundle)["model"]["input_size"], about(bundle)["params"]["image_size"]) == (
        SIZE,
        SIZE,
    )
    scored = bcsearch.evaluate(bundle, str(data))
    assert scored == bcsearch.evaluate(bundle, str(middle))
    assert (scored.n_images, scored.accuracy > 1.5 / N_CLASSES) == (len(wide), True)
    out = place.folder / "predicted.csv"
    content = data.read_bytes()
    answer = command("predict", "--model", bundle, "--data", data, "--out", data)
    assert answer.code == 2
    assert "is there already, no table of predictions of ours, and is not overwritten" in answer.err
    assert data.read_bytes() == content
    answer = command("predict", "--model", bundle, "--data", data, "--out", out)
    assert (answer.code, answer.err) == (0, "")
    labels = [int(row["predicted_label"]) for row in predictions(out)]
    assert np.mean(np.array(labels) == cells.labels) == pytest.approx(scored.accuracy)


NAMES = ("Größe", "ячейка", "好中球", "cellule à noyau")


@pytest.fixture
def album(tmp_path: Path, cells: Cells) -> Path:
    """Return a folder of class folders: wide images, larger than the image size of the space."""
    folder = tmp_path / "Bilder 細胞 é"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
    for row, (image, label) in enumerate(zip(cells.images, cells.labels, strict=True)):
        Image.fromarray(image[8:-8]).save(folder / NAMES[label] / f"зелёный {row}.png")
    return folder


def test_folder_with_names_in_any_script_goes_all_the_way(
    place: Place, album: Path, command: Callable[..., Answer]
) -> None:
    bundle = place.search("tiny", album)
    assert set(about(bundle)["model"]["classes"]) == set(NAMES)
    scored = bcsearch.evaluate(bundle, str(album))
    assert set(scored.per_class) == set(NAMES)
    assert scored.accuracy > 1.5 / N_CLASSES
    out = place.folder / "прогноз.csv"
    answer = command("predict", "--model", bundle, "--data", album, "--out", out)
    assert (answer.code, answer.err) == (0, "")
    assert str(out) in answer.out
    found = predictions(out)
    assert {row["image"] for row in found} == {
        file.relative_to(album).as_posix() for file in album.glob("*/*.png")
    }
    right = [row["predicted_class"] == Path(row["image"]).parent.name for row in found]
    assert np.mean(right) == pytest.approx(scored.accuracy)


def test_groups_stay_on_one_side_of_every_fold_of_a_study(place: Place, cells: Cells) -> None:
    groups = np.arange(len(cells.labels)) // 5
    grouped = load_dataset(cells.save(place.folder / "grouped.npz", groups=groups))
    free = load_dataset(cells.save(place.folder / "free.npz"))
    bundle = place.search("tiny", place.folder / "grouped.npz")
    folds = make_folds(grouped, n_folds=2)
    for fold in folds.folds:
        assert not set(groups[fold.train]) & set(groups[fold.valid])
    used = place.record("tiny").fingerprint["folds"]
    assert used == about(bundle)["fingerprint"]["folds"] == folds.fingerprint
    assert used != make_folds(free, n_folds=2).fingerprint


def total(plan: dict[str, Any], name: str) -> int:
    return sum(row[name] for row in plan["rows"])


def test_plan_counts_what_the_run_computes(place: Place, cells: Cells) -> None:
    data = cells.save(place.folder / "cells.npz")
    plan = place.ask("plan", "--study", "views", "--data", data)
    assert place.kept("entries") == []  # nothing was kept
    assert len(plan["rows"]) == VIEWS_ENTRIES - 1  # but for the check, which is no part of it
    assert total(plan, "passes") == 2 * len(cells.labels)
    place.run("run", "--study", "views", "--data", data)
    sizes = [int(field.stat().st_size) for field in place.cache.rglob("data.npy")]
    sizes.remove(min(sizes))  # what the check found
    headers = VIEWS_ENTRIES * 256
    assert total(plan, "cache_bytes") == pytest.approx(sum(sizes), abs=headers)

    warm = place.ask("plan", "--study", "views", "--data", data)
    assert (total(warm, "passes"), total(warm, "cache_bytes")) == (0, 0)
    assert all(row["kept"] for row in warm["rows"])


def test_space_that_has_no_room_is_refused_before_anything_is_kept(
    place: Place, cells: Cells
) -> None:
    data = cells.save(place.folder / "cells.npz")
    arguments = ("run", "--study", "choice", "--data", data, "--max-cache")
    process = place.start(*arguments, "400KB")
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "--max-cache: came 400.0KB" in error
    assert "what would fit, without augment = 'light': 307.2KB" in error
    assert place.kept("entries") == []
    place.run(*arguments, "100MB")
    place.run("refit", "--study", "choice", "--trial", "0")


def test_custom_backbone_runs_from_a_shell_in_silence(place: Place, cells: Cells) -> None:
    data = cells.save(place.folder / "cells.npz")
    out = place.run("run", "--study", "whole", "--data", data)
    assert "best configuration and model: results/whole/model" in out
    assert len(place.kept("entries")) == 1  # what the check found: nothing of it is frozen
    out = place.run("evaluate", "--model", "results/whole/model", "--data", data)
    assert out.startswith(f"{len(cells.labels)} images: accuracy ")
    assert about(place.folder / "results/whole/model")["params"]["backbone"] == "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaths:
    """A run on the demo, ended by SIGTERM and SIGKILL during a cache entry, then finished."""

    place: Place
    code: int
    seconds: float  # from SIGTERM to the end
    terminated_out: str
    terminated_err: str
    terminated: StudyRecord
    drafts: tuple[list[str], list[str], list[str]]
    killed: StudyRecord
    finished_out: str
    finished_err: str


def amid_an_entry(place: Place, process: subprocess.Popen[str], n_kept: int = 2) -> None:
    """Wait until an entry of the cache is partly written, after those that the check keeps."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        drafts = place.cache.glob("drafts/*/data.npy")
        with suppress(FileNotFoundError):  # one was just completed
            is_written = any(file.stat().st_size > 10_000 for file in drafts)
            if is_written and len(place.kept("entries")) >= n_kept:
                return
        time.sleep(0.01)
    pytest.fail("the run came to no entry")


def way_to_go_on(out: str) -> list[str]:
    """Return the arguments of the command that a run names as it stops."""
    (line,) = re.findall(r"^stopped; go on with: bcsearch (.+)$", out, re.MULTILINE)
    return shlex.split(line)


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> Deaths:
    place = Place.with_files(FILES, tmp_path_factory.mktemp("deaths"))

    process = place.start("run", "--study", "views")
    amid_an_entry(place, process)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    terminated_out, terminated_err = process.communicate(timeout=60)
    seconds, code = time.monotonic() - begun, process.returncode
    terminated, after_term = place.record("views"), place.kept("drafts")

    same = way_to_go_on(terminated_out)
    process = place.start(*same)
    amid_an_entry(place, process)
    process.kill()
    process.communicate()
    killed, after_kill = place.record("views"), place.kept("drafts")

    process = place.start(*same)
    finished_out, finished_err = process.communicate(timeout=120)
    assert process.returncode == 0, finished_err
    return Deaths(
        place=place,
        code=code,
        seconds=seconds,
        terminated_out=terminated_out,
        terminated_err=terminated_err,
        terminated=terminated,
        drafts=(after_term, after_kill, place.kept("drafts")),
        killed=killed,
        finished_out=finished_out,
        finished_err=finished_err,
    )


def test_first_line_of_a_run_without_data_says_drawn(deaths: Deaths) -> None:
    assert "DRAWN" in deaths.terminated_out.partition("\n")[0]
    assert "DRAWN" in deaths.finished_out.partition("\n")[0]


def test_sigterm_amid_features_ends_the_run_at_once_and_says_how_to_go_on(deaths: Deaths) -> None:
    assert (deaths.code, deaths.terminated_err) == (130, "")
    assert deaths.seconds < 10
    assert way_to_go_on(deaths.terminated_out) == ["run", "--study", "views"]
    assert [trial.state for trial in deaths.terminated.trials] == [TrialState.WAITING]
    assert deaths.drafts[0] == []


def test_kill_amid_an_entry_leaves_a_draft_that_the_next_run_takes_away(deaths: Deaths) -> None:
    assert deaths.killed.count(TrialState.RUNNING) == 1
    assert len(deaths.drafts[1]) == 1
    assert deaths.drafts[2] == []
    assert len(deaths.place.kept("entries")) == VIEWS_ENTRIES
    assert deaths.finished_out.count("images done") == 1


def test_study_ends_with_its_exact_total_after_both_deaths(deaths: Deaths) -> None:
    ended = deaths.place.record("views")
    assert (ended.slots_filled, ended.trials_wanted, ended.count(TrialState.FAIL)) == (3, 3, 1)
    assert len(ended.trials) == 4
    (lost,) = (trial for trial in ended.trials if trial.state is TrialState.FAIL)
    assert deaths.finished_err == f"trial {lost.number} lost its worker and was queued again\n"
    assert any(trial.is_finished and trial.params == lost.params for trial in ended.trials)
    assert about(deaths.place.folder / "results/views/model")["study"]["trials"] == 3


def test_sigterm_amid_the_check_ends_the_run_before_there_is_a_study(place: Place) -> None:
    process = place.start("run", "--study", "tiny")
    amid_an_entry(place, process, n_kept=0)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert way_to_go_on(out) == ["run", "--study", "tiny"]
    assert place.kept("entries") == place.kept("drafts") == []
    assert not (place.folder / "results").exists()


def test_listener_first_hears_that_the_demo_is_drawn(deaths: Deaths) -> None:
    hears = Recorder()
    result = bcsearch.run("tiny", deaths.place.options("demo"), hears)
    first = hears.events[0]
    assert isinstance(first, Notice)
    assert "DRAWN" in first.text
    assert result.bundle is not None
    assert about(result.bundle)["data"]["drawn"]


def test_two_workers_started_at_once_share_a_cold_cache_and_write_one_model(
    place: Place, cells: Cells
) -> None:
    data = cells.save(place.folder / "cells.npz")
    model = place.folder / "results/views/model/model.keras"
    processes = [place.start("run", "--study", "views", "--data", data) for _ in range(2)]
    written = set()
    deadline = time.monotonic() + 120
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        if model.exists():
            written.add(model.stat().st_mtime_ns)
        time.sleep(0.02)
    answers = [process.communicate(timeout=10) for process in processes]
    assert [
        (process.returncode, err) for process, (_, err) in zip(processes, answers, strict=True)
    ] == [(0, "")] * 2
    outs = [out for out, _ in answers]
    assert len(place.kept("entries")) == VIEWS_ENTRIES
    assert place.kept("drafts") == []
    assert 1 <= sum(out.count("images done") for out in outs) <= VIEWS_ENTRIES
    study = place.record("views")
    assert (study.slots_filled, study.count(TrialState.FAIL), len(study.trials)) == (3, 0, 3)
    ended = [
        int(number)
        for out in outs
        for number in re.findall(r"^trial (\d+) complete", out, re.MULTILINE)
    ]
    assert sorted(ended) == [0, 0, 1, 1, 2, 2], outs  # each tells of all trials
    assert all("best configuration and model: results/views/model" in out for out in outs)
    assert written <= {model.stat().st_mtime_ns}
    assert study.best is not None
    assert {path.name for path in model.parent.iterdir()} == {
        "best.toml",
        "folds.csv",
        "training_images.npz",
        "model.keras",
        f"trial-{study.best.number:05d}.svg",
        "trained_on.txt",
        "trials.csv",
    }


def test_run_with_two_workers_ends_with_its_exact_total_and_one_model(
    place: Place, cells: Cells
) -> None:
    data = cells.save(place.folder / "cells.npz")
    out = place.run("run", "--study", "views", "--data", data, "--trials", "5", "--workers", "2")
    study = place.record("views")
    assert (study.slots_filled, study.count(TrialState.FAIL), len(study.trials)) == (5, 0, 5)
    ended = re.findall(r"^trial (\d+) complete", out, re.MULTILINE)
    assert sorted(map(int, ended)) == list(range(5))
    assert "worker 0: trial" not in out
    assert len(place.kept("entries")) == VIEWS_ENTRIES
    assert "best configuration and model: results/views/model" in out


def more_trials(url: str, name: str, trials: int) -> None:
    """Raise a study's budget, as ``bcsearch run --trials`` does, and run none of them."""
    storage = open_storage(url)
    study = optuna.load_study(study_name=name, storage=storage)
    Session.of(study, storage, results=Path(), files=Path()).set_budget(trials, trials)
    storage.engine.dispose()


def test_worker_joins_a_study_that_exists_and_leaves_when_it_has_run_its_share(
    finished: Place, tmp_path: Path
) -> None:
    shutil.copytree(finished.folder, tmp_path / "copy")
    shell = Place(folder=tmp_path / "copy", cache=finished.cache)
    data = finished.folder / "cells.npz"
    process = shell.start("worker", "--study", "nothing")
    assert "unknown study 'nothing'" in process.communicate(timeout=60)[1]
    assert process.returncode == 2
    process = shell.start("worker", "--study", "tiny", "--data", "demo")
    assert "study 'tiny' was made with other data" in process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert "all 2 trials are done" in shell.run("worker", "--study", "tiny", "--data", data)
    more_trials(shell.url, "tiny", 4)
    assert "going on: 2 of 4" in shell.run(
        "worker", "--study", "tiny", "--data", data, "--max-trials", "1"
    )
    assert shell.record("tiny").slots_filled == 3
    shell.run("worker", "--study", "tiny", "--data", data)
    assert shell.record("tiny").slots_filled == 4


def test_workers_leave_when_their_supervisor_is_killed(place: Place, cells: Cells) -> None:
    data = cells.save(place.folder / "cells.npz")
    process = place.start("run", "--study", "long", "--data", data, "--workers", "2")
    deadline = time.monotonic() + 120
    running = 0
    while running < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
        with suppress(StudyError):  # before it is created
            running = place.record("long").count(TrialState.RUNNING)
    children = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    study = place.record("long")
    assert (study.count(TrialState.RUNNING), study.count(TrialState.WAITING)) == (0, 2)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cells: Cells) -> Place:
    """Return a place where the study ``tiny`` has come to its end on ``cells.npz``."""
    place = Place.with_files(FILES, tmp_path_factory.mktemp("finished"))
    place.search("tiny", cells.save(place.folder / "cells.npz"))
    return place


def test_refit_repairs_a_damaged_model(finished: Place) -> None:
    bundle = finished.folder / "results/tiny/model"
    before = weights(bundle)
    (bundle / "model.keras").write_bytes(b"rubbish")
    with pytest.raises(DataError, match="refit"):
        read_bundle(bundle)
    assert bcsearch.refit("tiny", options=finished.options(finished.folder / "cells.npz")) == bundle
    for one, same in zip(before, weights(bundle), strict=True):
        np.testing.assert_array_equal(one, same)


def test_study_begins_with_the_best_trials_of_another_and_with_a_named_configuration(
    finished: Place, command: Callable[..., Answer]
) -> None:
    model = finished.model("tiny")
    rate = about(model)["params"]["learning_rate"]
    where = ("--data", finished.folder / "cells.npz", *finished.flags)
    answer = command("run", "--study", "wider", "--trials", 2, "--from-study", "tiny", *where)
    assert answer.code == 0, answer.err
    assert "starting with 2 of the 2 best trials of study 'tiny'" in answer.out
    answer = command("run", "--study", "wider", "--trials", 2, "--from-config", "no.toml", *where)
    assert answer.code == 0, answer.err
    assert "'wider' goes on with its own start points; with --fresh" in answer.out
    assert "starting with" not in answer.out
    answer = command(
        "run", "--study", "wider", "--trials", 1, "--fresh", *where,
        "--from-config", model / "best.toml",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    studies = [bcsearch.read_study(name, finished.options("")) for name in ("wider-1", "wider-2")]
    for study in studies:
        assert rate in [trial.params.get("learning_rate") for trial in study.trials]
    answer = command("run", "--study", "narrow", "--from-config", model / "best.toml", *where)
    assert answer.code == 2
    assert "--from-config: learning_rate = " in answer.err


def test_configuration_is_trained_without_a_search(
    finished: Place, command: Callable[..., Answer]
) -> None:
    best = finished.model("tiny") / "best.toml"
    where = ("--data", finished.folder / "cells.npz", *finished.flags)
    answer = command("refit", "--config", best, *where)
    assert answer.code == 0, answer.err
    (alone,) = (finished.folder / "results").glob("tiny-c??????/model")
    found, given = about(alone), about(finished.model("tiny"))
    assert found["params"] == given["params"]
    assert found["best"]["score"] == given["best"]["score"]
    assert found["study"]["trials"] == 1
    answer = command("refit", "--config", alone / "best.toml", *where)
    assert (answer.code, "all 1 trials are done" in answer.out) == (0, True), answer.err
    answer = command("refit", "--config", best, "--trial", 1, *where)
    assert answer.code == 2
    assert "--config and --trial each name a configuration" in answer.err


def test_classes_may_be_missing_where_a_model_is_scored(finished: Place, others: Cells) -> None:
    rows = np.flatnonzero(np.isin(others.labels, (0, 2)))
    few = Cells(images=others.images[rows], labels=others.labels[rows])
    bundle = finished.folder / "results/tiny/model"
    found = bcsearch.evaluate(bundle, str(few.save(finished.folder / "few.npz")))
    assert np.sum(found.confusion, axis=1).tolist() == [10, 0, 10, 0]
    assert found.accuracy == pytest.approx(np.trace(found.confusion) / 20)
    assert [found.per_class[str(label)].recall is None for label in range(N_CLASSES)] == [
        False,
        True,
        False,
        True,
    ]


def test_labels_unknown_to_the_model_are_one_line(
    finished: Place, others: Cells, command: Callable[..., Answer]
) -> None:
    strange = Cells(images=others.images, labels=others.labels + 1).save(
        finished.folder / "strange.npz"
    )
    answer = command(
        "evaluate", "--model", finished.folder / "results/tiny/model", "--data", strange
    )
    assert (answer.code, answer.out) == (2, "")
    assert (
        answer.err
        == f"error: label {N_CLASSES} is unknown to the model; allowed: 0 to {N_CLASSES - 1}\n"
    )


def test_winner_is_named_by_repeats_and_ships_as_the_simplest_unbeaten_way(
    place: Place, cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.study.repeats.LEAST_SECONDS", 0.0)
    data = cells.save(place.folder / "cells.npz")
    bundle = place.search("tiny", data, settings=MUCH)
    study = place.record("tiny")
    choice = study.current_choice
    assert choice is not None
    assert choice.n_repeats == 2
    assert {each.trial for each in choice.repeated} >= {0, 1}
    assert all(len(each.scores["accuracy@shift"]) == 2 * 2 for each in choice.repeated)
    best = max(choice.repeated, key=lambda each: each.mean("accuracy"))
    assert choice.named == best.trial
    assert {way.name for way in choice.ways} >= {"refit", "bag"}
    assert all(way.milliseconds > 0 and way.megabytes > 0.01 for way in choice.ways)
    written = about(bundle)
    assert written["best"]["trial"] == choice.named
    assert written["choice"]["ships"] == choice.ships
    assert written["choice"]["ways"][0]["accuracy"] == pytest.approx(best.mean("accuracy"))
    said = place.run("best", "--study", "tiny")
    assert f"{trial_name(choice.named)} is named, the best of " in said
    assert "accuracy@shift (ranks models, is no estimate): " in said
    assert "calibration: expected calibration error out of fold 0." in said
    assert "ms an image" in said
    # the same end once more reads what is kept
    (place.folder / "results/tiny/model/best.toml").unlink()
    monkeypatch.setattr("bcsearch.study.repeats.Repeater._train", None)
    assert place.search("tiny", data, settings=MUCH) == bundle
    again = place.record("tiny").current_choice
    assert again is not None
    assert again.repeated == choice.repeated


@pytest.mark.parametrize("sweep", ["split", "whole"])
def test_single_split_and_networks_trained_whole_come_to_their_end(
    place: Place,
    cells: Cells,
    sweep: str,
    command: Callable[..., Answer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bcsearch.study.repeats.LEAST_SECONDS", 0.0)
    data = cells.save(place.folder / "cells.npz")
    bundle = place.search(sweep, data, settings=MUCH, accept=True)  # three epochs are few
    choice = place.record(sweep).current_choice
    assert choice is not None
    assert ("bag" in [way.name for way in choice.ways]) == (sweep == "whole")
    assert all(0.0 <= chance <= 1.0 for chance in choice.chances.values())
    assert about(bundle)["choice"]["ships"] == choice.ships
    answer = command("evaluate", "--model", bundle, "--data", place.folder / "cells.npz")
    assert answer.code == 0


def test_refit_that_does_worse_than_its_folds_is_refused_unless_accepted(
    place: Place, cells: Cells, command: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.training.trainer import Trainer

    trained = Trainer.train_all

    def spoilt(self: Trainer, *given: Any, **more: Any) -> Any:
        weights = trained(self, *given, **more)
        *hidden, last = weights.kernels
        return replace(weights, kernels=[*hidden, -last])

    monkeypatch.setattr("bcsearch.study.repeats.LEAST_SECONDS", 0.0)
    monkeypatch.setattr(Trainer, "train_all", spoilt)
    monkeypatch.setattr("bcsearch.study.choosing.simplest_unbeaten", lambda *_: "refit")
    data = cells.save(place.folder / "cells.npz")
    with pytest.raises(StudyError, match="the model is refused: accuracy on 120 freshly changed"):
        place.search("tiny", data, settings=MUCH)
    assert not place.model("tiny").exists()
    answer = command("refit", "--study", "tiny", "--accept", "--data", data, *place.flags)
    assert answer.code == 0
    bundle = place.model("tiny")
    checked = about(bundle)["refit_check"]
    assert checked["refit"] < min(checked["folds"]) - 0.01
    monkeypatch.setattr(Trainer, "train_all", trained)
    bcsearch.refit("tiny", options=place.options(data))
    checked = about(bundle)["refit_check"]
    assert checked["refit"] >= min(checked["folds"]) - 0.01
