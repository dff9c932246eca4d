"""Every check finds what it is there for, and nothing in good data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.data import Dataset
from bcsearch.records.checked import DataCheck, Verdict

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.check.looked import Looked

N, SIDE, CLASSES = 120, 32, 3


@pytest.fixture(scope="module")
def good() -> Dataset:
    """Return noisy discs whose size tells the class."""
    random = np.random.default_rng(0)
    labels = np.arange(N) % CLASSES
    places = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    centres = random.uniform(-0.2, 0.2, (N, 2, 1, 1))
    far = np.hypot(*(places[:, None] - centres.transpose(1, 0, 2, 3)))
    inside = (far < (0.2 + 0.2 * labels)[:, None, None])[..., None]
    images = np.where(inside, 90.0, 220.0) + random.normal(0, 20, (N, SIDE, SIDE, 3))
    return Dataset(
        images=np.clip(images, 0, 255).astype(np.uint8), labels=labels,
        class_names=("small", "middle", "large"),
    )  # fmt: skip


def features_of(dataset: Dataset, seed: int = 0) -> np.ndarray:
    """Return made-up features that tell the class."""
    random = np.random.default_rng(seed)
    centres = random.normal(0, 3, (CLASSES, 20))
    return (centres[dataset.labels] + random.normal(0, 1, (N, 20))).astype(np.float16)


def looked(dataset: Dataset, features: np.ndarray | None = None) -> Looked:
    from bcsearch.check.looked import Looked
    from bcsearch.config import Search
    from bcsearch.scores.table import chosen_scores

    return Looked(dataset, features, scores=chosen_scores(Search()))


def check(dataset: Dataset, *names: str, features: np.ndarray | None = None) -> DataCheck:
    from bcsearch.check.table import CHECKS, check_data

    return check_data(looked(dataset, features), names or tuple(CHECKS))


def changed(dataset: Dataset, **arrays: Any) -> Dataset:
    return replace(dataset, **arrays)


def test_good_data_is_left_alone(good: Dataset) -> None:
    found = check(good, features=features_of(good))
    assert found.rows(Verdict.EXCLUDE) == []
    assert len(found.rows(Verdict.REVIEW)) <= 2
    assert found.left_out == ()


def test_every_reason_has_a_remedy_and_every_check_a_sentence() -> None:
    from bcsearch.check.table import CHECKS, REMEDIES

    assert all(row.doc.endswith(".") and name == row.name for name, row in CHECKS.items())
    assert len(REMEDIES) == sum(len(row.remedies) for row in CHECKS.values())
    assert all(REMEDIES.values())


def test_without_features_the_checks_that_need_them_say_so(good: Dataset) -> None:
    assert len(check(good).left_out) == 3


def test_saturated_image_is_found(good: Dataset) -> None:
    images = good.images.copy()
    images[7, 4:] = 255
    found = check(changed(good, images=images), "saturated")
    assert [each.row for each in found.findings] == [7]


def test_blurred_image_is_found_by_the_spread_of_its_class(good: Dataset) -> None:
    from scipy.ndimage import gaussian_filter

    images = good.images.copy()
    images[9] = gaussian_filter(images[9].astype(float), (3, 3, 0))
    found = check(changed(good, images=images), "blurred")
    assert [each.row for each in found.findings] == [9]


def test_outlier_in_the_features_is_found(good: Dataset) -> None:
    features = features_of(good)
    features[33] = np.random.default_rng(1).normal(0, 12, 20)
    found = check(good, "outliers", features=features)
    assert [each.row for each in found.findings] == [33]


def test_wrong_label_is_found(good: Dataset) -> None:
    features, labels = features_of(good), good.labels.copy()
    labels[50] = (labels[50] + 1) % CLASSES
    found = check(changed(good, labels=labels), "label_errors", features=features)
    assert [each.row for each in found.findings] == [50]
    assert "labelled small" in found.findings[0].evidence
    assert "a linear head says large" in found.findings[0].evidence


def test_label_check_is_left_out_where_cleanlab_is_missing(
    good: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cleanlab.filter", None)
    found = check(good, "label_errors", features=features_of(good))
    assert found.left_out == ("label errors need cleanlab; pip install 'bcsearch[check]'",)


def test_shortcut_in_the_corners_is_told_and_none_where_there_is_none(good: Dataset) -> None:
    fair = check(good, "shortcuts").notes
    assert not any("test on images of another source" in line for line in fair if "corners" in line)
    images = good.images.copy()
    images[:, :4, :4] = (80 * good.labels)[:, None, None, None]
    told = check(changed(good, images=images), "shortcuts").notes
    assert any("corners" in line and "another source" in line for line in told)


def test_rows_in_the_order_of_their_class_are_told(good: Dataset) -> None:
    order = np.argsort(good.labels, kind="stable")
    sorted_rows = changed(good, images=good.images[order], labels=good.labels[order])
    lines = check(sorted_rows, "shortcuts").notes
    assert any("place in the file" in line and "order of class" in line for line in lines)


def test_files_that_tell_the_class_by_name_or_size_are_told_and_folders_are_no_order(
    good: Dataset, tmp_path: Path
) -> None:
    def lines(stem: str, n_bytes: list[int]) -> list[str]:
        names = [f"{label}/{stem.format(row, label)}.png" for row, label in enumerate(good.labels)]
        for name, size in zip(names, n_bytes, strict=True):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"x" * size)
        files = changed(good, names=tuple(names), source=str(tmp_path))
        told = check(files, "shortcuts").notes
        return [line for line in told if ";" in line and "file" in line]

    random = np.random.default_rng(0)
    even = [int(size) for size in random.integers(500, 900, N)]
    assert lines("x{0:05}", even) == []  # classes take turns in the rows
    (named,) = lines("{1}-{0:05}", even)
    assert "order of the file names" in named
    (sized,) = lines("x{0:05}", [500 + 400 * int(label) for label in good.labels])
    assert "file size" in sized


def test_class_with_fewer_images_than_folds_is_named(good: Dataset) -> None:
    labels = np.where(np.arange(N) < 3, 2, np.arange(N) % 2)
    few, balance = check(changed(good, labels=labels), "class_balance").notes[::-1]
    assert "large" in few
    assert "3 (large)" in balance


def test_what_is_set_aside_is_not_looked_at_again(good: Dataset) -> None:
    """Sixty copies of a white picture do not make the other images unlike the set."""
    white = np.full((60, SIDE, SIDE, 3), 255, np.uint8)
    labels = np.append(good.labels, np.arange(60) % CLASSES)
    many = changed(good, images=np.concatenate([good.images, white]), labels=labels)
    found = check(many, "exact_copies", "saturated", "blank")
    assert found.rows(Verdict.EXCLUDE) == list(range(N, N + 60))
    assert found.rows(Verdict.REVIEW) == []


def test_class_that_is_set_aside_whole_is_no_error(good: Dataset) -> None:
    images = np.concatenate([good.images, np.full((10, SIDE, SIDE, 3), 7, np.uint8)])
    labels = np.append(good.labels, np.full(10, 3))
    junk = changed(good, images=images, labels=labels, class_names=(*good.class_names, "artifact"))
    features = np.random.default_rng(0).normal(size=(N + 10, 20))
    found = check(junk, features=features)
    assert found.rows(Verdict.EXCLUDE) == list(range(N, N + 10))
    assert any("0 (artifact)" in note for note in found.notes)


def test_data_that_is_set_aside_whole_is_no_error(good: Dataset) -> None:
    images = np.repeat(good.images[:1], N, axis=0)
    found = check(changed(good, images=images), features=features_of(good))
    assert found.rows(Verdict.EXCLUDE) == list(range(N))
    assert any("only 0 images are left" in line for line in found.left_out)


def test_linear_head_does_not_learn_from_others_of_a_group(good: Dataset) -> None:
    """Patients whose images are all under a wrong label are found only by other patients."""
    patients = np.arange(N) // 6
    features, labels = features_of(good), good.labels.copy()
    random = np.random.default_rng(2)
    features = features + 2 * random.normal(size=(N, 20))[patients]
    wrong = np.flatnonzero(patients == 4)
    labels[wrong] = (labels[wrong] + 1) % CLASSES
    grouped = changed(good, labels=labels, groups=patients)
    found = {each.row for each in check(grouped, "label_errors", features=features).findings}
    assert len(found & set(wrong.tolist())) >= 4


def test_groups_of_the_data_are_written_beside_those_found(good: Dataset) -> None:
    from bcsearch.check.files import groups_csv

    images = good.images.copy()
    images[9] = images[0]
    found = check(changed(good, images=images, groups=np.arange(N) // 2), "exact_copies")
    assert found.groups == ((0, 9),)
    lines = groups_csv(found).splitlines()[2:]
    assert [lines[row] for row in (0, 1, 8, 9, 10)] == ["0,0", "1,0", "8,0", "9,0", "10,10"]


def test_changed_copies_of_training_images_in_a_validation_part_are_told(good: Dataset) -> None:
    images = good.images.copy()
    images[1] = images[100, :, ::-1]
    labels = good.labels.copy()
    labels[1] = labels[100]
    split = changed(good, images=images, labels=labels, valid=np.arange(N) >= 90)
    (note,) = check(split, "near_copies").notes
    assert note.startswith("warning: 1 validation images are changed copies of training images")


def test_copies_on_both_sides_flatter_the_linear_head_on_the_data_as_it_came(good: Dataset) -> None:
    """Three copies of images whose features tell nothing lift the score of unchecked data."""
    features = features_of(good)
    lost = np.arange(0, 40)
    features[lost] = np.random.default_rng(3).normal(0, 3, (40, 20))
    images = good.images.copy()
    for row in range(40, 120):
        source = lost[row % 40]
        images[row], features[row] = images[source], features[source]
    labels = good.labels.copy()
    labels[40:] = labels[lost[np.arange(40, 120) % 40]]
    copied = changed(good, images=images, labels=labels)
    found = check(copied, "exact_copies", "baselines", features=features)
    assert np.mean(found.as_it_came) > found.baselines[-1].mean("accuracy") + 0.1


def test_baselines_are_scored_by_all_scores_on_the_folds_of_the_study(good: Dataset) -> None:
    found = check(good, "baselines", features=features_of(good))
    largest, nearest, linear = found.baselines
    names = ["accuracy", "balanced_accuracy", "macro_f1", "log_loss"]
    assert [list(each.scores) for each in found.baselines] == [names] * 3
    assert largest.mean("accuracy") == pytest.approx(1 / 3)
    assert min(nearest.mean("accuracy"), linear.mean("accuracy")) > 0.95
    assert {len(folds) for each in found.baselines for folds in each.scores.values()} == {5}
    assert found.as_it_came == ()  # nothing was changed


def test_baselines_see_shifted_images_where_a_score_does(good: Dataset) -> None:
    from bcsearch.check.looked import Looked
    from bcsearch.check.table import check_data
    from bcsearch.scores.table import SCORES

    clean = features_of(good)
    nothing = np.random.default_rng(5).normal(0, 3, clean.shape).astype(np.float16)
    scores = [SCORES["accuracy@jpeg30"], SCORES["accuracy"]]
    seen = Looked(good, clean, seen=lambda shift: nothing if shift else clean, scores=scores)
    for baseline in check_data(seen, ["baselines"]).baselines[1:]:
        assert baseline.mean("accuracy@jpeg30") < 0.6 < 0.95 < baseline.mean("accuracy")


def test_without_features_baselines_look_at_thumbnails(good: Dataset) -> None:
    found = check(good, "baselines")
    assert found.baselines[0].name == "largest class"
    assert found.baselines[-1].mean("accuracy") > 0.6


def test_the_most_similar_images_on_both_sides_of_a_fold_are_named(good: Dataset) -> None:
    features = features_of(good).astype(np.float32)
    features[71] = features[8] + 0.05
    found = check(good, "most_alike", features=features).most_alike
    assert found is not None
    assert {found.row, found.other} == {8, 71}
    assert found.cosine > 0.99
    together = changed(good, groups=np.where(np.arange(N) == 71, 8, np.arange(N)))
    apart = check(together, "most_alike", features=features).most_alike
    assert apart is not None
    assert {apart.row, apart.other} != {8, 71}


def test_images_whose_nearest_are_all_in_their_own_part_are_compared_with_the_others(
    good: Dataset,
) -> None:
    """Twelve images of one group are nearer to one another than to all others."""
    features = features_of(good).astype(np.float32)
    crowd = np.arange(0, 36, 3)
    features[crowd] = features[0] + np.random.default_rng(2).normal(0, 0.01, (12, 20))
    features[40] = features[0] + 0.2
    groups = np.arange(N)
    groups[crowd] = 0
    found = check(changed(good, groups=groups), "most_alike", features=features).most_alike
    assert found is not None
    assert 40 in (found.row, found.other)
    assert min(found.row, found.other) in crowd


def test_where_somebody_says_what_is_left_out_nothing_else_is_set_aside(good: Dataset) -> None:
    images = good.images.copy()
    images[60:66] = images[6]  # junk
    images[70] = images[7]
    excluded = np.zeros(N, bool)
    excluded[60:64] = True
    found = check(changed(good, images=images, excluded=excluded), "exact_copies", "near_copies")
    assert found.rows(Verdict.EXCLUDE) == []
    assert not set(found.rows(Verdict.REVIEW)) & set(range(60, 64))
    assert (6, 64, 65) in found.groups
    assert (7, 70) in found.groups
