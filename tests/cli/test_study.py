"""``status``, ``best`` and ``export`` on a study that the fake trainer made."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from bcsearch.export.writers import WRITERS
from tests.fakes import FakeTrainer, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bcsearch.records import StudyRecord
    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]


@pytest.fixture
def study(workdir: Path) -> StudyRecord:
    """Return a study of eight trials, some pruned, in the default place; its budget is ten."""
    plan = make_plan(search={"pruner": "median", "pruner_trials": 3, "pruner_epochs": 0, "seed": 2})
    (workdir / "results").mkdir()
    session = open_session(workdir / "results", plan, trials=8)
    make_worker(session, plan, FakeTrainer()).run()
    session.set_budget(10, 10)
    record = session.record()
    session.storage.engine.dispose()
    (workdir / "results" / "study.db").rename(workdir / "results" / "bcsearch.db")
    return record


def test_status_counts_trials_and_ranks_the_completed_ones(
    study: StudyRecord, bcsearch: Run
) -> None:
    answer = bcsearch("status", "--study", "cells", "--json")
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert (found["study"], found["sweep"], found["trials_done"], found["trials_wanted"]) == (
        "cells",
        "cells",
        8,
        10,
    )
    assert sum(found["states"].values()) == 8
    assert found["states"]["pruned"] > 0
    scores = [trial["score"] for trial in found["best"]]
    assert scores == sorted(scores, reverse=True)
    assert study.best is not None
    assert found["best"][0]["trial"] == study.best.number


def test_best_has_every_score_with_its_folds_and_params(study: StudyRecord, bcsearch: Run) -> None:
    found = json.loads(bcsearch("best", "--study", "cells", "--json").out)
    assert study.best is not None
    assert found["trial"] == study.best.number
    accuracy = found["scores"]["accuracy"]
    assert found["score_name"] == "accuracy"
    assert found["score"] == pytest.approx(accuracy["mean"]) == sum(accuracy["folds"]) / 2
    assert found["params"]["learning_rate"] == study.best.params["learning_rate"]
    assert found["params"]["dropout_0"] == study.best.params["dropout"]  # which is its short form
    assert found["params"]["backbone"] == "efficientnet_lite0"
    assert "units_3" not in found["params"]
    assert found["epochs"] == 5


def make_bundle(study: StudyRecord, workdir: Path, **more: Any) -> dict[str, Any]:
    """Put a bundle of the best trial in its place, with bytes for a model; return its about."""
    assert study.best is not None
    folder = workdir / "results" / "cells" / "model"
    folder.mkdir(parents=True, exist_ok=True)
    best = {"trial": study.best.number, "score": study.best.score}
    about = {"study": {"uuid": study.uuid}, "best": best, **more}
    (folder / "best.toml").write_text(tomli_w.dumps(about))
    (folder / "model.keras").write_bytes(b"a model")
    return about


def test_score_on_the_test_part_is_read_from_the_bundle(
    study: StudyRecord, workdir: Path, bcsearch: Run
) -> None:
    assert json.loads(bcsearch("best", "--study", "cells", "--json").out)["test"] is None
    test = {"n_images": 48, "accuracy": 0.875, "macro_f1": 0.75}
    make_bundle(study, workdir, test=test)
    assert json.loads(bcsearch("best", "--study", "cells", "--json").out)["test"] == test
    assert (
        json.loads(bcsearch("status", "--study", "cells", "--json").out)["best"][0]["test"] == test
    )
    assert "accuracy 0.8750" in bcsearch("best", "--study", "cells").out


def test_export_writes_the_best_configuration_and_its_model(
    study: StudyRecord, workdir: Path, bcsearch: Run
) -> None:
    about = make_bundle(study, workdir)
    answer = bcsearch("export", "--study", "cells", "--to", "out")
    assert (answer.code, answer.err) == (0, "")
    names = {"model.keras", "best.toml", "best.yaml", "best.json"}
    assert {path.name for path in (workdir / "out").iterdir()} == names
    assert set(answer.out.split()) == {f"out/{name}" for name in names}
    assert json.loads((workdir / "out" / "best.json").read_text()) == about


@pytest.mark.usefixtures("study")
def test_export_of_a_study_that_was_never_refitted_names_the_command_that_mends_it(
    workdir: Path, bcsearch: Run
) -> None:
    os.rename(workdir / "results" / "bcsearch.db", workdir / "else.db")
    answer = bcsearch("export", "--study", "cells", "--to", "out", "--storage", "else.db")
    assert answer.code == 2
    assert "make it with 'bcsearch refit --study cells --storage else.db'" in answer.err
    assert not (workdir / "out").exists()


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize("command", ["status", "best"])
def test_text_holds_what_json_holds(command: str, bcsearch: Run) -> None:
    text = bcsearch(command, "--study", "cells").out
    found = json.loads(bcsearch("best", "--study", "cells", "--json").out)
    assert "study cells" in text
    assert f"trial {found['trial']}" in text
    assert f"{found['score']:.4f}" in text


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize("place", ["option", "environment"])
def test_storage_may_lie_anywhere(
    place: str, workdir: Path, bcsearch: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.rename(workdir / "results" / "bcsearch.db", workdir / "else.db")
    if place == "environment":
        monkeypatch.setenv("BCSEARCH_STORAGE", "sqlite:///else.db")
    answer = bcsearch(
        "best", "--study", "cells", *(["--storage", "else.db"] if place == "option" else [])
    )
    assert answer.code == 0


def test_help_of_export_names_every_format(bcsearch: Run) -> None:
    answer = bcsearch("export", "--help")
    for name in WRITERS:
        assert name in answer.out


@pytest.mark.usefixtures("study")
def test_reading_changes_nothing(workdir: Path, bcsearch: Run) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()}

    before = files()
    bcsearch("status", "--study", "cells")
    bcsearch("best", "--study", "cells")
    assert files() == before
