"""Figures as artifacts: of which trials, where they lie, what a full disk does, allowed ids."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, NoReturn

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import TrialState as OptunaState

from bcsearch.errors import DiskError
from bcsearch.objective.figures import FigureKeeper, FigureStore
from bcsearch.storage.trial_rows import CONSTRAINT
from tests.fakes import FakeTrainer, make_plan, make_worker, open_desk
from tests.objective.test_cross_validated import ONE_POINT, PruneAt

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from bcsearch.study.desk import Desk

    from bcsearch.storage import LedgerEntry

ID = "0b5c3e9e-8a5f-4a0c-9d3e-1f2a3b4c5d6e"


def draw(entry: LedgerEntry, probabilities: np.ndarray | None) -> str:
    shape = None if probabilities is None else probabilities.shape
    return json.dumps([entry.trial_number, entry.state, len(entry.epochs), shape])


def run(desk: Desk) -> None:
    keeper = FigureKeeper(store=FigureStore(desk.files), draw=draw)
    make_worker(desk, make_plan(ONE_POINT), FakeTrainer(), keep_figure=keeper).run()


def figures(desk: Desk) -> list[list[object]]:
    """Return what was drawn of every trial, by way of the artifacts that Optuna knows of."""
    drawn = []
    for trial in desk.study.trials:
        (meta,) = get_all_artifact_meta(trial, storage=desk.storage)
        assert (meta.filename, meta.mimetype) == (f"trial-{trial.number:05d}.svg", "image/svg+xml")
        with FigureStore(desk.files).open_reader(meta.artifact_id) as file:
            drawn.append(json.load(file))
    return drawn


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path, make_plan(ONE_POINT), trials=1)


def test_completed_trial_has_a_figure(desk: Desk) -> None:
    run(desk)
    assert figures(desk) == [[0, "complete", 5, [4, 2]]]


def test_pruned_trial_has_one_too_with_predictions_that_are_not_kept_otherwise(desk: Desk) -> None:
    desk.study.pruner = PruneAt(2)
    run(desk)
    assert desk.study.trials[0].state is OptunaState.PRUNED
    assert figures(desk) == [[0, "pruned", 3, [4, 2]]]
    assert desk.artifacts.probabilities(0) is None


def test_trial_that_is_not_trained_again_has_a_figure_of_its_own(desk: Desk) -> None:
    desk.set_budget(2, 2)
    run(desk)
    assert figures(desk) == [[0, "complete", 5, [4, 2]], [1, "complete", 5, [4, 2]]]


def test_figures_lie_in_the_folder_of_the_study_and_nothing_else_does(desk: Desk) -> None:
    run(desk)
    (meta,) = get_all_artifact_meta(desk.study.trials[0], storage=desk.storage)
    assert [path.name for path in (desk.files / "figures").iterdir()] == [meta.artifact_id]


def test_database_holds_only_where_a_figure_is(desk: Desk) -> None:
    run(desk)
    told = desk.storage.get_trial_system_attrs(desk.study.trials[0]._trial_id)
    ((key, value),) = ((key, value) for key, value in told.items() if key != CONSTRAINT)
    assert set(json.loads(value)) == {"artifact_id", "filename", "mimetype", "encoding"}
    assert key == f"artifacts:{json.loads(value)['artifact_id']}"


def full_disk(*_: object) -> NoReturn:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["draft", "store"])
def test_full_disk_loses_no_trial_and_its_second_try_has_one_figure(
    step: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        name = {"draft": "make_writable_dir", "store": "shutil.copyfileobj"}[step]
        broken.setattr(f"bcsearch.objective.figures.{name}", full_disk)
        with pytest.raises(DiskError, match="No space left"):
            run(desk)
    (trial,) = desk.study.trials
    assert trial.state is OptunaState.WAITING
    assert desk.ledger.entry_of(0) is None
    run(desk)
    assert figures(desk) == [[0, "complete", 5, [4, 2]]]


def test_figure_of_a_second_try_replaces_the_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise DiskError("the database is full")

    with monkeypatch.context() as failing:
        failing.setattr("bcsearch.storage.Ledger.record", broken)
        with pytest.raises(DiskError, match="full"):
            run(desk)
    run(desk)
    assert figures(desk) == [[0, "complete", 5, [4, 2]]]
    assert len(list((desk.files / "figures").iterdir())) == 1


def test_artifact_is_found_in_the_folder_of_any_study(tmp_path: Path) -> None:
    FigureStore(tmp_path / "cells").write(ID, BytesIO(b"a figure"))
    with FigureStore(tmp_path / "other").open_reader(ID) as file:
        assert file.read() == b"a figure"


def test_artifact_is_removed_wherever_it_lies(tmp_path: Path) -> None:
    FigureStore(tmp_path / "cells").write(ID, BytesIO(b"a figure"))
    other = FigureStore(tmp_path / "other")
    other.remove(ID)
    with pytest.raises(ArtifactNotFound):
        other.open_reader(ID)
    other.remove(ID)  # so a study whose files lie elsewhere can be deleted


@pytest.mark.parametrize(
    "artifact_id",
    [
        "",
        ".",
        "..",
        "../secret",
        "../../secret",
        "/etc/passwd",
        "a/b",
        "*",
        "[a]",
        "a\n",
        "a\\b",
        "~",
    ],
)
def test_id_is_a_name_and_leads_nowhere_else(artifact_id: str, tmp_path: Path) -> None:
    root = tmp_path / "results"
    store = FigureStore(root / "cells")
    store.write("a", BytesIO(b"a figure"))
    (tmp_path / "secret").write_text("")
    (root / "secret").write_text("")
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ArtifactNotFound):
        store.open_reader(artifact_id)
    with pytest.raises(ArtifactNotFound):
        store.write(artifact_id, BytesIO(b""))
    with pytest.raises(ArtifactNotFound):
        store.remove(artifact_id)
    assert set(tmp_path.rglob("*")) == before


def test_half_an_artifact_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FigureStore(tmp_path / "cells")
    monkeypatch.setattr("bcsearch.objective.figures.shutil.copyfileobj", full_disk)
    with pytest.raises(DiskError, match="No space left"):
        store.write(ID, BytesIO(b"a figure"))
    assert not list(store.folder.iterdir())


def test_store_fits_optuna(tmp_path: Path) -> None:
    study = optuna.create_study()
    (tmp_path / "words.txt").write_text("words")
    store = FigureStore(tmp_path / "results" / "cells")
    artifact = optuna.artifacts.upload_artifact(
        artifact_store=store, file_path=str(tmp_path / "words.txt"), study_or_trial=study
    )
    optuna.artifacts.download_artifact(
        artifact_store=store, artifact_id=artifact, file_path=str(tmp_path / "again.txt")
    )
    assert (tmp_path / "again.txt").read_text() == "words"
