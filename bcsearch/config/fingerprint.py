"""What must match for results to belong to one study, part by part."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config.load import Plan

MEANING = 4  # raised by hand when the same settings give other results
WITHOUT = {"views.mode": "stored"}  # what parts that came later are where they are not given


def fingerprint(
    plan: Plan, *, dataset: str, folds: str, weights: Mapping[str, str]
) -> dict[str, str]:
    """Return the parts of a study's fingerprint; studies may share trials only if all are equal.

    Args:
        plan: of the sweep count what trials are ranked by, training and seeds, not trials or
            limits.
        dataset: fingerprint of the images and labels.
        folds: fingerprint of the folds.
        weights: fingerprint of the weights used, by backbone.
    """
    sweep = plan.sweep
    space = plan.space.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    parts = {f"space.{name}": _text(value) for name, value in space["params"].items()}
    parts |= {f"training.{name}": _text(value) for name, value in sweep.training}
    parts |= {f"weights.{name}": value for name, value in sorted(weights.items())}
    seeds = {"views.seed": str(sweep.views.seed), "weights.seed": str(sweep.weights.seed)}
    if sweep.views.is_online:
        seeds["views.mode"] = sweep.views.mode
    others = {"search.score": sweep.search.score, "dataset": dataset, "folds": folds}
    return parts | seeds | others | {"meaning": str(MEANING)}


def differences(stored: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return one phrase for each part that differs: the key, its stored and present value."""
    keys = sorted(set(stored) | set(now))
    found = []
    for key in keys:
        if stored.get(key) != now.get(key):
            without = WITHOUT.get(key, "absent")
            found.append(f"{key} was {stored.get(key, without)}, is {now.get(key, without)}")
    return found


def _text(value: object) -> str:
    return dumps(value, sort_keys=True)
