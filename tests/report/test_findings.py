from __future__ import annotations

from bcsearch.records.finding import note, ok, warning, wrong
from bcsearch.report.findings import ALL_IS_WELL, findings_text, is_wrong, worst_first

GOOD = [ok("memory", "2.0 GB free"), note("pruner", "none"), ok("gpu", "none")]
BAD = [wrong("database", "it is damaged", "mend it"), warning("clock", "it is late", "set it")]


def test_worst_stands_first_and_equals_keep_their_order() -> None:
    subjects = [finding.subject for finding in worst_first([*GOOD, *reversed(BAD)])]
    assert subjects == ["database", "clock", "pruner", "memory", "gpu"]


def test_each_finding_is_one_line_with_what_to_do() -> None:
    lines = findings_text([*GOOD, *BAD]).splitlines()
    assert len(lines) == len(GOOD) + len(BAD)
    assert lines[0] == "wrong    database: it is damaged; mend it"
    assert lines[-1] == "ok       gpu: none"


def test_all_is_well_unless_something_asks_for_action() -> None:
    assert findings_text(GOOD).splitlines()[-1] == ALL_IS_WELL
    assert ALL_IS_WELL not in findings_text([*GOOD, BAD[1]])


def test_only_the_worst_level_is_wrong() -> None:
    assert is_wrong(BAD)
    assert not is_wrong([*GOOD, BAD[1]])
