"""What must match for results to belong to one study, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config.load import Plan

MEANING = 5  # raised by hand when the same settings give other results
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
    others["check"] = "off" if sweep.reading.no_check else "on"
    return parts | seeds | others | {"meaning": str(MEANING)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A part of a fingerprint that differs: its key, its stored value and that of now."""

    key: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.key} was {self.was}, is {self.now}"


def differences(stored: Mapping[str, str], now: Mapping[str, str]) -> list[Difference]:
    """Return the parts that differ, by their keys."""
    known = [{**WITHOUT, **given} for given in (stored, now)]
    keys = sorted({key for given in known for key in given})
    pairs = [(key, *(given.get(key, "absent") for given in known)) for key in keys]
    return [Difference(key=key, was=was, now=now) for key, was, now in pairs if was != now]


def _text(value: object) -> str:
    return dumps(value, sort_keys=True)
