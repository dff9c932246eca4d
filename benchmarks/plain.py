"""The same trials as tutorials write them: plain Optuna and Keras, ``fit`` for every fold.

    python -m benchmarks.plain cells.npz 2

trains the first two configurations, the backbone inside the model, and prints one JSON line a
trial. Of bcsearch it takes the pretrained backbone and one constant.
"""

from __future__ import annotations

import json
import math
import sys
import time

import keras
import numpy as np
import optuna
from sklearn.model_selection import StratifiedKFold

from bcsearch.backbones.weights import load_backbone, resolve_weights
from bcsearch.training.fold_weights import VARIANCE_FLOOR
from benchmarks.configurations import (
    BACKBONE,
    BATCH_SIZE,
    CONFIGURATIONS,
    EPOCHS,
    IMAGE_SIZE,
    N_FOLDS,
)


def main(path: str, n_trials: int) -> None:
    """Run the first configurations as an Optuna study in memory."""
    with np.load(path) as file:
        images, labels = file["data"], file["labels"].ravel().astype(np.int64)
    backbone = load_backbone(BACKBONE, IMAGE_SIZE, resolve_weights(BACKBONE, "imagenet"), 0)
    backbone.trainable = False
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for configuration in CONFIGURATIONS[:n_trials]:
        study.enqueue_trial(dict(configuration))
    study.optimize(lambda trial: _objective(trial, backbone, images, labels), n_trials=n_trials)


def _objective(
    trial: optuna.Trial, backbone: keras.Model, images: np.ndarray, labels: np.ndarray
) -> float:
    trial.suggest_int("units_1", 64, 512)
    trial.suggest_float("learning_rate", 5e-4, 3e-3)
    trial.suggest_float("dropout", 0.0, 0.5)
    curves = []
    seconds = 0.0
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    for train, valid in folds.split(images, labels):
        # as bcsearch's heads scale features; its time is not counted
        scaling = _scaling(backbone.predict(images[train], verbose=0))
        started = time.perf_counter()
        model = _build(backbone, scaling, trial)
        scheduler = keras.callbacks.LearningRateScheduler(_cosine(trial.params["learning_rate"]))
        fitted = model.fit(
            images[train],
            labels[train],
            validation_data=(images[valid], labels[valid]),
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            callbacks=[scheduler],
            verbose=0,
        )
        curves.append(fitted.history["val_accuracy"])
        seconds += time.perf_counter() - started
    score = float(np.mean(curves, axis=0).max())
    sys.stdout.write(json.dumps({"trial": trial.number, "score": score, "seconds": seconds}) + "\n")
    return score


def _scaling(features: np.ndarray) -> keras.layers.Layer:
    variance = features.var(axis=0) + VARIANCE_FLOOR
    return keras.layers.Normalization(mean=features.mean(axis=0), variance=variance)


def _build(backbone: keras.Model, scaling: keras.layers.Layer, trial: optuna.Trial) -> keras.Model:
    model = keras.Sequential(
        [
            backbone,
            scaling,
            keras.layers.Dense(trial.params["units_1"], "relu"),
            keras.layers.Dropout(trial.params["dropout"]),
            keras.layers.Dense(8, "softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(trial.params["learning_rate"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _cosine(first: float) -> object:
    return lambda epoch, rate: first * 0.5 * (1.0 + math.cos(math.pi * epoch / EPOCHS))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
