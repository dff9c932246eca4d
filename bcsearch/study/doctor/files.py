"""Checks on the files that trials leave: whether all machines reach them. Imports records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.finding import Finding, ok, warning
from bcsearch.study.doctor.words import listed
from bcsearch.study.places import SHARED

if TYPE_CHECKING:
    from bcsearch.study.doctor.facts import StudyFacts


def check_files(facts: StudyFacts) -> list[Finding]:
    """Look for machines whose checkpoints and figures lie in folders of their own."""
    apart = sorted(
        f"{machine} ({place})"
        for machine, place in facts.record.files_of.items()
        if place != SHARED
    )
    if not apart:
        return [ok("files of trials", f"in {facts.record.files}")] if facts.record.files else []
    return [
        warning(
            "files of trials",
            f"not shared by {listed(apart)}: a trial lost there begins anew elsewhere, its figure is seen there",
            "go on with 'bcsearch run --artifacts DIR', another folder that all see, and give it to workers too",
        )
    ]
