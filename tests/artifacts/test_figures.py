"""Figures as artifacts: of which trials, when they are drawn, where files lie, what ids are."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NoReturn

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import TrialState as OptunaState

from bcsearch.artifacts.figures import FigureStore
from bcsearch.errors import DiskError
from tests.fakes import FakeTrainer, make_plan, make_worker, open_session
from tests.objective.test_cross_validated import ONE_POINT, PruneAt

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.study.session import Session

ID = "0b5c3e9e-8a5f-4a0c-9d3e-1f2a3b4c5d6e"


def run(session: Session) -> None:
    make_worker(session, make_plan(ONE_POINT), FakeTrainer()).run()


def figures(session: Session) -> list[str]:
    """Return the figure of every trial that has one, as Optuna lists its artifacts."""
    store = FigureStore(session.files, draw=lambda uuid, number: f"{uuid} {number}".encode())
    uuid = session.ledger.uuid
    drawn = []
    for trial in session.study.trials:
        for meta in get_all_artifact_meta(trial, storage=session.storage):
            assert meta.filename == f"trial-{trial.number:05d}.svg"
            assert meta.mimetype == "image/svg+xml"
            with store.open_reader(meta.artifact_id) as file:
                drawn.append(file.read().decode().removeprefix(f"{uuid} "))
    return drawn


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_session(tmp_path, make_plan(ONE_POINT), trials=1)


def test_completed_trial_has_a_figure(session: Session) -> None:
    run(session)
    assert figures(session) == ["0"]


def test_pruned_trial_has_none(session: Session) -> None:
    session.study.pruner = PruneAt(2)
    run(session)
    assert session.study.trials[0].state is OptunaState.PRUNED
    assert figures(session) == []


def test_trial_that_is_not_trained_again_has_a_figure_of_its_own(session: Session) -> None:
    session.set_budget(2, 2)
    run(session)
    assert figures(session) == ["0", "1"]


def test_nothing_is_drawn_or_written_as_a_trial_ends(session: Session) -> None:
    run(session)
    assert not (session.files / "figures").exists()


def full_disk(*_: object) -> NoReturn:
    raise OSError(28, "No space left on device")


def test_second_try_of_a_trial_has_one_figure(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise DiskError("the database is full")

    with monkeypatch.context() as failing:
        failing.setattr("bcsearch.storage.Ledger.record", broken)
        with pytest.raises(DiskError, match="full"):
            run(session)
    run(session)
    assert figures(session) == ["0"]


def test_trial_that_cannot_be_drawn_is_not_found(tmp_path: Path) -> None:
    store = FigureStore(tmp_path / "cells", draw=lambda uuid, number: None)
    for artifact in (ID, f"{ID}-00000"):
        with pytest.raises(ArtifactNotFound):
            store.open_reader(artifact)


def test_file_of_an_earlier_version_is_shown_and_not_drawn_anew(tmp_path: Path) -> None:
    store = FigureStore(tmp_path / "cells", draw=lambda uuid, number: b"drawn")
    store.write(ID, BytesIO(b"a figure"))
    with store.open_reader(ID) as file:
        assert file.read() == b"a figure"


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
    monkeypatch.setattr("bcsearch.artifacts.figures.shutil.copyfileobj", full_disk)
    with pytest.raises(DiskError, match="No space left"):
        store.write(ID, BytesIO(b"a figure"))
    assert not list(store.folder.iterdir())


def test_store_fits_optuna(tmp_path: Path) -> None:
    study = optuna.create_study()
    (tmp_path / "note.txt").write_text("a note")
    store = FigureStore(tmp_path / "results" / "cells")
    artifact = optuna.artifacts.upload_artifact(
        artifact_store=store, file_path=str(tmp_path / "note.txt"), study_or_trial=study
    )
    optuna.artifacts.download_artifact(
        artifact_store=store, artifact_id=artifact, file_path=str(tmp_path / "again.txt")
    )
    assert (tmp_path / "again.txt").read_text() == "a note"
