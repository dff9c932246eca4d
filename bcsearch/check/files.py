"""The files of a check: what is left out, what a person should look at, what belongs together."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from bcsearch.check.groups import partition
from bcsearch.data.excluded import GROUPED, HEADER, MARK
from bcsearch.errors import DiskError
from bcsearch.paths import creating
from bcsearch.records.checked import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bcsearch.records.checked import DataCheck

EXCLUDE, REVIEW, GROUPS, ALL = "exclude.csv", "review.csv", "groups.csv", "check.json"
PAGE = "check.html"
ALL_FILES = (EXCLUDE, REVIEW, GROUPS, ALL, PAGE)


def check_json(check: DataCheck) -> str:
    """Return everything that was found as JSON."""
    return json.dumps(asdict(check), indent=1) + "\n"


def findings_csv(check: DataCheck, verdict: Verdict) -> str:
    """Return one line a row and reason: row, reason, evidence; none of rows set aside for sure."""
    certain = set(check.rows(Verdict.EXCLUDE))
    rows = [
        (each.row, each.reason, each.evidence)
        for each in sorted(check.findings, key=lambda each: each.row)
        if each.verdict is verdict and (verdict is Verdict.EXCLUDE or each.row not in certain)
    ]
    return _csv(check, HEADER, rows)


def groups_csv(check: DataCheck) -> str:
    """Return one line an image: its row, and the lowest row of its group."""
    group = partition([*check.groups, *check.own_groups], check.n_images)
    return _csv(check, GROUPED, list(enumerate(group.tolist())))


WRITTEN: dict[str, Callable[[DataCheck], str]] = {
    EXCLUDE: lambda check: findings_csv(check, Verdict.EXCLUDE),
    REVIEW: lambda check: findings_csv(check, Verdict.REVIEW),
    GROUPS: groups_csv,
    ALL: check_json,
}


def refuse_earlier(folder: Path, names: tuple[str, ...]) -> None:
    """Refuse a folder in which one of the files is already, as a person may have changed it.

    Raises:
        DiskError: one is there.
    """
    if folder.exists() and not folder.is_dir():
        raise DiskError(f"{folder} is a file; give a folder with --out")
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise DiskError(
            f"{folder} has {', '.join(there)} already, which may have been changed by hand and is "
            "not overwritten; choose another --out, or move it away"
        )


def write_check(folder: Path, check: DataCheck) -> None:
    """Write the tables and the JSON of a check. Raises DiskError where one is there already."""
    for name, text in WRITTEN.items():
        with creating(folder / name) as draft:
            draft.write_text(text(check), encoding="utf-8")


def _csv(check: DataCheck, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    text = io.StringIO()
    text.write(MARK.format(check.fingerprint) + "\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *rows])
    return text.getvalue()
