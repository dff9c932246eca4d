from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bcsearch.study.options import RunOptions
from tests.study.doctor.made import study

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_machine_is_seen_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bcsearch.study.doctor.here import machine_facts

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    options = RunOptions(results_dir=tmp_path / "no" / "results", cache_dir=tmp_path)
    of = study(cache_bytes=10**9)
    facts = machine_facts(options, replace(of, record=replace(of.record, files=str(tmp_path))))
    results, cache, files = facts.folders
    assert (results.what, results.needed_bytes, cache.needed_bytes) == ("results", 0, 10**9)
    assert (files.path, files.option, files.writable) == (tmp_path, "--artifacts", True)
    assert results.writable
    assert results.free_bytes
    assert facts.threads == {"OMP_NUM_THREADS": "1"}
    assert facts.cores >= 1
    assert facts.memory_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    from bcsearch.study.doctor.here import machine_facts

    (tmp_path / "file").write_text("")
    options = RunOptions(results_dir=tmp_path / "file" / "results", cache_dir=tmp_path)
    results, cache = machine_facts(options, study()).folders
    assert (results.writable, cache.writable) == (False, True)


def test_weights_are_those_of_the_studys_space_and_fingerprint() -> None:
    from bcsearch.study.doctor.here import weights_facts
    from tests.fakes import SPACE, make_plan

    plan = make_plan(
        {**SPACE, "backbone": {"choice": ["custom", "efficientnet_lite0"]}}, weights="no.keras"
    )
    facts = study(plan)
    record = replace(
        facts.record,
        fingerprint={"weights.custom": "random ab", "weights.efficientnet_lite0": "path cd"},
    )
    custom, lite = weights_facts(replace(facts, record=record))
    assert (custom.backbone, custom.used, custom.at_hand) == (
        "custom",
        "random",
        "random by design",
    )
    assert (lite.backbone, lite.used, lite.at_hand, lite.file) == (
        "efficientnet_lite0",
        "path",
        "no file",
        "no.keras",
    )
    assert weights_facts(study(None)) == []
