"""What a check of the data found, as a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.checked import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records.checked import DataCheck

DONE = {
    Verdict.EXCLUDE: "certainly to be left out",
    Verdict.REVIEW: "to be looked at",
    Verdict.GROUP: "kept, on one side of every fold that bcsearch makes",
}


def check_text(check: DataCheck, remedies: Mapping[str, str]) -> str:
    """Return counts by verdict and reason, what to do, and what was seen of the whole set."""
    lines = []
    for verdict, done in DONE.items():
        rows = check.rows(verdict)
        lines.append(f"{len(rows)} of {check.n_images} images {done}")
        reasons = dict.fromkeys(each.reason for each in check.findings if each.verdict is verdict)
        for reason in reasons:
            count = sum(each.reason == reason for each in check.findings)
            lines.append(f"  {reason}: {count} ({remedies.get(reason, '')})")
    lines += check.notes
    lines += [f"left out: {reason}" for reason in check.left_out]
    return "\n".join(lines)
