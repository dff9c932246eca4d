from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import optuna
import pytest

from bcsearch.errors import StudyError
from bcsearch.records import StudyRecord, TrialState
from bcsearch.storage import attrs, read_study
from bcsearch.study import create
from bcsearch.study.create import check_fingerprint, settings_text, stored_plan, study_name
from tests.fakes import FINGERPRINT, FakeTrainer, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from pathlib import Path

NAMES: dict[str, tuple[list[str], bool, str]] = {
    "nothing there": ([], False, "cells"),
    "nothing there, fresh": ([], True, "cells"),
    "one there": (["cells"], False, "cells"),
    "one there, fresh": (["cells"], True, "cells-2"),
    "two there": (["cells", "cells-2"], False, "cells-2"),
    "two there, fresh": (["cells", "cells-2"], True, "cells-3"),
    "the first number that is free": (["cells", "cells-2", "cells-9"], True, "cells-3"),
    "first one deleted": (["cells-2"], False, "cells-2"),
    "a number is free": (["cells-2"], True, "cells"),
    "other sweeps": (["cell", "cells-big", "cells-2-old", "mycells", "other"], True, "cells"),
}


def studies(*names: str) -> list[StudyRecord]:
    """Return studies without trials; the sweep of ``cells-2`` is ``cells``."""
    return [
        StudyRecord(name=name, sweep=re.sub(r"-\d+$", "", name), uuid="", trials_wanted=0)
        for name in names
    ]


@pytest.mark.parametrize("case", NAMES)
def test_study_name_is_the_newest_or_the_next(case: str) -> None:
    taken, fresh, expected = NAMES[case]
    assert study_name("cells", studies(*taken), fresh=fresh) == expected


def test_sweep_name_is_taken_literally() -> None:
    assert study_name("c.lls", studies("cells", "cells-2"), fresh=True) == "c.lls"


def test_study_of_a_sweep_with_a_like_name_is_not_taken_up() -> None:
    others = [StudyRecord(name="cells-2", sweep="cells-2", uuid="", trials_wanted=0)]
    assert study_name("cells", others) == "cells"
    assert study_name("cells", [*studies("cells"), *others], fresh=True) == "cells-3"


def test_fresh_study_keeps_the_old_one(tmp_path: Path) -> None:
    plan = make_plan()
    old = open_session(tmp_path, plan, trials=2)
    make_worker(old, plan, FakeTrainer()).run()
    new = open_session(
        tmp_path, plan, trials=3, name=study_name("cells", studies(old.name), fresh=True)
    )
    assert new.name == "cells-2"
    make_worker(new, plan, FakeTrainer()).run()
    assert (old.record().slots_filled, new.record().slots_filled) == (2, 3)
    assert old.record().uuid != new.record().uuid
    assert new.record().sweep == "cells"


def test_other_fingerprint_is_refused_and_the_key_named(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)
    with pytest.raises(StudyError) as caught:
        open_session(tmp_path, plan, fingerprint={**FINGERPRINT, "training.epochs": "9"})
    line = str(caught.value)
    for words in ("'cells'", "training.epochs was 5, is 9", "--set training.epochs=5", "--fresh"):
        assert words in line
    assert "\n" not in line
    assert session.record().trials_wanted == 2


@pytest.mark.parametrize(
    ("stored", "remedy"),
    [
        ({"views.mode": "online"}, "go on with --set views.mode=online, or"),
        ({}, "go on with --set views.mode=stored, or"),
        ({"weights.seed": "3"}, "go on with --set weights.seed=3, or"),
        (
            {"search.score": "accuracy", "training.seed": "3", "views.mode": "online"},
            "go on with --set search.score=accuracy --set training.seed=3 --set views.mode=online,",
        ),
        (
            {"search.score": "accuracy", "space.l2": "{}"},
            "restore them, in the files or with the options and the --set that it was made with,",
        ),
    ],
    ids=["one", "one that is younger", "of random weights", "several", "of the space"],
)
def test_remedy_names_what_makes_the_settings_those_of_the_study(
    stored: dict[str, str], remedy: str
) -> None:
    now = dict.fromkeys(stored, "other") or {"views.mode": "online"}
    with pytest.raises(StudyError) as caught:
        check_fingerprint("cells", stored, now, "cells.npz", "cells.npz")
    assert remedy in str(caught.value)


def test_every_further_difference_is_counted() -> None:
    stored, now = {"folds": "aa", "dataset": "cc"}, {"folds": "bb", "meaning": "1", "dataset": "cc"}
    with pytest.raises(StudyError, match=r"folds was aa, is bb \(and 1 more\)"):
        check_fingerprint("cells", stored, now, "cells.npz", "cells.npz")


def test_other_data_is_refused_and_the_source_named() -> None:
    now = {**FINGERPRINT, "dataset": "bb", "folds": "changes with the data"}
    with pytest.raises(
        StudyError, match=r"'cells' was made with other data.*--data cells\.npz.*--fresh"
    ):
        check_fingerprint("cells", FINGERPRINT, now, "cells.npz", "others.npz")
    with pytest.raises(
        StudyError, match="changed since; restore it, or start anew with 'bcsearch run' and --fresh"
    ):
        check_fingerprint("cells", FINGERPRINT, now, "cells.npz", "cells.npz")


def test_equal_fingerprint_passes_in_any_order() -> None:
    check_fingerprint(
        "cells", FINGERPRINT, dict(reversed(FINGERPRINT.items())), "cells.npz", "cells.npz"
    )


def test_sampler_and_pruner_come_from_the_stored_settings_on_resume(tmp_path: Path) -> None:
    open_session(
        tmp_path, make_plan(search={"sampler": "tpe", "pruner": "median", "pruner_trials": 4})
    )
    changed = make_plan(search={"sampler": "random", "pruner": "none"})
    study = open_session(tmp_path, changed).study
    assert isinstance(study.sampler, optuna.samplers.TPESampler)
    assert isinstance(study.pruner, optuna.pruners.MedianPruner)
    assert study.pruner._n_startup_trials == 4


def test_start_points_are_queued_by_the_creator_only(tmp_path: Path) -> None:
    plan = make_plan(start=[{"learning_rate": 0.01}, {"learning_rate": 0.02}])
    first = open_session(tmp_path, plan)
    open_session(tmp_path, plan)
    assert first.record().count(TrialState.WAITING) == 2


def test_settings_come_back_as_the_same_plan_without_the_storage_url() -> None:
    plan = make_plan(
        start=[{"learning_rate": 0.01}],
        storage="postgresql://me:secret@host/db",
        training={"epochs": 3},
    )
    text = settings_text(plan)
    assert "secret" not in text
    back = stored_plan("cells", text)
    assert back.space == plan.space
    assert back.sweep == plan.sweep.model_copy(update={"storage": None})


def test_everything_needed_to_resume_stands_in_the_study(tmp_path: Path) -> None:
    plan = make_plan()
    record = read_study(open_session(tmp_path, plan, trials=7).storage, "cells")
    assert (record.sweep, record.trials_wanted, record.fingerprint) == ("cells", 7, FINGERPRINT)
    assert json.loads(record.settings)["sweep"]["search"]["sampler"] == "random"


def test_creation_that_broke_off_is_brought_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "JOIN_SECONDS", 0.3)
    plan = make_plan(start=[{"learning_rate": 0.01}, {"learning_rate": 0.02}])
    storage = open_session(tmp_path, make_plan()).storage
    optuna.create_study(study_name="cells-2", storage=storage).enqueue_trial(
        {"learning_rate": 0.01}
    )
    session = open_session(tmp_path, plan, name="cells-2", trials=3)
    assert [trial.system_attrs["fixed_params"] for trial in session.study.trials] == list(
        plan.sweep.start
    )
    assert session.record().fingerprint == FINGERPRINT


def test_study_of_others_that_has_trials_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "JOIN_SECONDS", 0.3)
    storage = open_session(tmp_path, make_plan()).storage
    optuna.create_study(study_name="cells-2", storage=storage).add_trial(
        optuna.create_trial(value=0.5)
    )
    with pytest.raises(StudyError, match=r"'cells-2' was not made by bcsearch.*--fresh"):
        open_session(tmp_path, make_plan(), name="cells-2")


def test_joining_waits_for_the_creator_to_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan()
    storage = open_session(tmp_path, plan).storage
    half = optuna.create_study(study_name="cells-2", storage=storage)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        half.set_user_attr(attrs.SWEEP, "cells")
        half.set_user_attr(attrs.FINGERPRINT, FINGERPRINT)
        half.set_user_attr(attrs.SETTINGS, settings_text(plan))
        half.set_user_attr(attrs.UUID, "u")

    monkeypatch.setattr("bcsearch.study.create.time.sleep", nap)
    assert open_session(tmp_path, plan, name="cells-2").record().uuid == "u"
    assert len(naps) == 1
