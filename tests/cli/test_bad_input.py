"""Every mistake a user can make at the command line: exit code 2 and one line on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.fakes import make_plan, open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]
    Case = tuple[Callable[[Path], list[str]], tuple[str, ...]]

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
LABELS = np.array([0, 1] * 6)


def refused(run: Run, folder: Path, arguments: list[str], words: tuple[str, ...]) -> None:
    """Run a command and check all that holds for every refusal."""
    before = snapshot(folder)
    answer = run(*arguments)
    assert answer.code == 2, answer
    lines = answer.err.splitlines()
    assert len(lines) == 1, answer.err
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
    assert snapshot(folder) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder; SQLite's own shared memory aside."""
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def npz(**arrays: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(folder / "cells.npz", **arrays)
        return str(folder / "cells.npz")

    return write


def labelled(labels: Any) -> Callable[[Path], str]:
    return npz(data=IMAGES, labels=np.array(labels))


def text_file(folder: Path) -> str:
    (folder / "cells.npz").write_text("hello")
    return str(folder / "cells.npz")


def unreadable_among_good(folder: Path) -> str:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        (folder / "cells" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[0]).save(folder / "cells" / name)
    (folder / "cells" / "b" / "2.png").write_bytes(b"\x89PNG and no more")
    return str(folder / "cells")


DATA: dict[str, tuple[Callable[[Path], str], tuple[str, ...]]] = {
    "missing file": (lambda folder: str(folder / "no.npz"), ("no.npz", "no such file")),
    "not an npz": (text_file, ("cells.npz", "not an .npz")),
    "missing keys": (npz(a=IMAGES, b=LABELS), ("a, b", "data and labels")),
    "missing labels": (npz(data=IMAGES), ("no labels",)),
    "pickled array": (
        npz(data=np.array([None] * 12, object), labels=LABELS),
        ("pickled", "never unpickled"),
    ),
    "wrong type": (
        npz(data=IMAGES.astype(complex), labels=LABELS),
        ("complex128", "allowed: uint8"),
    ),
    "wrong shape": (
        npz(data=IMAGES[..., 0, 0], labels=LABELS),
        ("(12, 32)", "(n, height, width, 3)"),
    ),
    "labels of another number": (labelled(LABELS[:7]), ("7", "12 images")),
    "negative label": (labelled([-1, 1] * 6), ("negative", "-1")),
    "fractional label": (labelled([0.5, 1] * 6), ("fraction", "0.5")),
    "label of NaN": (labelled([np.nan, 1] * 6), ("labels", "not finite")),
    "image of NaN": (
        npz(data=np.where(IMAGES == 7, np.nan, IMAGES), labels=LABELS),
        ("data", "not finite"),
    ),
    "one class only": (labelled([0] * 12), ("one class", "two classes or more")),
    "unreadable image": (unreadable_among_good, ("b/2.png", "not a readable image")),
}
FEW_IMAGES = (labelled([0] * 9 + [1] * 3), ("class '1'", "3 images", "5 folds"))


@pytest.mark.parametrize("case", DATA)
def test_data_info_refuses_bad_data(case: str, workdir: Path, bcsearch: Run) -> None:
    write, words = DATA[case]
    refused(bcsearch, workdir, ["data", "info", write(workdir)], words)


@pytest.mark.slow
@pytest.mark.parametrize("case", [*DATA, "fewer images of a class than folds"])
def test_run_refuses_bad_data_before_anything_is_written(
    case: str, workdir: Path, bcsearch: Run
) -> None:
    write, words = DATA.get(case, FEW_IMAGES)
    refused(bcsearch, workdir, ["run", "--study", "quickstart", "--data", write(workdir)], words)
    assert not (workdir / "results").exists()


def sweep(sweep_text: str, space_text: str = "[params]") -> Callable[[Path], list[str]]:
    """Write a sweep ``mine`` with its space, and return the arguments that run it."""

    def write(folder: Path) -> list[str]:
        for name, text in {
            "sweeps/mine.toml": sweep_text,
            "search_spaces/mine.toml": space_text,
        }.items():
            (folder / name).parent.mkdir()
            (folder / name).write_text(text)
        return ["run", "--study", "mine"]

    return write


def ran_before(*arguments: str, trials: int = 2) -> Callable[[Path], list[str]]:
    """Make a study ``cells`` without finished trials, and return the arguments."""

    def write(folder: Path) -> list[str]:
        (folder / "results").mkdir()
        session = open_session(folder / "results", make_plan(), trials=trials)
        session.storage.engine.dispose()
        (folder / "results" / "study.db").rename(folder / "results" / "bcsearch.db")
        return list(arguments)

    return write


def given(*arguments: str) -> Callable[[Path], list[str]]:
    return lambda _: list(arguments)


def text_database(*arguments: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        (folder / "my.db").write_text("hello, I am no database at all\n" * 99)
        return list(arguments)

    return write


def foreign_database(*arguments: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        connection = sqlite3.connect(folder / "my.db")
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()
        connection.close()
        return list(arguments)

    return write


def some_file(*arguments: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        (folder / "file").write_text("")
        return list(arguments)

    return write


QUICK = ("run", "--study", "quickstart")
LIGHT: dict[str, Case] = {
    "no command of a group": (given("cache"), ("Missing command",)),
    "unknown command": (given("runn"), ("'runn'", "bcsearch --help")),
    "unknown option": (given(*QUICK, "--trails", "5"), ("--trails", "--trials")),
    "missing option": (given("run"), ("Missing option", "--study")),
    "missing value": (given("run", "--study"), ("--study", "requires an argument")),
    "too many arguments": (given("status", "--study", "a", "b"), ("(b)",)),
    "trials in letters": (
        given(*QUICK, "--trials", "many"),
        ("--trials: came 'many', allowed: a whole number",),
    ),
    "unknown sweep": (
        given("run", "--study", "quikstart"),
        ("'quikstart'", "did you mean 'quickstart'?"),
    ),
    "missing sweep file": (given("run", "--study", "no.toml"), ("no.toml", "No such file")),
    "sweeps folder is none": (
        some_file(*QUICK, "--sweeps-dir", "file"),
        ("--sweeps-dir file", "not a folder"),
    ),
    "sweep is no TOML": (sweep("space = "), ("mine.toml", "not valid TOML")),
    "unknown key": (
        sweep('space = "mine"\n[search]\ntrails = 5'),
        ("search.trails", "did you mean 'search.trials'?"),
    ),
    "unknown space": (sweep('space = "quikstart"'), ("'quikstart'", "did you mean 'quickstart'?")),
    "trials of zero": (
        sweep('space = "mine"\n[search]\ntrials = 0'),
        ("search.trials", "came 0", "allowed"),
    ),
    "unknown parameter": (
        sweep('space = "mine"', "[params]\nlerning_rate = 1"),
        ("did you mean 'learning_rate'?",),
    ),
    "parameter out of range": (
        sweep('space = "mine"', "[params]\ndropout = 2.0"),
        ("dropout", "2.0", "0 to 0.9"),
    ),
    "start out of space": (
        sweep(
            'space = "mine"\n[[start]]\ndropout = 0.8',
            "[params]\ndropout = { float = [0.0, 0.5] }",
        ),
        ("start[0]", "dropout = 0.8", "outside"),
    ),
    "cache limit of no size": (
        given(*QUICK, "--cache-limit", "huge"),
        ("--cache-limit: came 'huge'", "such as 20GB"),
    ),
    "size to prune to of no size": (
        given("cache", "prune", "--to", "lots"),
        ("--to: came 'lots'", "such as 20GB"),
    ),
    "plan of an unknown sweep": (
        given("plan", "--study", "quikstart"),
        ("'quikstart'", "did you mean 'quickstart'?"),
    ),
    "minutes in letters": (
        given(*QUICK, "--minutes", "some"),
        ("--minutes: came 'some', allowed: a number",),
    ),
    "most cache of no size": (
        given(*QUICK, "--max-cache", "much"),
        ("--max-cache: came 'much'", "such as 20GB"),
    ),
    "image size out of range": (
        given("backbones", "--image-size", "8"),
        ("--image-size: came '8', allowed: 32 or more",),
    ),
    "days out of range": (
        given("cache", "prune", "--older-than", "-1"),
        ("--older-than: came '-1', allowed: 0 or more",),
    ),
    "trial in letters": (
        given("refit", "--study", "x", "--trial", "b"),
        ("--trial: came 'b', allowed: a whole",),
    ),
    "fraction of a trial": (
        given(*QUICK, "--trials", "1.5"),
        ("--trials: came '1.5', allowed: a whole number",),
    ),
    "nothing to prune": (given("cache", "prune"), ("--all", "--older-than")),
    "status of nothing": (
        given("status", "--study", "quickstart"),
        ("no study was ever run", "bcsearch run"),
    ),
    "best of nothing": (
        given("best", "--study", "quickstart"),
        ("no study was ever run", "bcsearch run"),
    ),
    "export of nothing": (
        given("export", "--study", "quickstart", "--to", "out"),
        ("no study was ever run",),
    ),
    "export to nowhere": (given("export", "--study", "quickstart"), ("Missing option", "--to")),
    "export of an unknown study": (
        ran_before("export", "--study", "cels", "--to", "out"),
        ("'cels'", "did you mean 'cells'?"),
    ),
    "export before a trial completed": (
        ran_before("export", "--study", "cells", "--to", "out"),
        ("'cells'", "no completed trial"),
    ),
    "worker for no trial": (
        given("worker", "--study", "cells", "--max-trials", "0"),
        ("--max-trials", "came 0", "1 or more"),
    ),
    "cluster options without a cluster": (
        given("run", "--study", "quickstart", "--address", "auto"),
        ("--address", "--on ray"),
    ),
    "backup to a server": (
        given("storage", "backup", "--to", "postgresql://me:secret@host/studies"),
        ("--to", "me:***@host", "storage copy"),
    ),
    "doctor of nothing": (given("doctor"), ("no study was ever run", "bcsearch run")),
    "doctor of an unknown study": (
        ran_before("doctor", "--study", "cels"),
        ("'cels'", "did you mean 'cells'?"),
    ),
    "doctor of a foreign database": (
        foreign_database("doctor", "--storage", "my.db"),
        ("my.db", "recipes"),
    ),
    "status of an unknown study": (
        ran_before("status", "--study", "cels"),
        ("'cels'", "did you mean 'cells'?"),
    ),
    "best of an unknown study": (
        ran_before("best", "--study", "cels"),
        ("'cels'", "did you mean 'cells'?"),
    ),
    "best before a trial completed": (
        ran_before("best", "--study", "cells"),
        ("'cells'", "no completed trial"),
    ),
    "storage of no sense": (
        given("status", "--study", "x", "--storage", "nonsense"),
        ("neither a URL nor a .db",),
    ),
    "unknown kind of storage": (
        given("status", "--study", "x", "--storage", "redis://a/b"),
        ("'redis'", "allowed"),
    ),
    "storage that is no database": (
        text_database("status", "--study", "x", "--storage", "my.db"),
        ("my.db", "not a database"),
    ),
    "storage that is not Optuna's": (
        foreign_database("status", "--study", "x", "--storage", "my.db"),
        ("my.db", "not Optuna's", "recipes"),
    ),
}
HEAVY: dict[str, Case] = {
    "trials of zero": (given(*QUICK, "--trials", "0"), ("--trials", "came 0", "1 or more")),
    "no minutes": (
        given(*QUICK, "--minutes", "0"),
        ("--minutes: came 0, allowed: a number above 0",),
    ),
    "minutes without end": (
        given(*QUICK, "--minutes", "inf"),
        ("--minutes: came inf, allowed: 527040 or less",),
    ),
    "unknown backbone to show": (
        given("backbones", "resnt18"),
        ("'resnt18'", "did you mean 'resnet18'?"),
    ),
    "unknown backbone": (
        sweep('space = "mine"', '[params]\nbackbone = "efficientnet_lit0"'),
        ("'efficientnet_lit0'", "did you mean 'efficientnet_lite0'?"),
    ),
    "missing weights": (given(*QUICK, "--weights", "no.keras"), ("no.keras",)),
    "results is a file": (some_file(*QUICK, "--results", "file"), ("file", "cannot write")),
    "results below a file": (
        some_file(*QUICK, "--results", "file/results"),
        ("file/results", "cannot write"),
    ),
    "storage of no sense": (
        given(*QUICK, "--storage", "nonsense"),
        ("'nonsense'", "neither a URL nor a .db"),
    ),
    "unknown kind of storage": (
        given(*QUICK, "--storage", "redis://me:secret@a/b"),
        ("redis://me:***@a/b", "allowed"),
    ),
    "storage in no folder": (given(*QUICK, "--storage", "no/my.db"), ("no folder", "no/my.db")),
    "storage that is no database": (
        text_database(*QUICK, "--storage", "my.db"),
        ("my.db", "not a database"),
    ),
    "storage that is not Optuna's": (
        foreign_database(*QUICK, "--storage", "my.db"),
        ("my.db", "recipes"),
    ),
    "refit of nothing": (
        given("refit", "--study", "quickstart"),
        ("no study was ever run", "bcsearch run"),
    ),
    "refit of an unknown study": (
        ran_before("refit", "--study", "cels"),
        ("'cels'", "did you mean 'cells'?"),
    ),
    "refit on other data": (
        ran_before("refit", "--study", "cells"),
        ("'cells'", "other data", "its content has changed since"),
    ),
    "evaluate without a model": (
        given("evaluate", "--model", ".", "--data", "demo"),
        ("model in .;", "model.keras", "best.toml"),
    ),
    "evaluate with a missing folder": (
        given("evaluate", "--model", "no", "--data", "demo"),
        ("model in no;",),
    ),
    "predict without a model": (
        given("predict", "--model", ".", "--data", "demo", "--out", "a.csv"),
        ("model in .;",),
    ),
}


@pytest.mark.parametrize("case", LIGHT)
def test_mistake_is_refused_without_loading_a_framework(
    case: str, workdir: Path, bcsearch: Run
) -> None:
    write, words = LIGHT[case]
    refused(bcsearch, workdir, write(workdir), words)


@pytest.fixture
def good_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let data be fine wherever a test is not about data."""
    monkeypatch.setenv("BCSEARCH_DATA", labelled(LABELS)(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("good_data")
@pytest.mark.parametrize("case", HEAVY)
def test_mistake_is_refused_before_anything_is_written(
    case: str, workdir: Path, bcsearch: Run
) -> None:
    write, words = HEAVY[case]
    refused(bcsearch, workdir, write(workdir), words)


@pytest.fixture
def mounted(workdir: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a disk in memory; skip where that is not allowed."""
    places: list[Path] = []

    def mount(options: str) -> Path:
        place = workdir / "disk"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if (
            os.geteuid() != 0
            or subprocess.run(command, capture_output=True, check=False).returncode != 0
        ):
            pytest.skip("only root may mount a small or read-only disk, and not in every container")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("command", ["status", "best"])
def test_database_that_may_only_be_read_comes_with_a_way_to_read_it(
    command: str, workdir: Path, bcsearch: Run, mounted: Callable[[str], Path]
) -> None:
    place = mounted("size=4m")
    arguments = ran_before(command, "--study", "cells", "--storage", "disk/my.db")(workdir)
    shutil.copy(workdir / "results" / "bcsearch.db", place / "my.db")
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    refused(
        bcsearch, workdir, arguments, ("disk/my.db", "copy it to a folder of your own", "--storage")
    )


@pytest.mark.slow
@pytest.mark.usefixtures("good_data")
def test_results_folder_without_write_permission_is_refused(
    workdir: Path, bcsearch: Run, mounted: Callable[[str], Path]
) -> None:
    place = mounted("ro")
    refused(
        bcsearch,
        workdir,
        [*QUICK, "--results", str(place / "results")],
        ("disk/results", "Read-only"),
    )


@pytest.mark.slow
@pytest.mark.usefixtures("good_data")
def test_disk_without_room_for_results_is_refused(
    workdir: Path, bcsearch: Run, mounted: Callable[[str], Path]
) -> None:
    place = mounted("size=2m")
    refused(
        bcsearch,
        workdir,
        [*QUICK, "--results", str(place / "results")],
        ("64 MiB", "2 MiB are free", "--results"),
    )
    assert list(place.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("good_data")
def test_too_little_room_is_told_wherever_disks_cannot_be_mounted(
    workdir: Path, bcsearch: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.study.opening.free_bytes", lambda _: 10 * 2**20)
    refused(bcsearch, workdir, list(QUICK), ("64 MiB", "10 MiB are free"))
    assert not (workdir / "results").exists()


@pytest.fixture
def model(workdir: Path) -> Path:
    """Write a bundle with a model of two classes."""
    import keras

    from bcsearch.export.bundle import write_bundle
    from bcsearch.export.writers import Finished
    from bcsearch.records import StudyRecord

    images = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(images)
    classifier = keras.Model(images, keras.layers.Dense(2, activation="softmax")(pooled))
    about = {"model": {"classes": ["0", "1"], "input_size": 32}}
    study = StudyRecord(name="cells", sweep="cells", uuid="u", trials_wanted=1)
    finished = Finished(study=study, about=about, model=workdir / "model" / "model.keras")
    write_bundle(workdir / "model", classifier, finished, ("keras", "toml"))
    return workdir / "model"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("folder", "folder is there already, no table of predictions of ours"),
        ("notes.csv", "notes.csv is there already, no table of predictions of ours"),
        ("file/out.csv", "cannot write file/out.csv"),
    ],
)
def test_predictions_that_cannot_be_written_are_refused(
    out: str, words: str, workdir: Path, model: Path, bcsearch: Run
) -> None:
    (workdir / "folder").mkdir()
    (workdir / "notes.csv").write_text("mine")
    (workdir / "file").write_text("")
    data = labelled(LABELS)(workdir)
    refused(
        bcsearch,
        workdir,
        ["predict", "--model", str(model), "--data", data, "--out", out],
        (words,),
    )


@pytest.mark.slow
def test_images_without_labels_cannot_be_evaluated(
    workdir: Path, model: Path, bcsearch: Run
) -> None:
    data = npz(data=IMAGES)(workdir)
    refused(
        bcsearch,
        workdir,
        ["evaluate", "--model", str(model), "--data", data],
        ("no labels", "bcsearch predict"),
    )


@pytest.mark.slow
def test_damaged_model_is_refused(workdir: Path, model: Path, bcsearch: Run) -> None:
    (model / "model.keras").write_bytes(b"damaged")
    refused(
        bcsearch,
        workdir,
        ["evaluate", "--model", str(model), "--data", "demo"],
        ("model.keras", "bcsearch refit"),
    )


NARROW = {  # settings of terminals that cannot show every name
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "Windows": {"PYTHONIOENCODING": "cp1252"},
    "C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("terminal", NARROW)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["data", "info", "Büro.npz"], 0), (["status", "--study", "日本", "--results", "Büro"], 2)],
    ids=["output", "an error"],
)
def test_terminal_that_cannot_show_a_name_gets_it_escaped(
    terminal: str, arguments: list[str], code: int, workdir: Path
) -> None:
    np.savez(workdir / "Büro.npz", data=IMAGES, labels=LABELS, class_names=["日本", "b"])
    found = subprocess.run(
        [sys.executable, "-m", "bcsearch", *arguments],
        env=os.environ | NARROW[terminal],
        capture_output=True,
        check=False,
    )
    assert found.returncode == code, found.stderr
    assert found.stderr.count(b"\n") == (code > 0)
    assert b"Traceback" not in found.stderr
    said = (found.stdout + found.stderr).decode("cp1252")
    assert "B" in said
    assert "日本" not in said


def test_class_names_are_the_same_in_a_locale_that_does_not_know_their_letters(
    workdir: Path,
) -> None:
    for name in ("Blåbär", "b"):
        (workdir / "cells" / name).mkdir(parents=True)
        Image.fromarray(IMAGES[0]).save(workdir / "cells" / name / "é.png")
    said = [
        subprocess.run(
            [sys.executable, "-m", "bcsearch", "data", "info", "cells", "--json"],
            env=os.environ | locale,
            capture_output=True,
            check=True,
        ).stdout
        for locale in ({"PYTHONUTF8": "1"}, NARROW["C locale"])
    ]
    found = [json.loads(answer.decode("utf-8")) for answer in said]
    assert found[0]["class_names"] == ["Blåbär", "b"]
    assert found[0] == found[1]
