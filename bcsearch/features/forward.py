"""Runs frozen parts of a backbone over images or kept activations, in batches of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import keras

HALF_MAX = 65504.0  # the largest number of half precision
CONSTANTS_BYTES = 2**28  # weights up to this size are put into the graph as constants


class FrozenForward:
    """Segments of a backbone in a row, each result rounded as the cache keeps it.

    So what comes out does not depend on which of the cuts between were kept: a chain of segments
    gives what the last one gives from kept activations. Weights are constants, so that
    normalisations fold into convolutions: a fifth faster on a CPU than the plain model, and
    different by rounding only.
    """

    def __init__(
        self,
        segments: Sequence[keras.Model],
        batch_size: int,
        dtype: np.dtype[np.generic],
        *,
        before: keras.Model | None = None,
        jit_compile: bool = False,
    ) -> None:
        """Take consecutive segments; ``dtype`` is that of the inputs: uint8, float16 or float32.

        ``before`` prepares inputs for the first of them, and is left alone by XLA.
        """
        self.batch_size = batch_size
        self.output_shape: tuple[int, ...] = tuple(segments[-1].output_shape[1:])
        shape = (batch_size, *(before or segments[0]).input_shape[1:])
        small = 4 * sum(part.count_params() for part in segments) <= CONSTANTS_BYTES
        parts = [_constant(part) if small else _live(part) for part in segments]

        def through_parts(hidden: tf.Tensor) -> tf.Tensor:
            for part in parts:
                hidden = _rounded(part(hidden))
            return hidden

        compiled = tf.function(through_parts, jit_compile=jit_compile, autograph=False)

        def forward(inputs: tf.Tensor) -> tf.Tensor:
            hidden = tf.cast(inputs, tf.float32)
            if before is not None:
                hidden = before(hidden)
            return compiled(hidden)

        signature = [tf.TensorSpec(shape, dtype)]
        self._forward = tf.function(forward, input_signature=signature, autograph=False)

    def run(self, inputs: np.ndarray) -> Iterator[np.ndarray]:
        """Yield outputs (batch_size or fewer, *output_shape), float32, of inputs (n, ...)."""
        for start in range(0, len(inputs), self.batch_size):
            batch = np.asarray(inputs[start : start + self.batch_size])
            filled = np.concatenate(
                [batch, np.zeros((self.batch_size - len(batch), *batch.shape[1:]), batch.dtype)]
            )
            yield self._forward(tf.constant(filled)).numpy()[: len(batch)]


def _constant(part: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a model as a function with its weights as they are now."""
    values = [[variable.numpy() for variable in part.trainable_variables]]
    values.append([variable.numpy() for variable in part.non_trainable_variables])

    def run(inputs: tf.Tensor) -> tf.Tensor:
        constants = ([tf.constant(value) for value in some] for some in values)
        return part.stateless_call(*constants, inputs, training=False)[0]

    return run


def _live(part: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a model as a function that reads its weights."""
    return lambda inputs: part(inputs, training=False)


def _rounded(outputs: tf.Tensor) -> tf.Tensor:
    """Round what half precision can hold; leave larger numbers as they are."""
    rounded = tf.cast(tf.cast(outputs, tf.float16), tf.float32)
    return tf.where(tf.abs(outputs) <= HALF_MAX, rounded, outputs)
