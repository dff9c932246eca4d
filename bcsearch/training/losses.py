"""The loss of all folds at once. Imports tensorflow."""

from __future__ import annotations

import tensorflow as tf


def fold_losses(targets: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Return each fold's batch mean of the weighted cross-entropy, (n_folds,).

    A row's weight is the dot product of its soft target with the class weights, so that mixed labels are weighed by
    what they are mixed of.

    Args:
        targets: soft labels, (n_folds, batch, n_classes), rows sum to 1.
        logits: (n_folds, batch, n_classes).
        weights: class weights of each fold, (n_folds, n_classes).
    """
    row_weights = tf.reduce_sum(targets * weights[:, tf.newaxis, :], axis=-1)
    losses = tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    return tf.reduce_mean(row_weights * losses, axis=1)


def smoothed_targets(labels: tf.Tensor, n_classes: tf.Tensor, smoothing: tf.Tensor) -> tf.Tensor:
    """Turn labels of any shape into soft labels with ``smoothing`` spread evenly over all classes."""
    hot = tf.one_hot(labels, n_classes)
    return hot * (1.0 - smoothing) + smoothing / tf.cast(n_classes, tf.float32)
