"""What a study does about its data: looked for once, set aside, told, the same for all workers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.data import Dataset, load_dataset
from bcsearch.errors import DataError
from bcsearch.records.checked import Baseline, Certificate, StudyCheck

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.study.checking import Checker

N = 60


@pytest.fixture(scope="module")
def cells() -> Dataset:
    """Return drawn cells of two classes; row 60 is row 3, rows 61 to 66 are one picture."""
    demo = load_dataset("demo")
    rows = np.concatenate([np.flatnonzero(demo.labels == label)[: N // 2] for label in range(2)])
    images = np.concatenate([demo.images[rows], demo.images[rows[3:4]], *[demo.images[-1:]] * 6])
    labels = np.concatenate([demo.labels[rows], [0], [0, 1, 0, 1, 0, 1]])
    return Dataset(images=images[:, ::2, ::2].copy(), labels=labels, class_names=("a", "b"))


def checker(dataset: Dataset, root: Path, **reading: Any) -> Checker:
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.features.features import Features
    from bcsearch.features.store import Store
    from bcsearch.records.events import ignore
    from bcsearch.study.checking import Checker
    from bcsearch.study.interrupts import Interrupts
    from tests.fakes import make_plan

    space = {"backbone": "efficientnet_lite0", "image_size": 48, "head_layers": 0}
    plan = make_plan(space, folds={"n_folds": 3}, reading=reading)
    weights = {"efficientnet_lite0": resolve_weights("efficientnet_lite0", "auto")}
    features = Features(images=dataset.images, store=Store(root), weights=weights)
    return Checker(dataset=dataset, plan=plan, features=features, interrupts=Interrupts(ignore))


def test_what_is_certain_is_set_aside_and_told(cells: Dataset, tmp_path: Path) -> None:
    from bcsearch.study.checking import without_findings

    found = checker(cells, tmp_path).study_check()
    assert found.excluded == tuple(range(60, 67))
    assert found.certificate.set_aside == {"copy": 1, "junk": 6}
    assert found.certificate.to_beat is not None
    assert found.certificate.most_alike is not None
    assert found.dataset == cells.content
    left = without_findings(cells, found)
    np.testing.assert_array_equal(left.kept, np.arange(60))


def test_the_same_images_and_labels_are_looked_at_once(
    cells: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = checker(cells, tmp_path).study_check()
    monkeypatch.setattr("bcsearch.study.checking.check_data", lambda looked: 1 / 0)
    assert checker(cells, tmp_path).study_check() == first
    other = replace(cells, labels=np.roll(cells.labels, 1))
    with pytest.raises(ZeroDivisionError):
        checker(other, tmp_path).study_check()


def test_exclude_and_groups_of_a_check_overrule_it(cells: Dataset, tmp_path: Path) -> None:
    from bcsearch.check.files import groups_csv
    from bcsearch.data.excluded import with_groups
    from bcsearch.study.checking import without_findings

    excluded = np.zeros(67, bool)
    excluded[[1, 66]] = True
    found = checker(replace(cells, excluded=excluded), tmp_path).study_check()
    assert found.excluded == (1, 66)
    assert found.certificate.set_aside == {"as --exclude says": 2}
    assert (3, 60) in found.groups
    path = tmp_path / "groups.csv"
    path.write_text(groups_csv(checker(cells, tmp_path).check()).replace("\n60,3\n", "\n60,60\n"))
    grouped = with_groups(cells, path)
    found = checker(grouped, tmp_path, groups=str(path)).study_check()
    assert found.groups == (tuple(range(61, 67)),)  # row 60 was taken out of its group
    left = without_findings(grouped, found).groups
    assert left is not None
    assert left[3] != left[60]


@pytest.mark.parametrize("way", ["own groups", "groups.csv", "exclude.csv", "split", "nothing"])
def test_baselines_are_scored_on_the_folds_that_trials_have(
    way: str, cells: Dataset, tmp_path: Path
) -> None:
    from bcsearch.check.files import groups_csv
    from bcsearch.check.table import check_data
    from bcsearch.data.excluded import with_groups
    from bcsearch.data.folds import make_folds
    from bcsearch.study.checking import without_findings

    dataset, reading = cells, {}
    if way == "own groups":
        dataset = replace(cells, groups=np.array([f"p{row // 3}" for row in range(67)]))
    elif way == "groups.csv":
        path = tmp_path / "groups.csv"
        path.write_text(groups_csv(checker(cells, tmp_path).check()).replace("\n9,9\n", "\n9,8\n"))
        dataset, reading = with_groups(cells, path), {"groups": str(path)}
    elif way == "exclude.csv":
        dataset = replace(cells, excluded=np.arange(67) > 63)
    elif way == "split":
        dataset = replace(cells, valid=np.arange(67) % 4 == 0)
    made = checker(dataset, tmp_path, **reading)
    looked = made.looked()
    check = check_data(looked)
    assert looked.divided is not None
    left = without_findings(dataset, made.study_check())
    folds = make_folds(left, n_folds=3, seed=made.plan.sweep.folds.seed)
    assert looked.divided.folds.fingerprint == folds.fingerprint
    assert check.baselines


def test_empty_list_of_rows_sets_nothing_aside(cells: Dataset, tmp_path: Path) -> None:
    from bcsearch.check.files import findings_csv
    from bcsearch.data.excluded import without_rows
    from bcsearch.records.checked import Verdict

    path = tmp_path / "exclude.csv"
    mark, head, *_ = findings_csv(checker(cells, tmp_path).check(), Verdict.EXCLUDE).splitlines()
    path.write_text(f"{mark}\n{head}\n")
    kept = without_rows(cells, path)
    found = checker(kept, tmp_path).study_check()
    assert found.excluded == ()
    assert found.given != ""


def test_groups_that_were_given_add_nothing_to_what_copies_were_worth(
    cells: Dataset, tmp_path: Path
) -> None:
    good = replace(
        cells, images=cells.images[:60], labels=cells.labels[:60], groups=np.arange(60) // 2
    )
    assert checker(good, tmp_path).study_check().certificate.as_it_came == ()


def test_study_s_check_is_of_the_same_images_and_of_what_is_given_with_them(
    cells: Dataset, tmp_path: Path
) -> None:
    from bcsearch.study.checking import is_of, unchecked

    grouped = replace(cells, groups=np.arange(67) // 2)
    check = unchecked(grouped)
    assert is_of(check, grouped)
    assert is_of(check, cells)  # nothing is given: the study knows
    assert not is_of(check, replace(cells, groups=np.arange(67) // 3))
    assert not is_of(check, replace(cells, labels=1 - cells.labels))
    assert is_of(replace(check, given=None), replace(cells, groups=np.arange(67) // 3))


def test_score_that_is_nan_is_kept_as_such(cells: Dataset, tmp_path: Path) -> None:
    made = checker(cells, tmp_path)
    first = made.check()
    nan = replace(first, as_it_came=(float("nan"), 1.0))
    import bcsearch.study.checking as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "check_data", lambda looked: nan)
        found = checker(replace(cells, labels=np.roll(cells.labels, 2)), tmp_path).check()
    assert np.isnan(found.as_it_came[0])


def test_class_of_junk_alone_is_an_error_that_says_what_to_do(cells: Dataset) -> None:
    from bcsearch.study.checking import without_findings

    rows = tuple(np.flatnonzero(cells.labels == 1).tolist())
    check = StudyCheck(
        dataset=cells.fingerprint, certificate=Certificate(n_images=67), excluded=rows
    )
    with pytest.raises(DataError, match=r"all images of class 'b' are junk.*--no-check"):
        without_findings(cells, check)


def test_own_groups_are_joined_with_copies(cells: Dataset, tmp_path: Path) -> None:
    from bcsearch.study.checking import without_findings

    own = replace(cells, groups=np.array([f"p{row // 2}" for row in range(67)]))
    check = checker(own, tmp_path).study_check()
    assert (2, 3, 60, 61, 62, 63, 64, 65, 66) in check.groups  # 60 and 61 are of one patient
    groups = without_findings(own, check).groups
    assert groups is not None
    assert groups[0] == groups[1] != groups[4]


def test_what_a_study_says_of_its_data_is_the_same_after_a_database(
    cells: Dataset, tmp_path: Path
) -> None:
    import optuna

    from bcsearch.storage import open_storage, read_study
    from bcsearch.storage.checks import read_check
    from bcsearch.study.create import open_study
    from tests.fakes import make_plan

    check = StudyCheck(
        dataset="0123",
        certificate=Certificate(
            n_images=9,
            set_aside={"copy, other label": 2},
            baselines=(Baseline(name="linear head", scores={"accuracy": (0.5, 0.75)}),),
            as_it_came=(0.9, 0.8),
        ),
        excluded=(4, 7),
        groups=((1, 2, 8),),
    )
    plan = make_plan()
    storage = open_storage(f"sqlite:///{tmp_path / 'a.db'}", plan.sweep.limits)
    study = open_study(storage, plan, {"dataset": "0123"}, name="a", worker="w", check=check)
    assert isinstance(study, optuna.Study)
    record = read_study(storage, "a")
    assert record.certificate == check.certificate
    assert read_check(storage, record.uuid) == check
    assert read_check(storage, "other") is None
