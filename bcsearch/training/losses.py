"""The table of losses: from a batch to one value a fold."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from bcsearch.training.batch import Batch, Numbers

Loss = Callable[[Batch, Numbers], tf.Tensor]


def cross_entropy(batch: Batch, numbers: Numbers) -> tf.Tensor:
    """Return each fold's batch mean of the weighted cross-entropy, (n_folds,).

    A mixed row is weighted by what it is mixed of, see ``row_weights``.
    """
    losses = tf.nn.softmax_cross_entropy_with_logits(labels=batch.targets, logits=batch.logits)
    return tf.reduce_mean(batch.row_weights * losses, axis=1)


def focal(batch: Batch, numbers: Numbers) -> tf.Tensor:
    """Return the cross-entropy with each class's part scaled by (1 - p) ** ``focal_gamma``.

    What is predicted well counts little. After Lin and others, "Focal Loss for Dense Object
    Detection" (2017); soft labels are sums over their classes, rows are weighted as in
    ``cross_entropy``, which it is where ``focal_gamma`` is 0.
    """
    logs = tf.nn.log_softmax(batch.logits)
    missing = tf.maximum(-tf.math.expm1(logs), 1e-7)  # 1 - p; a power has no slope at 0
    losses = -tf.reduce_sum(batch.targets * missing ** numbers["focal_gamma"] * logs, axis=-1)
    return tf.reduce_mean(batch.row_weights * losses, axis=1)


def triplet(batch: Batch, numbers: Numbers) -> tf.Tensor:
    """Return the cross-entropy plus ``triplet_weight`` times the triplet loss, (n_folds,).

    Embeddings are scaled to length 1. For each pair of one class the negative is semi-hard: the
    nearest row of another class that is farther than the pair, or the farthest one where none is.
    After Schroff, Kalenichenko and Philbin, "FaceNet" (2015). A mixed row counts as the class it
    has most of; pairs are weighted as their anchor's row.
    """
    embedding = tf.math.l2_normalize(batch.embedding, axis=-1)
    similarity = tf.matmul(embedding, embedding, transpose_b=True)
    distances = tf.maximum(2.0 - 2.0 * similarity, 0.0)  # squared, (n_folds, batch, batch)
    classes = tf.argmax(batch.targets, axis=-1)
    same = classes[:, :, tf.newaxis] == classes[:, tf.newaxis, :]
    pairs = tf.linalg.set_diag(same, tf.zeros_like(classes, tf.bool))
    negatives = _semi_hard(distances, ~same)
    hinge = tf.nn.relu(distances - negatives + numbers["triplet_margin"])
    has_negative = tf.reduce_any(~same, axis=-1)[:, :, tf.newaxis]
    weights = batch.row_weights[:, :, tf.newaxis] * tf.cast(pairs & has_negative, tf.float32)
    n_pairs = tf.maximum(tf.reduce_sum(tf.cast(pairs, tf.float32), axis=[1, 2]), 1.0)
    apart = tf.reduce_sum(weights * hinge, axis=[1, 2]) / n_pairs
    return cross_entropy(batch, numbers) + numbers["triplet_weight"] * apart


def _semi_hard(distances: tf.Tensor, different: tf.Tensor) -> tf.Tensor:
    """Return the distance of each pair's semi-hard negative, (n_folds, batch, batch)."""
    far = 5.0  # beyond any squared distance between vectors of length 1
    to_negatives = tf.where(different, distances, far)
    nearest_first = tf.sort(to_negatives, axis=-1)
    place = tf.searchsorted(nearest_first, distances, side="right")
    last = tf.reduce_sum(tf.cast(different, tf.int32), axis=-1, keepdims=True) - 1
    place = tf.maximum(tf.minimum(place, last), 0)
    return tf.gather(nearest_first, place, batch_dims=2)


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "focal": focal, "triplet": triplet}


def row_weights(targets: tf.Tensor, class_weights: tf.Tensor) -> tf.Tensor:
    """Return the weight of each row, (n_folds, batch).

    It is the dot product of its target, (n_folds, batch, n_classes), which may be mixed of several
    classes, with the weights of these, (n_folds, n_classes).
    """
    return tf.reduce_sum(targets * class_weights[:, tf.newaxis, :], axis=-1)


def smoothed(targets: tf.Tensor, smoothing: tf.Tensor) -> tf.Tensor:
    """Spread the share ``smoothing`` of targets (..., n_classes) evenly over all classes."""
    n_classes = tf.cast(tf.shape(targets)[-1], tf.float32)
    return targets * (1.0 - smoothing) + smoothing / n_classes
