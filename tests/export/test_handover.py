"""What is exported and what is refused."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import tomli_w
import yaml

from bcsearch.artifacts.files import Artifacts
from bcsearch.check.likeness import MEASURES, Likeness
from bcsearch.errors import BcsearchError, ConfigError, DiskError, StudyError
from bcsearch.export.handover import DRAFT, hand_over
from bcsearch.export.likeness import write_likeness
from bcsearch.export.writers import WRITERS
from bcsearch.records import StudyRecord, TrialRecord, TrialState

STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE)
TRIALS = tuple(
    TrialRecord(number=number, state=state, score=1e-05) for number, state in enumerate(STATES)
)
STUDY = StudyRecord(
    name="cells", sweep="cells", uuid="u", trials_wanted=9, trials=TRIALS
)  # its best is trial 0
ABOUT: dict[str, Any] = {
    "study": {"name": "cells", "uuid": "u"},
    "best": {"trial": 0, "score": 1e-05, "fold_scores": [0.1, 1.0]},
    "params": {"learning_rate": 1e-05, "augment": "no", "batch_size": 32, "on": True},
    "model": {"classes": ["Zelle <ä>", "1e3", "null", "12:30"]},
}
FILES = {"best.toml", "best.yaml", "best.json", "model.keras"}
REFIT = "bcsearch refit --study cells-1"
FORMATS = ("keras", "toml", "yaml", "json")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "cells" / "model"
    folder.mkdir(parents=True)
    (folder / "best.toml").write_text(tomli_w.dumps(ABOUT), encoding="utf-8")
    (folder / "model.keras").write_bytes(b"a model")
    (folder / "trials.csv").write_text("")
    (folder / "trained_on.txt").write_text("0123456789abcdef\n")
    none: dict[str, float] = dict.fromkeys(MEASURES, 0.0)
    likeness = Likeness(
        low=none, high=none, spread=none, centres=np.empty((0, 0)), scale=np.empty(0)
    )
    write_likeness(folder / "training_images.npz", likeness)
    return folder


def kept(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(
    bundle: Path, target: Path, kind: type[BcsearchError], text: str, study: StudyRecord = STUDY
) -> None:
    """Export and check all that holds for every refusal."""
    before, was_there = kept(bundle.parents[2]), target.exists()
    with pytest.raises(kind, match=text) as caught:
        hand_over(study, bundle, target, REFIT, FORMATS)
    assert "\n" not in str(caught.value)
    assert kept(bundle.parents[2]) == before
    assert target.exists() == was_there


def test_three_files_say_what_the_bundle_says_and_the_model_is_its_model(
    bundle: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new" / "out"
    written = hand_over(STUDY, bundle, target, REFIT, FORMATS)
    assert {path.name for path in target.iterdir()} == {path.name for path in written} == FILES
    assert all(path.parent == target for path in written)
    assert tomllib.loads((target / "best.toml").read_text(encoding="utf-8")) == ABOUT
    assert yaml.safe_load((target / "best.yaml").read_text(encoding="utf-8")) == ABOUT
    assert json.loads((target / "best.json").read_text(encoding="utf-8")) == ABOUT
    assert (target / "model.keras").read_bytes() == b"a model"


@pytest.mark.parametrize("name", WRITERS)
def test_each_format_is_written_alone_and_its_files_are_named(
    name: str, bundle: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    written = hand_over(STUDY, bundle, target, REFIT, [name])
    assert sorted(target.iterdir()) == sorted(written)
    assert all(path.stat().st_size for path in written)


def test_figure_shows_what_is_kept_of_the_refitted_trial(bundle: Path, tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "files")
    artifacts.save_labels(np.array([0, 1, 1]), ("a", "b"))
    artifacts.save_probabilities(0, np.eye(2)[[0, 1, 0]])
    (path,) = hand_over(STUDY, bundle, tmp_path / "out", REFIT, ["figures"], artifacts)
    assert path.name == "trial-00000.svg"
    assert "2 of 3 images right, out of fold" in path.read_text(encoding="utf-8")


def test_unknown_format_is_refused_with_the_nearest_match(bundle: Path, tmp_path: Path) -> None:
    text = "^--as: unknown format 'tomml'; did you mean 'toml'"
    with pytest.raises(ConfigError, match=text):
        hand_over(STUDY, bundle, tmp_path / "out", REFIT, ["keras", "tomml"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("leftover", [False, True], ids=["empty", "of a killed export"])
def test_empty_folder_is_filled(
    leftover: bool, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    if leftover:
        (target / DRAFT).mkdir()
        (target / DRAFT / "half").write_text("")
    monkeypatch.chdir(target)
    hand_over(STUDY, bundle, Path(), REFIT, FORMATS)
    assert {path.name for path in target.iterdir()} == FILES


def test_folder_that_holds_something_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("")
    refused(
        bundle,
        tmp_path / "out",
        ConfigError,
        r"^--to: folder .*out is not empty; choose a new one$",
    )


def test_place_that_is_a_file_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    refused(
        bundle, tmp_path / "out", ConfigError, r"^--to: .*out cannot be used \(Not a directory\)"
    )


@pytest.mark.parametrize("name", ["best.toml", "model.keras"])
def test_study_that_was_never_refitted_is_refused(name: str, bundle: Path, tmp_path: Path) -> None:
    (bundle / name).unlink()
    text = rf"^study 'cells' has no finished model in .*model; make it with '{REFIT}'$"
    refused(bundle, tmp_path / "out", StudyError, text)


def test_model_of_another_trial_than_the_best_is_refused(bundle: Path, tmp_path: Path) -> None:
    better = replace(STUDY, trials=(*TRIALS, replace(TRIALS[0], number=3, score=0.6)))
    text = (
        "is of trial 0 with accuracy 1e-05, the winner of study 'cells' is trial 3 "
        f"with accuracy 0.6; make it with '{REFIT}'$"
    )
    refused(bundle, tmp_path / "out", StudyError, text, better)


def test_model_of_another_study_in_the_same_place_is_refused(bundle: Path, tmp_path: Path) -> None:
    refused(
        bundle,
        tmp_path / "out",
        StudyError,
        "is of another study than 'cells'",
        replace(STUDY, uuid="v"),
    )


def test_study_without_a_completed_trial_is_refused(bundle: Path, tmp_path: Path) -> None:
    pruned = replace(STUDY, trials=TRIALS[1:2])
    refused(bundle, tmp_path / "out", StudyError, "has no completed trial", pruned)


def full_disk(*_: object) -> NoReturn:
    raise OSError(28, "No space left on device")


def interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize("there", [False, True], ids=["new folder", "empty folder"])
@pytest.mark.parametrize("step", ["copy", "rename"])
def test_failure_in_the_middle_leaves_nothing(
    step: str, there: bool, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, whole = tmp_path / "out", Path.replace
    if there:
        target.mkdir()
    if step == "copy":
        monkeypatch.setattr("bcsearch.export.writers.shutil.copyfile", full_disk)
    else:
        monkeypatch.setattr(
            Path, "replace", lambda path, to: full_disk() if "yaml" in to.name else whole(path, to)
        )
    refused(bundle, target, DiskError, r"^cannot export to .*out: No space left on device$")
    assert not there or not list(target.iterdir())


def test_interrupted_export_leaves_nothing(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.export.writers.shutil.copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hand_over(STUDY, bundle, tmp_path / "out", REFIT, FORMATS)
    assert not (tmp_path / "out").exists()


def test_model_that_is_replaced_meanwhile_is_not_mixed_with_the_old_description(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes())
        (bundle / "best.toml").write_text(tomli_w.dumps({**ABOUT, "params": {}}))

    monkeypatch.setattr("bcsearch.export.writers.shutil.copyfile", replaced)
    with pytest.raises(StudyError, match="was replaced just now; run the same command again"):
        hand_over(STUDY, bundle, tmp_path / "out", REFIT, FORMATS)
    assert not (tmp_path / "out").exists()


def test_model_of_a_copy_of_the_study_that_went_on_by_itself_is_refused(
    bundle: Path, tmp_path: Path
) -> None:
    ours = replace(STUDY, trials=(replace(TRIALS[0], score=0.75), *TRIALS[1:]))
    text = (
        "is of trial 0 with accuracy 1e-05, the winner of study 'cells' is trial 0 "
        "with accuracy 0.75; make it with"
    )
    refused(bundle, tmp_path / "out", StudyError, text, ours)
