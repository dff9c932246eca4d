from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from bcsearch.config import RunOptions
from bcsearch.errors import ConfigError
from bcsearch.storage import attrs
from bcsearch.study.places import files_dir, made_study_dir, study_dir
from tests.fakes import make_plan, open_session

if TYPE_CHECKING:
    from pathlib import Path

    import optuna


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return open_session(tmp_path, make_plan(), trials=1).study


def options(results: Path, artifacts: Path | None = None) -> RunOptions:
    return RunOptions(results_dir=results, artifacts_dir=artifacts)


def told(study: optuna.Study) -> str | None:
    place: str | None = study.user_attrs.get(attrs.FILES_OF.format(socket.gethostname()))
    return place


def test_files_lie_among_the_results_of_the_first_worker_and_others_find_them_there(
    study: optuna.Study, tmp_path: Path
) -> None:
    first = files_dir(study, options(tmp_path / "one"))
    assert first == tmp_path / "one" / "cells"
    assert files_dir(study, options(tmp_path / "two")) == first
    assert told(study) is None


def test_artifacts_option_names_the_folder(study: optuna.Study, tmp_path: Path) -> None:
    assert (
        files_dir(study, options(tmp_path / "one", tmp_path / "shared"))
        == tmp_path / "shared" / "cells"
    )
    assert files_dir(study, options(tmp_path / "two")) == tmp_path / "shared" / "cells"
    assert told(study) is None


def test_run_may_move_the_files_to_a_shared_folder_later(
    study: optuna.Study, tmp_path: Path
) -> None:
    files_dir(study, options(tmp_path / "one"))
    moved = files_dir(study, options(tmp_path / "one", tmp_path / "shared"), may_move=True)
    assert moved == tmp_path / "shared" / "cells"
    assert files_dir(study, options(tmp_path / "two")) == moved
    assert told(study) is None
    (tmp_path / "shared").rename(tmp_path / "gone")
    assert files_dir(study, options(tmp_path / "one")) == tmp_path / "one" / "cells"
    assert told(study) == str(
        tmp_path / "one" / "cells"
    )  # it holds the mark of the time when all shared it


def test_worker_with_a_folder_of_its_own_says_so_and_moves_nobody(
    study: optuna.Study, tmp_path: Path
) -> None:
    shared = files_dir(study, options(tmp_path / "one", tmp_path / "shared"))
    mine = files_dir(study, options(tmp_path / "two", tmp_path / "local"))
    assert mine == tmp_path / "local" / "cells"
    assert told(study) == str(mine)
    assert files_dir(study, options(tmp_path / "three")) == shared
    assert told(study) == "shared"


def test_folder_of_the_same_path_on_another_disk_is_not_taken_for_the_shared_one(
    study: optuna.Study, tmp_path: Path
) -> None:
    chosen = options(tmp_path / "one", tmp_path / "scratch")
    shutil.rmtree(files_dir(study, chosen))  # as a machine sees it that has a disk of its own there
    for may_move in (False, True):
        assert files_dir(study, chosen, may_move=may_move) == tmp_path / "scratch" / "cells"
        assert told(study) == str(tmp_path / "scratch" / "cells")


def test_mark_of_old_without_a_path_is_of_the_shared_folder(
    study: optuna.Study, tmp_path: Path
) -> None:
    first = files_dir(study, options(tmp_path / "one"))
    (first / ".study").write_text(study.user_attrs[attrs.UUID])
    assert files_dir(study, options(tmp_path / "two")) == first
    assert told(study) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", None], ids=["empty", "no text", "a folder"])
def test_mark_that_cannot_be_read_is_none(
    content: bytes | None, study: optuna.Study, tmp_path: Path
) -> None:
    first = files_dir(study, options(tmp_path / "one"))
    mark = first / ".study"
    mark.unlink()
    mark.mkdir() if content is None else mark.write_bytes(content)
    assert files_dir(study, options(tmp_path / "two")) == tmp_path / "two" / "cells"
    assert study_dir(tmp_path / "one", "cells", study.user_attrs[attrs.UUID]) == first


def test_shared_folder_may_be_mounted_under_another_path(
    study: optuna.Study, tmp_path: Path
) -> None:
    files_dir(study, options(tmp_path / "one", tmp_path / "shared"))
    (tmp_path / "mount").symlink_to(tmp_path / "shared")
    for may_move in (False, True):
        there = files_dir(study, options(tmp_path / "two", tmp_path / "mount"), may_move=may_move)
        assert there == tmp_path / "mount" / "cells"
        assert told(study) is None
    assert study.user_attrs[attrs.FILES] == str(tmp_path / "shared" / "cells")


def test_machine_that_does_not_reach_the_folder_takes_its_own_and_says_so(
    study: optuna.Study, tmp_path: Path
) -> None:
    first = files_dir(study, options(tmp_path / "one"))
    shutil.rmtree(first)  # as another machine sees it
    (tmp_path / "one" / "cells").mkdir()  # it has a folder of that name, of something else
    assert files_dir(study, options(tmp_path / "two")) == tmp_path / "two" / "cells"
    assert told(study) == str(tmp_path / "two" / "cells")
    shared = options(tmp_path / "two", tmp_path / "shared")
    assert files_dir(study, shared, may_move=True) == tmp_path / "shared" / "cells"
    assert told(study) == "shared"


def test_study_of_the_same_name_has_files_of_its_own(study: optuna.Study, tmp_path: Path) -> None:
    first = files_dir(study, options(tmp_path / "one"))
    (tmp_path / "other").mkdir()
    other = open_session(tmp_path / "other", make_plan(), trials=1).study
    second = files_dir(other, options(tmp_path / "one"))
    assert second == tmp_path / "one" / f"cells-{other.user_attrs[attrs.UUID][:8]}"
    assert files_dir(other, options(tmp_path / "two")) == second
    assert files_dir(study, options(tmp_path / "one")) == first


def test_model_of_another_study_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cells" / "model").mkdir(parents=True)
    (tmp_path / "cells" / "model" / "best.toml").write_text('[study]\nuuid = "aaaaaaaaaaaa"\n')
    assert study_dir(tmp_path, "cells", "aaaaaaaaaaaa") == tmp_path / "cells"
    assert study_dir(tmp_path, "cells", "bbbbbbbbbbbb") == tmp_path / "cells-bbbbbbbb"


@pytest.mark.parametrize("name", ["model/mine.txt", "checkpoints/epoch9.h5", ".hidden", "notes"])
@pytest.mark.parametrize("option", ["results", "artifacts"])
def test_folder_of_the_users_with_the_name_of_the_study_is_left_alone(
    name: str, option: str, study: optuna.Study, tmp_path: Path
) -> None:
    mine = tmp_path / "one" / "cells" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    uuid = study.user_attrs[attrs.UUID]
    chosen = options(tmp_path / "one")
    if option == "artifacts":
        chosen = options(tmp_path / "two", tmp_path / "one")
    ours = tmp_path / "one" / f"cells-{uuid[:8]}"
    for _ in range(2):  # as it is made, and as it is found again
        assert files_dir(study, chosen) == ours
        assert made_study_dir(tmp_path / "one", "cells", uuid, "--results") == ours
    assert mine.read_text() == "mine"
    assert mine.relative_to(tmp_path / "one" / "cells").parts[0] in {
        path.name for path in (tmp_path / "one" / "cells").iterdir()
    }


def test_folder_of_a_model_alone_is_marked(study: optuna.Study, tmp_path: Path) -> None:
    uuid = study.user_attrs[attrs.UUID]
    made = made_study_dir(tmp_path / "models", "cells", uuid, "--results")
    (made / "model").mkdir()
    assert study_dir(tmp_path / "models", "cells", uuid) == made == tmp_path / "models" / "cells"
    assert study_dir(tmp_path / "models", "cells", "other-uuid") != made


def test_study_whose_name_leads_elsewhere_gets_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="study name"):
        study_dir(tmp_path, "..", "aaaaaaaaaaaa")
