from __future__ import annotations

import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.config import Training
from bcsearch.errors import InfeasibleError
from bcsearch.recipe import Params

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.training.heads import HeadTrainer

N, D, CLASSES, EPOCHS = 90, 10, 3, 3
RANDOM = np.random.default_rng(0)
LABELS = np.r_[np.arange(CLASSES), RANDOM.integers(0, CLASSES, N - CLASSES)]
VIEWS = [
    RANDOM.normal(LABELS[:, np.newaxis] * 0.5, 1.0, (N, D)).astype(np.float16) for _ in range(2)
]
PARAMS = Params(
    head_layers=1,
    units_1=16,
    dropout_1=0.3,
    batch_size=8,
    class_weights="balanced",
    augment="light",
    views=2,
)
APART = [np.arange(0, 20), np.arange(30, 50), np.arange(60, 80)]  # three folds that share no row
APART_VALID = [np.arange(20, 30), np.arange(50, 53), np.arange(80, 90)]


def trainer_of(
    train_rows: Sequence[np.ndarray] = APART,
    valid_rows: Sequence[np.ndarray] = APART_VALID,
    params: Params = PARAMS,
    views: Sequence[np.ndarray] = VIEWS,
    labels: np.ndarray = LABELS,
) -> HeadTrainer:
    from bcsearch.training.heads import HeadTrainer, load_features
    from bcsearch.training.task import Task

    task = Task(labels=labels, n_classes=CLASSES, train_rows=train_rows, valid_rows=valid_rows)
    return HeadTrainer(load_features(views, task), task, params, seed=3)


def probabilities(**changes: Any) -> list[np.ndarray]:
    """Return every fold's validation probabilities after some epochs."""
    trainer = trainer_of(**changes)
    for epoch in range(EPOCHS):
        trainer.train_epoch(epoch, 0.01)
    return list(trainer.predict())


def changed(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = values.copy()
    found[rows] = found[rows] * 3 + 1
    return found


def changed_labels(rows: np.ndarray) -> np.ndarray:
    labels: np.ndarray = LABELS.copy()
    labels[rows] = (labels[rows] + 1) % CLASSES
    return labels


@pytest.mark.parametrize(
    "params",
    [
        PARAMS,
        PARAMS.but(head_layers=0, optimizer="sgd", l2=1e-3),
        PARAMS.but(loss="triplet", mix="mixup", dropout_0=0.2),
        PARAMS.but(head_norm="batch", head_layers=2, units_2=8),
        PARAMS.but(head_norm="layer", sampling="second_stage", loss="focal"),
    ],
    ids=["hidden", "linear", "triplet and mixup", "batch norm", "layer norm"],
)
@pytest.mark.parametrize("what", ["features", "labels"])
def test_changing_the_training_rows_of_one_fold_leaves_the_others_the_same_bits(
    params: Params, what: str
) -> None:
    rows = APART[1]
    change: dict[str, Any] = {
        "features": {"views": [changed(view, rows) for view in VIEWS]},
        "labels": {"labels": changed_labels(rows)},
    }
    before, after = probabilities(params=params), probabilities(params=params, **change[what])
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[2], after[2])
    assert not np.array_equal(before[1], after[1])


def test_validation_rows_teach_nothing() -> None:
    rows = np.concatenate(APART_VALID)
    seen = [np.arange(0, 20)] * 3  # each fold's first training rows, scored by every fold
    before = probabilities(valid_rows=seen)
    after = probabilities(
        valid_rows=seen, views=[changed(view, rows) for view in VIEWS], labels=changed_labels(rows)
    )
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_first_fold_learns_in_company_what_it_learns_alone() -> None:
    params = PARAMS.but(dropout_1=0.0)
    alone = probabilities(train_rows=APART[:1], valid_rows=APART_VALID[:1], params=params)[0]
    np.testing.assert_allclose(
        probabilities(params=params)[0], alone, rtol=0, atol=1e-6
    )  # measured: the same bits


def test_validation_is_cut_to_the_rows_of_each_fold() -> None:
    found = probabilities()
    assert [fold.shape for fold in found] == [(10, CLASSES), (3, CLASSES), (10, CLASSES)]
    longer = probabilities(valid_rows=[np.arange(90), APART_VALID[1], APART_VALID[2]])
    np.testing.assert_allclose(longer[0][APART_VALID[0]], found[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(longer[1], found[1], rtol=0, atol=1e-6)
    for fold in found:
        np.testing.assert_allclose(fold.sum(axis=1), 1.0, atol=1e-6)


def test_each_fold_is_scaled_by_its_own_clean_training_rows() -> None:
    from bcsearch.training.fold_weights import VARIANCE_FLOOR
    from bcsearch.training.heads import load_features
    from bcsearch.training.task import Task

    constant = [np.pad(view, ((0, 0), (0, 1)), constant_values=5.0) for view in VIEWS]
    features = load_features(
        constant, Task(labels=LABELS, n_classes=CLASSES, train_rows=APART, valid_rows=[])
    )
    assert features.table.shape == (2 * N, D + 1)
    for fold, rows in enumerate(APART):
        scaled = (features.table.numpy()[rows] - features.mean[fold].numpy()) * features.scale[
            fold
        ].numpy()
        np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-5)
        np.testing.assert_allclose(
            scaled[:, :D].std(axis=0), 1.0, atol=0.01
        )  # the floor of the variance
        np.testing.assert_allclose(
            features.scale[fold, 0, D].numpy(), VARIANCE_FLOOR**-0.5, rtol=1e-5
        )


def test_trial_that_diverges_is_infeasible() -> None:
    from bcsearch.scores.table import SCORES
    from bcsearch.training.loop import Lockstep
    from bcsearch.training.task import Task

    params = PARAMS.but(optimizer="sgd", learning_rate=1e20, schedule="constant")
    training = Lockstep(
        trainer=trainer_of(params=params),
        task=Task(labels=LABELS, n_classes=CLASSES, train_rows=APART, valid_rows=APART_VALID),
        params=params,
        settings=Training(epochs=9, patience=9),
        evaluators=[SCORES["accuracy"]],
        report=lambda epoch, score: False,
    )
    with pytest.raises(InfeasibleError, match="became NaN or infinite"):
        training.run()


def test_dropout_acts_in_training_and_not_in_prediction() -> None:
    trainer = trainer_of()
    trainer.train_epoch(0, 0.01)
    first, second = trainer.predict(), trainer.predict()
    np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(
        probabilities()[0], probabilities(params=PARAMS.but(dropout_1=0.0))[0]
    )


@pytest.mark.parametrize(
    "changes",
    [{"head_layers": 0}, {}, {"head_norm": "batch"}, {"head_norm": "layer"}],
    ids=["linear", "hidden", "batch norm", "layer norm"],
)
def test_model_of_a_head_gives_what_the_stacked_head_gives(changes: dict[str, Any]) -> None:
    from bcsearch.training.keras_head import keras_head

    two = PARAMS.but(head_layers=2, units_2=8, activation_1="elu", activation_2="tanh")
    params = two.but(**changes)
    trainer = trainer_of(params=params)
    trainer.train_epoch(0, 0.01)
    for fold, (weights, expected) in enumerate(
        zip(trainer.weights(), trainer.predict(), strict=True)
    ):
        rows = VIEWS[0][APART_VALID[fold]].astype(np.float32)
        given = keras_head(params, weights).predict(rows, verbose=0)
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5)  # measured: under 1e-6


@pytest.mark.parametrize("head_norm", ["none", "batch"])
def test_head_taken_up_from_a_state_ends_with_the_same_bits(head_norm: str) -> None:
    params = PARAMS.but(head_norm=head_norm)
    first, second = trainer_of(params=params), trainer_of(params=params)
    first.train_epoch(0, 0.01)
    second.restore(first.state())
    for trainer in (first, second):
        trainer.train_epoch(1, 0.01)
    for a, b in zip(first.predict(), second.predict(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_trainers_of_one_kind_do_not_disturb_each_other() -> None:
    alone = probabilities()
    first, second = trainer_of(), trainer_of(params=PARAMS.but(units_1=8, learning_rate=0.1))
    for epoch in range(EPOCHS):
        first.train_epoch(epoch, 0.01)
        second.train_epoch(epoch, 0.1)
    for a, b in zip(first.predict(), alone, strict=True):
        np.testing.assert_array_equal(a, b)


def test_shifted_views_are_scored_and_never_trained_on() -> None:
    shifted = VIEWS[0] + np.float16(3.0)
    with_shift = trainer_of(views=[*VIEWS, shifted])
    without = trainer_of()
    for trainer in (with_shift, without):
        trainer.train_epoch(0, 0.01)
        trainer.train_epoch(1, 0.01)
    for a, b in zip(with_shift.predict(), without.predict(), strict=True):
        np.testing.assert_array_equal(a, b)
    on_shifted = trainer_of(views=[shifted, VIEWS[1]]).predict()
    assert [fold.shape for fold in with_shift.predict(1)] == [fold.shape for fold in on_shifted]
    assert not np.allclose(with_shift.predict(1)[0], with_shift.predict(0)[0])


@pytest.mark.parametrize(
    "changes",
    [{"loss": "triplet"}, {"mix": "mixup"}, {"dropout_0": 0.5}, {"activation_1": "tanh"}],
    ids=lambda changes: next(iter(changes)),
)
def test_every_part_of_a_step_changes_what_is_learned(changes: dict[str, Any]) -> None:
    changed = probabilities(params=PARAMS.but(**changes))
    assert not np.array_equal(changed[0], probabilities()[0])


def digest() -> str:
    """Return a hash of all that a training gives, bit by bit."""
    return blake2b(np.concatenate(probabilities()).tobytes(), digest_size=8).hexdigest()


def test_same_seed_gives_the_same_bits_here_and_in_two_fresh_processes() -> None:
    command = [
        sys.executable,
        "-c",
        "from tests.training.test_heads import digest; print(digest())",
    ]
    root = Path(__file__).parents[2]
    fresh = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    here = [digest(), digest()]
    there = [process.communicate(timeout=300)[0].strip() for process in fresh]
    assert len({*here, *there}) == 1
