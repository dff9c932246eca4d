"""The traced training step of a head and the unfrozen part of its backbone. Imports tensorflow and keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from bcsearch.seeds import derive_seed
from bcsearch.training.fold_weights import FoldWeights, Scaling
from bcsearch.training.head_graph import HeadLayers, Kind, Knobs, open_variable
from bcsearch.training.losses import fold_losses, smoothed_targets
from bcsearch.training.updates import UPDATES, Moments, Rates

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.training.devices import Device


def trainable_copy(part: keras.Model, *, batch_norm: str, precision: str, seed: int) -> keras.Model:
    """Return a copy of a part of a backbone that can be trained without touching the original.

    ``batch_norm`` is ``frozen`` (such layers keep their statistics and scales) or ``trained``; ``precision`` is a
    Keras dtype policy; ``seed`` acts on the dropout inside the backbone.
    """

    def copy(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if not isinstance(layer, keras.Layer):
            return layer.__class__.from_config(config)
        if "seed" in config:
            config["seed"] = derive_seed(seed, "layer", layer.name)
        if precision != "float32":
            config["dtype"] = precision
        made = layer.__class__.from_config(config)
        made.trainable = layer.trainable and not (batch_norm == "frozen" and _is_batch_norm(layer))
        return made

    model = keras.models.clone_model(part, clone_function=copy)
    for layer in part.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    return model


def _is_batch_norm(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


class SuffixGraph:
    """One live fold: the unfrozen part, its head, their optimizer state, and the traced functions over them.

    Heads of other widths share the trace, since their sizes are left open.
    """

    def __init__(
        self, body: keras.Model, before: keras.Model | None, kind: Kind, device: Device
    ) -> None:
        """Take the unfrozen part, and what prepares its inputs, which XLA leaves alone."""
        self._body, self._before = body, before
        self._head = HeadLayers(kind)
        self._mean, self._scale = open_variable(), open_variable()
        self._weights = [variable.value for variable in body.trainable_variables]
        self._moments = [Moments(_zeros(weight), _zeros(weight)) for weight in self._weights]
        self._update = UPDATES[kind.optimizer]
        self._step = tf.Variable(0.0)
        self._first = [variable.numpy() for variable in body.variables]
        self.train_step = self._prepared(self._train_step, device)
        self.predict = self._prepared(self._predict, device)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights and what belongs to them, of one fold."""
        return int(4 * sum(value.nbytes for value in self._first))

    @property
    def n_features(self) -> int:
        """Features that the head takes of an image."""
        return int(self._body.output_shape[-1])

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that differs between folds."""
        body = [variable.value for variable in self._body.variables]
        moments = [variable for both in self._moments for variable in both]
        return [*body, *moments, *self._head.variables, self._mean, self._scale, self._step]

    def load(self, fold: FoldWeights) -> None:
        """Start from a fold's weights, the rest as the backbone began, with empty optimizer state."""
        for variable, first in zip(self._body.variables, self._first, strict=True):
            variable.assign(first)
        for name, values in fold.layers.items():
            self._body.get_layer(name).set_weights(values)
        for moments in self._moments:
            for moment in moments:
                moment.assign(tf.zeros_like(moment))
        self._head.reset(
            [kernel[np.newaxis] for kernel in fold.kernels],
            [bias[np.newaxis, np.newaxis] for bias in fold.biases],
        )
        self._mean.assign(fold.scaling.mean[np.newaxis, np.newaxis])
        self._scale.assign(fold.scaling.scale[np.newaxis, np.newaxis])
        self._step.assign(0.0)

    def fold(self) -> FoldWeights:
        """Return the live weights."""
        return FoldWeights(
            scaling=Scaling(mean=self._mean.numpy()[0, 0], scale=self._scale.numpy()[0, 0]),
            kernels=[kernel.numpy()[0] for kernel in self._head.kernels],
            biases=[bias.numpy()[0, 0] for bias in self._head.biases],
            layers={
                layer.name: layer.get_weights() for layer in self._body.layers if layer.weights
            },
        )

    def _prepared(self, step: Callable[..., tf.Tensor], device: Device) -> Callable[..., tf.Tensor]:
        """Return a step, compiled where the device wants that, that takes inputs as they are stored."""
        compiled = tf.function(step, reduce_retracing=True, jit_compile=device.jit_compile)

        def prepared(inputs: tf.Tensor, *others: object) -> tf.Tensor:
            inputs = tf.cast(inputs, tf.float32)
            return compiled(inputs if self._before is None else self._before(inputs), *others)

        traced: Callable[..., tf.Tensor] = tf.function(prepared, reduce_retracing=True)
        return traced

    def _train_step(
        self,
        inputs: tf.Tensor,
        labels: tf.Tensor,
        class_weights: tf.Tensor,
        knobs: Knobs,
        backbone_rate: tf.Tensor,
        seed: tf.Tensor,
    ) -> tf.Tensor:
        """Learn from one batch; return its loss without penalties."""
        self._step.assign_add(1.0)
        targets = smoothed_targets(labels, tf.shape(class_weights)[0], knobs.label_smoothing)[
            tf.newaxis
        ]
        with tf.GradientTape() as tape:
            features = self._features(inputs, training=True)
            logits = self._head.logits(
                features, knobs.dropout, tf.stack([seed, tf.cast(self._step, tf.int32)])
            )
            loss = tf.reduce_sum(fold_losses(targets, logits, class_weights[tf.newaxis]))
            whole = tf.add_n([self._head.penalised(loss, knobs.l2), *self._body.losses])
        gradients = tape.gradient(whole, [*self._weights, *self._head.weights])
        self._head.update(gradients[len(self._weights) :], knobs, self._step)
        for weight, moments, gradient in zip(self._weights, self._moments, gradients, strict=False):
            decay = knobs.weight_decay if weight.shape.rank > 1 else tf.constant(0.0)
            rates = Rates(knobs.learning_rate * backbone_rate, decay, knobs.momentum, self._step)
            self._update(weight, moments, gradient, rates)
        return loss

    def _predict(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return probabilities (batch, n_classes)."""
        return tf.nn.softmax(
            self._head.logits(self._features(inputs, training=False), tf.constant(0.0), None)[0]
        )

    def _features(self, inputs: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Return standardised features (1, batch, n_features)."""
        features = tf.cast(self._body(inputs, training=training), tf.float32)
        return (features[tf.newaxis] - self._mean) * self._scale


def _zeros(weight: tf.Variable) -> tf.Variable:
    return tf.Variable(tf.zeros_like(weight))
