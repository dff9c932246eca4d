from __future__ import annotations

from bcsearch.records.finding import Finding, Level
from bcsearch.report.findings import findings_text, worst_first

GOOD = [
    Finding(Level.OK, "memory", "2.0GB free"),
    Finding(Level.NOTE, "pruner", "none"),
    Finding(Level.OK, "gpu", "none"),
]
BAD = [
    Finding(Level.WRONG, "database", "it is damaged", "restore it"),
    Finding(Level.WARNING, "clock", "it is late", "set it"),
]


def test_worst_stands_first_and_equals_keep_their_order() -> None:
    subjects = [finding.subject for finding in worst_first([*GOOD, *reversed(BAD)])]
    assert subjects == ["database", "clock", "pruner", "memory", "gpu"]


def test_each_finding_is_one_line_with_what_to_do() -> None:
    lines = findings_text([*GOOD, *BAD]).splitlines()
    assert len(lines) == len(GOOD) + len(BAD)
    assert lines[0] == "wrong    database: it is damaged; restore it"
    assert lines[-1] == "ok       gpu: none"


def test_all_is_well_unless_something_asks_for_action() -> None:
    assert findings_text(GOOD).splitlines()[-1] == "all is well"
    assert "all is well" not in findings_text([*GOOD, BAD[1]])
