from __future__ import annotations

from dataclasses import replace

from bcsearch.study.doctor.files import check_files
from tests.study.doctor.made import only, study


def test_machine_with_files_of_its_own_is_told() -> None:
    facts = study()
    record = replace(facts.record, files_of={"one": "shared", "two": "/scratch/cells"})
    level, text = only(check_files(replace(facts, record=record)))
    assert level == "warning"
    assert "two (/scratch/cells)" in text
    assert "one" not in text.replace("none", "")
    assert "--artifacts" in text


def test_shared_files_are_well_and_a_study_without_any_says_nothing() -> None:
    facts = study()
    assert check_files(facts) == []
    record = replace(facts.record, files="/shared/cells", files_of={"one": "shared"})
    assert only(check_files(replace(facts, record=record))) == (
        "ok",
        "files of trials: in /shared/cells; ",
    )
