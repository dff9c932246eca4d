"""``doctor`` on the command line: what it prints and its exit code."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.doctor.made import make_plan, store_study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

pytestmark = pytest.mark.slow  # TensorFlow loads, to find out what it sees


def store(workdir: Path, *, loses: bool) -> None:
    """Make a study of three finished trials out of five; a fourth may be lost."""
    (workdir / "results").mkdir()
    plan = make_plan(search={"sampler": "random", "pruner": "none"})
    used = {"dataset": "aa", "weights.efficientnet_lite0": "imagenet ab"}
    file = workdir / "results" / "bcsearch.db"
    stored = store_study(file, plan, trials=5, fingerprint=used)
    for _ in range(3):
        stored.finish("me-1")
    if loses:
        stored.lose("gone-9")
    stored.close()


def test_sound_study_is_well_and_nothing_else_is_printed(workdir: Path, bcsearch: Run) -> None:
    store(workdir, loses=False)
    for arguments in ([], ["--study", "cells"]):
        answer = bcsearch("doctor", *arguments)
        assert (answer.code, answer.err) == (0, "")
        assert "study cells: 3 of 5 trials done" in answer.out
        levels = {line.partition(" ")[0] for line in answer.out.splitlines()}
        assert levels <= {"ok", "note", "all"}, answer.out


def test_lost_trial_is_wrong_until_it_is_reaped(workdir: Path, bcsearch: Run) -> None:
    store(workdir, loses=True)
    for arguments in ([], ["--study", "cells"]):
        answer = bcsearch("doctor", *arguments)
        assert answer.code == 1
        assert answer.out.startswith("wrong    lost trials: trial 3 of study cells")
    answer = bcsearch("doctor", "--study", "cells", "--reap")
    assert answer.code == 0
    assert "trial 3 of study cells failed now, and queued again" in answer.out
    assert bcsearch("doctor").code == 0


def test_json_holds_what_the_lines_hold(
    workdir: Path, bcsearch: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.doctor.machine.free_bytes", lambda _: 10**10)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=10**10))
    store(workdir, loses=True)
    answer = bcsearch("doctor", "--study", "cells", "--json")
    found = json.loads(answer.out)
    lines = bcsearch("doctor", "--study", "cells").out.splitlines()
    assert answer.code == 1
    for line, finding in zip(lines, found, strict=True):
        assert line.startswith(f"{finding['level']} ")
        assert f" {finding['subject']}: {finding['what']}" in line
    assert list(found[0]) == ["level", "subject", "what", "remedy"]
