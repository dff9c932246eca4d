"""The check on the weights that a study's backbones start from. Imports records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.finding import Finding, note, ok, warning
from bcsearch.study.doctor.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.study.doctor.facts import WeightsFacts

SUBJECT = "weights"
UNKNOWN = "unknown backbone"  # at hand, where the package that adds it is not installed
NO_FILE = "no file"  # at hand, where the user's own is not there


def check_weights(facts: Iterable[WeightsFacts]) -> list[Finding]:
    """Look what the study's backbones started from, and whether a worker here would have the same."""
    backbones = list(facts)
    found = [finding for backbone in backbones for finding in _check(backbone)]
    if backbones and not found:
        said = listed(
            f"{backbone.backbone} ({backbone.used or backbone.at_hand})" for backbone in backbones
        )
        return [ok(SUBJECT, f"a worker here starts from those of the study: {said}")]
    return found


def _check(facts: WeightsFacts) -> list[Finding]:
    if facts.at_hand == UNKNOWN:
        what = f"no installed package has backbone {facts.backbone}"
        return [warning(SUBJECT, what, "install the one that the study's other workers have")]
    if facts.at_hand == NO_FILE:
        what = f"{facts.backbone} started from {facts.file}, which is not on this machine"
        return [warning(SUBJECT, what, "copy it here, and name it to workers with --weights")]
    if facts.used == "random" and facts.at_hand != "random by design":
        what = f"{facts.backbone} started from RANDOM weights, so its scores are low"
        return [
            warning(
                SUBJECT,
                what,
                "get its weights ('bcsearch backbones' tells which) and start anew with --fresh",
            )
        ]
    if facts.used == "imagenet" and facts.at_hand != "imagenet":
        what = f"{facts.backbone} started from ImageNet weights, which are not on this machine"
        return [
            note(
                SUBJECT,
                what,
                "a worker here fetches them first, or put the file into ~/.keras/models",
            )
        ]
    return []
