"""What must match for results to belong to one study, part by part. Imports pydantic models only."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config.load import Plan

MEANING = 3  # raised by hand when the same settings give other results


def fingerprint(
    plan: Plan, *, dataset: str, folds: str, weights: Mapping[str, str]
) -> dict[str, str]:
    """Return the parts of a study's fingerprint; two studies may share trials only if all parts are equal.

    Args:
        plan: sweep and space; of the sweep only ``training`` counts, not trials, workers or limits.
        dataset: fingerprint of the images and labels.
        folds: fingerprint of the folds.
        weights: fingerprint of the weights used, by backbone.
    """
    parts = {
        f"space.{name}": _text(value)
        for name, value in plan.space.model_dump(mode="json", by_alias=True, exclude_defaults=True)[
            "params"
        ].items()
    }
    parts |= {
        f"training.{name}": _text(value) for name, value in plan.sweep.training.model_dump().items()
    }
    parts |= {f"weights.{name}": value for name, value in sorted(weights.items())}
    return parts | {"dataset": dataset, "folds": folds, "meaning": str(MEANING)}


def differences(stored: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return one phrase for each part that differs, naming the key, its stored and its present value."""
    keys = sorted(set(stored) | set(now))
    return [
        f"{key} was {stored.get(key, 'absent')}, is {now.get(key, 'absent')}"
        for key in keys
        if stored.get(key) != now.get(key)
    ]


def _text(value: object) -> str:
    return dumps(value, sort_keys=True)
