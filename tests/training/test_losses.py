"""Losses and mixes against plain loops over every row, pair and negative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.recipe import PARTS, Where

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from bcsearch.training.batch import Batch

FOLDS, ROWS, UNITS, CLASSES = 2, 9, 4, 3
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, CLASSES, (FOLDS, ROWS))
WEIGHTS = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 1.0]], np.float32)
NUMBERS: dict[str, Any] = {
    **{part.name: part.default for part in PARTS if part.where is Where.LOSS},
    "focal_gamma": 1.5,
    "triplet_weight": 0.7,
    "triplet_margin": 0.3,
    "mix_alpha": 0.4,
}


def numbers() -> dict[str, Any]:
    import tensorflow as tf

    return {name: tf.constant(value) for name, value in NUMBERS.items()}


def batch(labels: np.ndarray = LABELS, targets: np.ndarray | None = None) -> Batch:
    import tensorflow as tf

    from bcsearch.training.batch import Batch

    random = np.random.default_rng(1)
    chosen = np.eye(CLASSES)[labels] if targets is None else targets
    return Batch(
        inputs=tf.constant(random.normal(size=(FOLDS, ROWS, 5)), tf.float32),
        embedding=tf.constant(random.normal(size=(FOLDS, ROWS, UNITS)), tf.float32),
        logits=tf.constant(random.normal(size=(FOLDS, ROWS, CLASSES)), tf.float32),
        targets=tf.constant(chosen, tf.float32),
        row_weights=tf.constant((chosen * WEIGHTS[: len(chosen), None]).sum(axis=-1), tf.float32),
    )


def expected_cross_entropy(given: Batch) -> np.ndarray:
    logits, targets = given.logits.numpy().astype(np.float64), given.targets.numpy()
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    row_weights = (targets * WEIGHTS[:, None, :]).sum(axis=-1)
    found: np.ndarray = (row_weights * -(targets * logs).sum(axis=-1)).mean(axis=1)
    return found


def expected_triplet(given: Batch, labels: np.ndarray) -> np.ndarray:
    embedding = given.embedding.numpy().astype(np.float64)
    embedding /= np.linalg.norm(embedding, axis=-1, keepdims=True)
    found = []
    for fold in range(FOLDS):
        total, n_pairs = 0.0, 0
        for anchor in range(ROWS):
            for positive in range(ROWS):
                if anchor == positive or labels[fold, anchor] != labels[fold, positive]:
                    continue
                n_pairs += 1
                others = np.flatnonzero(labels[fold] != labels[fold, anchor])
                if not len(others):
                    continue
                to = ((embedding[fold, anchor] - embedding[fold, others]) ** 2).sum(axis=1)
                near = ((embedding[fold, anchor] - embedding[fold, positive]) ** 2).sum()
                harder = to[to > near]
                negative = harder.min() if len(harder) else to.max()
                hinge = max(0.0, near - negative + NUMBERS["triplet_margin"])
                total += WEIGHTS[fold, labels[fold, anchor]] * hinge
        found.append(total / max(n_pairs, 1))
    return np.array(found)


def test_cross_entropy_weighs_rows_by_their_classes() -> None:
    from bcsearch.training.losses import cross_entropy

    given = batch()
    np.testing.assert_allclose(cross_entropy(given, numbers()), expected_cross_entropy(given), 1e-5)


def test_cross_entropy_weighs_mixed_rows_by_what_they_are_mixed_of() -> None:
    from bcsearch.training.losses import cross_entropy

    mixed = 0.3 * np.eye(CLASSES)[LABELS] + 0.7 * np.eye(CLASSES)[LABELS[:, ::-1]]
    given = batch(targets=mixed)
    np.testing.assert_allclose(cross_entropy(given, numbers()), expected_cross_entropy(given), 1e-5)


SOFT = 0.1 / CLASSES + 0.9 * (
    0.3 * np.eye(CLASSES)[LABELS] + 0.7 * np.eye(CLASSES)[LABELS[:, ::-1]]
)


@pytest.mark.parametrize("targets", [None, SOFT], ids=["hard", "mixed"])
def test_focal_is_that_of_a_loop_over_rows_and_classes(targets: np.ndarray | None) -> None:
    from bcsearch.training.losses import cross_entropy, focal

    given = batch(targets=targets)
    logits, wanted = given.logits.numpy().astype(np.float64), given.targets.numpy()
    found = []
    for fold in range(FOLDS):
        total = 0.0
        for row in range(ROWS):
            chances = np.exp(logits[fold, row]) / np.exp(logits[fold, row]).sum()
            parts = wanted[fold, row] * (1 - chances) ** NUMBERS["focal_gamma"] * -np.log(chances)
            total += (wanted[fold, row] @ WEIGHTS[fold]) * parts.sum()
        found.append(total / ROWS)
    np.testing.assert_allclose(focal(given, numbers()), found, rtol=1e-5)
    even = {**numbers(), "focal_gamma": 0.0}
    np.testing.assert_allclose(focal(given, even), cross_entropy(given, even), rtol=1e-6)


def test_focal_learns_less_from_easy_rows_as_gamma_rises_and_has_a_slope_everywhere() -> None:
    import tensorflow as tf

    from bcsearch.training.losses import focal

    logits = tf.constant([[[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [200.0, 0.0, 0.0]]])
    given = batch(np.zeros((1, 3), np.int64))._replace(row_weights=tf.ones((1, 3)))
    shares = []
    for gamma in (0.0, 0.5, 2.0):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = focal(given._replace(logits=logits), {"focal_gamma": tf.constant(gamma)})
        easy, hard, sure = np.abs(tape.gradient(loss, logits).numpy()[0]).sum(axis=1)
        assert np.isfinite([easy, hard, sure]).all()
        assert sure < 1e-6 < easy
        shares.append(easy / hard)
    assert shares == sorted(shares, reverse=True)
    assert shares[2] < 0.75 * shares[0]


@pytest.mark.parametrize("seed", range(4))
def test_triplet_is_that_of_a_loop_over_pairs_and_negatives(seed: int) -> None:
    from bcsearch.training.losses import triplet

    labels = np.random.default_rng(seed).integers(0, CLASSES, (FOLDS, ROWS))
    given = batch(labels)
    expected = expected_cross_entropy(given)
    expected = expected + NUMBERS["triplet_weight"] * expected_triplet(given, labels)
    np.testing.assert_allclose(triplet(given, numbers()), expected, rtol=1e-4)


def test_triplet_of_one_class_or_of_all_different_ones_is_the_cross_entropy() -> None:
    from bcsearch.training.losses import cross_entropy, triplet

    given = batch(np.zeros((FOLDS, ROWS), np.int64))
    np.testing.assert_allclose(triplet(given, numbers()), cross_entropy(given, numbers()), 1e-6)


def test_mixup_mixes_inputs_and_targets_of_each_row_by_one_share() -> None:
    import tensorflow as tf

    from bcsearch.training.mixes import mixup

    given = batch()
    mixed = mixup(given.inputs, given.targets, numbers(), tf.constant([3, 4]))
    inputs, targets = given.inputs.numpy(), given.targets.numpy()
    difference = inputs - inputs[:, ::-1]
    shares = ((mixed.inputs.numpy() - inputs[:, ::-1]) * difference).sum(axis=-1)
    lengths = (difference**2).sum(axis=-1)
    moved = lengths > 1e-6  # the row in the middle is mixed with itself
    shares = np.where(moved, shares / np.where(moved, lengths, 1.0), 1.0)
    assert ((shares > -1e-5) & (shares < 1 + 1e-5)).all()
    expected = shares[..., None] * targets + (1 - shares[..., None]) * targets[:, ::-1]
    np.testing.assert_allclose(mixed.targets.numpy()[moved], expected[moved], atol=1e-4)
    np.testing.assert_allclose(mixed.targets.numpy().sum(axis=-1), 1.0, atol=1e-6)
    assert len(np.unique(shares[moved].round(6))) == moved.sum()  # each row has its own


def test_mixup_draws_from_the_beta_distribution_and_by_its_seed() -> None:
    import tensorflow as tf
    from scipy.stats import kstest

    from bcsearch.training.mixes import mixup

    inputs = tf.reshape(tf.cast(tf.range(4000) < 2000, tf.float32), (1, 4000, 1))
    targets = tf.one_hot(tf.zeros((1, 4000), tf.int32), 2)
    first = mixup(inputs, targets, numbers(), tf.constant([1, 2])).inputs.numpy().ravel()[:2000]
    assert kstest(first, "beta", args=(NUMBERS["mix_alpha"],) * 2).pvalue > 0.01
    again = mixup(inputs, targets, numbers(), tf.constant([1, 2])).inputs.numpy().ravel()[:2000]
    other = mixup(inputs, targets, numbers(), tf.constant([1, 3])).inputs.numpy().ravel()[:2000]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_mixup_takes_inputs_with_places() -> None:
    import tensorflow as tf

    from bcsearch.training.mixes import mixup

    inputs = tf.random.stateless_normal((FOLDS, ROWS, 3, 3, 2), [0, 1])
    mixed = mixup(inputs, batch().targets, numbers(), tf.constant([3, 4]))
    assert mixed.inputs.shape == inputs.shape


def shares_of_marked(inputs: np.ndarray, name: str, seed: int = 3, **changed: float) -> np.ndarray:
    """Return where a mix kept its own rows: those of the first half are 1, their partners 0."""
    import tensorflow as tf

    from bcsearch.training.mixes import MIXES

    n_rows = inputs.shape[1]
    labels = np.broadcast_to(np.arange(n_rows) >= n_rows // 2, inputs.shape[:2]).astype(np.int32)
    given = {**numbers(), **{key: tf.constant(value) for key, value in changed.items()}}
    mixed = MIXES[name](tf.constant(inputs), tf.one_hot(labels, 2), given, tf.constant([seed, 4]))
    kept: np.ndarray = mixed.inputs.numpy()[:, : n_rows // 2]
    shares = mixed.targets.numpy()[:, : n_rows // 2, 0]
    np.testing.assert_allclose(shares, kept.mean(axis=tuple(range(2, kept.ndim))), atol=1e-5)
    return kept


def marked(*shape: int, n_rows: int = 400) -> np.ndarray:
    """Return rows (1, n_rows, *shape): ones in the first half, zeros in the second."""
    rows = np.zeros((1, n_rows, *shape), np.float32)
    rows[:, : n_rows // 2] = 1.0
    return rows


@pytest.mark.parametrize("name", ["cutmix", "cutmix_or_mixup", "mixup"])
@pytest.mark.parametrize("shape", [(50,), (8, 6, 2), (12, 3)])
def test_labels_are_mixed_by_the_share_of_the_row_that_is_kept(
    name: str, shape: tuple[int, ...]
) -> None:
    kept = shares_of_marked(marked(*shape), name, mix_alpha=1.0)
    of_rows = kept.reshape(kept.shape[1], -1).mean(axis=1)
    assert 0.3 < of_rows.mean() < 0.75
    assert of_rows.std() > 0.15


def test_cutmix_of_features_with_places_exchanges_rectangles_of_all_channels() -> None:
    (kept,) = shares_of_marked(marked(10, 7, 3), "cutmix", mix_alpha=1.0)
    assert set(np.unique(kept)) == {0.0, 1.0}
    assert (kept == kept[..., :1]).all()
    n_cut = 0
    for row in kept[..., 0]:
        cut = np.argwhere(row == 0)
        if len(cut):
            (top, left), (bottom, right) = cut.min(axis=0), cut.max(axis=0)
            assert (row[top : bottom + 1, left : right + 1] == 0).all()
            n_cut += 1
    assert n_cut > 150


def test_cutmix_of_features_without_places_keeps_or_exchanges_each_of_them() -> None:
    (kept,) = shares_of_marked(marked(200), "cutmix", mix_alpha=1.0)
    assert set(np.unique(kept)) == {0.0, 1.0}
    edges = np.abs(np.diff(kept, axis=1)).sum(axis=1)
    assert edges.mean() > 20  # here and there, not in one piece


@pytest.mark.parametrize("name", ["mixup", "cutmix", "cutmix_or_mixup"])
def test_probability_is_that_of_a_row_to_be_mixed(name: str) -> None:
    inputs = marked(8, 8, 1, n_rows=4000)
    shares = {
        probability: (
            shares_of_marked(inputs, name, mix_alpha=2.0, mix_probability=probability) < 1.0
        ).any(axis=(2, 3, 4))
        for probability in (0.0, 0.3, 1.0)
    }
    assert not shares[0.0].any()
    assert 0.25 < shares[0.3].mean() < 0.35
    assert shares[1.0].mean() > 0.95


def test_each_row_is_cut_or_blended_with_equal_chances() -> None:
    kept = shares_of_marked(marked(8, 8, 1, n_rows=2000), "cutmix_or_mixup", mix_alpha=2.0)
    is_blended = ((kept > 0) & (kept < 1)).all(axis=(2, 3, 4))
    assert 0.45 < is_blended.mean() < 0.55


def changed_in_fold_one(rows: np.ndarray) -> np.ndarray:
    changed = rows.copy()
    changed[1] = changed[1, ::-1] * 0.5 + 0.1
    return changed


def test_every_loss_gives_one_number_a_fold_which_no_other_fold_changes() -> None:
    import tensorflow as tf

    from bcsearch.training.losses import LOSSES

    given = batch()
    other = given._replace(
        embedding=tf.constant(changed_in_fold_one(given.embedding.numpy())),
        logits=tf.constant(changed_in_fold_one(given.logits.numpy())),
    )
    for name, loss in LOSSES.items():
        here, there = loss(given, numbers()).numpy(), loss(other, numbers()).numpy()
        assert here.shape == (FOLDS,), name
        assert np.isfinite(here).all(), name
        assert here[0] == there[0], name
        assert here[1] != there[1], name


def test_every_mix_keeps_form_and_sums_of_targets_and_every_fold_to_itself() -> None:
    import tensorflow as tf

    from bcsearch.training.mixes import MIXES

    inputs, targets = batch().inputs.numpy(), batch().targets
    seed = tf.constant([1, 2])
    for name, mix in MIXES.items():
        here = mix(tf.constant(inputs), targets, numbers(), seed)
        there = mix(tf.constant(changed_in_fold_one(inputs)), targets, numbers(), seed)
        assert here.inputs.shape == inputs.shape, name
        np.testing.assert_allclose(here.targets.numpy().sum(axis=-1), 1.0, atol=1e-6)
        np.testing.assert_array_equal(here.inputs.numpy()[0], there.inputs.numpy()[0])
