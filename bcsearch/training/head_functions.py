"""Traced training and prediction of heads, used again for every width, fold count and rate.

The functions hold no state: weights are variables that they are given, so any number of trainers
may share a trace. Sizes are left open; tracing costs about a second, so trials that differ in
numbers only share it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from bcsearch.training.batch import NUMBER_PARTS, Numbers, Traced, traced_of
from bcsearch.training.head import HeadState, head_output, new_head
from bcsearch.training.step import Examples, train_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.recipe import Params, Value


class FeatureTable(NamedTuple):
    """What heads are trained on, with each fold's own scaling."""

    table: tf.Tensor  # (n_views * n_images, n_features) float32, view after view
    targets: tf.Tensor  # (n_images, n_classes) float32, rows sum to 1
    mean: tf.Tensor  # (n_folds, 1, n_features) float32, over the fold's training rows
    scale: tf.Tensor  # (n_folds, 1, n_features) float32, one over the standard deviation

    @property
    def n_bytes(self) -> int:
        """Bytes of the table, the only large part."""
        return int(tf.size(self.table)) * 4

    def rows(self, rows: tf.Tensor) -> tf.Tensor:
        """Return scaled features (n_folds, batch, n_features) of rows (n_folds, batch)."""
        return (tf.gather(self.table, rows) - self.mean) * self.scale


class EpochRows(NamedTuple):
    """Rows of one epoch, as indices."""

    table_rows: tf.Tensor  # (n_steps, n_folds, batch) int32, rows of the table
    image_rows: tf.Tensor  # (n_steps, n_folds, batch) int32, rows of the targets
    class_weights: tf.Tensor  # (n_folds, n_classes) float32


class HeadFunctions(NamedTuple):
    """The functions of one kind of head.

    ``train_epoch(features, rows, numbers, seed, head)`` gives the mean loss, ``predict(features,
    rows, head)`` probabilities (n_folds, n_rows, n_classes) of rows (n_folds, n_rows).
    """

    train_epoch: Callable[..., tf.Tensor]
    predict: Callable[..., tf.Tensor]


def head_functions(params: Params) -> HeadFunctions:
    """Return the functions of heads like a configuration's, traced at their first use."""
    return _functions(tuple(traced_of(params).items()))


@lru_cache(maxsize=64)
def _functions(key: tuple[tuple[str, Value], ...]) -> HeadFunctions:
    traced: Traced = dict(key)
    features = FeatureTable(
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, 1, None], tf.float32),
        tf.TensorSpec([None, 1, None], tf.float32),
    )
    rows = EpochRows(
        tf.TensorSpec([None, None, None], tf.int32),
        tf.TensorSpec([None, None, None], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
    )
    scalar = tf.TensorSpec([], tf.float32)
    numbers = dict.fromkeys(NUMBER_PARTS, scalar)
    head = new_head(int(traced["head_layers"]) + 1, str(traced["head_norm"]))

    def train_epoch(
        features: FeatureTable, rows: EpochRows, numbers: Numbers, seed: tf.Tensor, head: HeadState
    ) -> tf.Tensor:
        def forward(inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            return head_output(head, inputs, traced, numbers, seed)

        n_steps, n_folds = tf.shape(rows.table_rows)[0], tf.shape(rows.table_rows)[1]
        total = tf.constant(0.0)
        for step in tf.range(n_steps):
            inputs = features.rows(rows.table_rows[step])
            targets = tf.gather(features.targets, rows.image_rows[step])
            examples = Examples(inputs, targets, rows.class_weights)
            total += train_step(forward, head, examples, traced, numbers, seed)
        return total / tf.cast(n_steps * n_folds, tf.float32)

    def predict(features: FeatureTable, rows: tf.Tensor, head: HeadState) -> tf.Tensor:
        output = head_output(head, features.rows(rows), traced, {}, None)
        return tf.nn.softmax(output.logits)

    integer = tf.TensorSpec([], tf.int32)
    some_rows = tf.TensorSpec([None, None], tf.int32)
    # given specs and variables of open sizes, it is traced once for all sizes, which a signature
    # cannot say of variables
    return HeadFunctions(
        tf.function(train_epoch).get_concrete_function(features, rows, numbers, integer, head),
        tf.function(predict).get_concrete_function(features, some_rows, head),
    )
