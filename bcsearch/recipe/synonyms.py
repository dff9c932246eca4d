"""What others call our parameters, values and keys, for hints where a name is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch import errors

if TYPE_CHECKING:
    from collections.abc import Collection

SYNONYMS = {
    # parameters
    "act": "activation",
    "arch": "backbone",
    "architecture": "backbone",
    "aug": "augment",
    "bn": "batch_norm",
    "bs": "batch_size",
    "finetune": "unfreeze_fraction",
    "hidden_layers": "head_layers",
    "layers": "head_layers",
    "lr": "learning_rate",
    "magnitude": "augment_strength",
    "lr_scheduler": "schedule",
    "model": "backbone",
    "network": "backbone",
    "resolution": "image_size",
    "size": "image_size",
    "strength": "augment_strength",
    "units": "units_1",
    "unfreeze": "unfreeze_fraction",
    "wd": "weight_decay",
    # values
    "aggressive": "strong",
    "bayesian": "tpe",
    "categorical_crossentropy": "cross_entropy",
    "ce": "cross_entropy",
    "color": "colour",
    "cv": "kfold",
    "f1": "macro_f1",
    "hard": "strong",
    "heavy": "strong",
    "holdout": "split",
    "mild": "light",
    "moderate": "medium",
    "nll": "log_loss",
    "off": "none",
    "soft": "light",
    "swish": "silu",
    "trivialaugment": "trivial",
    "weak": "light",
    # keys of sweeps
    "budget": "trials",
    "database": "storage",
    "dataset": "data",
    "early_stopping": "patience",
    "k": "n_folds",
    "max_epochs": "epochs",
    "metric": "score",
    "monitor": "score",
    "n_splits": "n_folds",
    "objective": "score",
    "random_state": "seed",
    "search_space": "space",
    "timeout": "trial_seconds",
}


def meant_by(came: str) -> str:
    """Return what we call a thing that may have another name elsewhere."""
    return SYNONYMS.get(came.lower(), came)


def unknown(what: str, came: str, known: Collection[str]) -> str:
    """Say that a name is not known, with what it means here or its nearest match."""
    near = meant_by(came)
    return errors.unknown(what, came, known, near if near in known else None)
