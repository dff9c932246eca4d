"""The traced training step of a head and the unfrozen part of its backbone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from bcsearch.seeds import derive_seed
from bcsearch.training.fold_weights import FoldWeights, Scaling
from bcsearch.training.head import HeadOutput, head_output, new_head, open_variable, start_head
from bcsearch.training.optimizers import Moments
from bcsearch.training.step import NO_BODY, Body, Examples, train_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.training.batch import Numbers, Traced
    from bcsearch.training.devices import Device


def trainable_copy(part: keras.Model, *, batch_norm: str, precision: str, seed: int) -> keras.Model:
    """Return a copy of a part of a backbone that can be trained without touching the original.

    ``batch_norm`` is ``frozen`` (such layers keep their statistics and scales) or ``trained``;
    ``precision`` is a Keras dtype policy; ``seed`` acts on the dropout inside the backbone.
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
        is_batch_norm = isinstance(layer, keras.layers.BatchNormalization)
        made.trainable = layer.trainable and not (batch_norm == "frozen" and is_batch_norm)
        return made

    model = keras.models.clone_model(part, clone_function=copy)
    for layer in part.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    return model


class SuffixGraph:
    """One live fold: the unfrozen part, its head, their optimizer state, traced functions.

    It is a workspace: trainers load a fold before each use and keep its values themselves. Heads of
    other widths share the trace, since their sizes are left open.
    """

    def __init__(
        self, body: keras.Model, before: keras.Model | None, traced: Traced, device: Device
    ) -> None:
        """Take the unfrozen part, and what prepares its inputs, which XLA leaves alone."""
        self._model, self._before, self._traced = body, before, traced
        self._head = new_head(int(traced["head_layers"]) + 1, str(traced["head_norm"]))
        self._mean, self._scale = open_variable(), open_variable()
        weights = [variable.value for variable in body.trainable_variables]
        moments = [Moments(_zeros(weight), _zeros(weight)) for weight in weights]
        self._body = Body(weights, _layers_above(body), moments, lambda: body.losses)
        self._first = [variable.numpy() for variable in body.variables]
        self.train_step = self._prepared(self._training(self._body, backbone=True), device)
        self.train_head = self._prepared(self._training(NO_BODY, backbone=False), device)
        self.predict = self._prepared(self._predict, device)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights and their optimizer state, of one fold."""
        return int(4 * sum(value.nbytes for value in self._first))

    @property
    def n_features(self) -> int:
        """Features that the head takes of an image."""
        return int(self._model.output_shape[-1])

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that differs between folds."""
        body = [variable.value for variable in self._model.variables]
        moments = [variable for both in self._body.moments for variable in both]
        return [*body, *moments, *self._head.variables, self._mean, self._scale]

    def load(self, fold: FoldWeights) -> None:
        """Start from a fold's weights, the rest as the backbone began."""
        for variable, first in zip(self._model.variables, self._first, strict=True):
            variable.assign(first)
        for name, values in fold.layers.items():
            self._model.get_layer(name).set_weights(values)
        for moments in self._body.moments:
            for moment in moments:
                moment.assign(tf.zeros_like(moment))
        kernels = [kernel[np.newaxis] for kernel in fold.kernels]
        biases = [bias[np.newaxis, np.newaxis] for bias in fold.biases]
        norms = [[values[np.newaxis, np.newaxis] for values in norm] for norm in fold.norms]
        start_head(self._head, kernels, biases, norms)
        self._mean.assign(fold.scaling.mean[np.newaxis, np.newaxis])
        self._scale.assign(fold.scaling.scale[np.newaxis, np.newaxis])

    def fold(self) -> FoldWeights:
        """Return the live weights."""
        return FoldWeights(
            scaling=Scaling(mean=self._mean.numpy()[0, 0], scale=self._scale.numpy()[0, 0]),
            kernels=[kernel.numpy()[0] for kernel in self._head.kernels],
            biases=[bias.numpy()[0, 0] for bias in self._head.biases],
            norms=[[values.numpy()[0, 0] for values in norm] for norm in self._head.norms],
            layers={
                layer.name: layer.get_weights() for layer in self._model.layers if layer.weights
            },
        )

    def _prepared(self, step: Callable[..., tf.Tensor], device: Device) -> Callable[..., tf.Tensor]:
        """Return a step, compiled where the device wants it, for inputs as stored."""
        compiled = tf.function(step, reduce_retracing=True, jit_compile=device.jit_compile)

        def prepared(inputs: tf.Tensor, *others: object) -> tf.Tensor:
            inputs = tf.cast(inputs, tf.float32)
            if self._before is not None:
                inputs = self._before(inputs)
            return compiled(inputs, *others)

        traced: Callable[..., tf.Tensor] = tf.function(prepared, reduce_retracing=True)
        return traced

    def _training(self, body: Body, *, backbone: bool) -> Callable[..., tf.Tensor]:
        """Return what trains the head and a body, with the ``backbone`` in training or in use."""

        def step(
            inputs: tf.Tensor,
            targets: tf.Tensor,
            class_weights: tf.Tensor,
            numbers: Numbers,
            seed: tf.Tensor,
        ) -> tf.Tensor:
            """Learn from one batch of one fold; return its loss without penalties."""

            def forward(inputs: tf.Tensor, seed: tf.Tensor) -> HeadOutput:
                features = self._features(inputs[0], training=backbone)
                return head_output(self._head, features, self._traced, numbers, seed)

            examples = Examples(inputs[tf.newaxis], targets[tf.newaxis], class_weights[tf.newaxis])
            return train_step(forward, self._head, examples, self._traced, numbers, seed, body)

        return step

    def _predict(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return probabilities (batch, n_classes)."""
        features = self._features(inputs, training=False)
        output = head_output(self._head, features, self._traced, {}, None)
        return tf.nn.softmax(output.logits[0])

    def _features(self, inputs: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Return standardised features (1, batch, n_features)."""
        features = tf.cast(self._model(inputs, training=training), tf.float32)
        return (features[tf.newaxis] - self._mean) * self._scale


def _layers_above(model: keras.Model) -> list[int]:
    """Return for each trained weight how many layers with a kernel stand above its own.

    So a norm is as far from the head as the layer that it follows.
    """
    found: dict[str, int] = {}
    n_above = 0
    for layer in reversed(model.layers):
        found |= {weight.path: n_above for weight in layer.trainable_variables}
        n_above += any(len(weight.shape) > 1 for weight in layer.weights)
    return [found[weight.path] for weight in model.trainable_variables]


def _zeros(weight: tf.Variable) -> tf.Variable:
    return tf.Variable(tf.zeros_like(weight))
