"""A worker process with the fake trainer on a real study, storage, budget and signals.

``python -m tests.study.fake_worker SWEEP.toml FOLDER SECONDS TRIALS [refit]`` works on the study of
a sweep file in ``FOLDER/study.db`` and ends as ``bcsearch run`` does: 0 when the budget is used up,
130 when it was stopped. With ``refit`` it goes on to the end of the study; only the model itself is
not made. ``FOLDER/diary.jsonl`` gets a line when a trial starts, after each epoch, and when it ends
or is released.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcsearch.config import load_plan
from bcsearch.records.events import Notice
from bcsearch.study.interrupts import Interrupts
from tests.fakes import FakeTrainer, make_worker, open_session

if TYPE_CHECKING:
    from bcsearch.records.events import Event
    from bcsearch.study.session import Session

STOPPED = 130


class Diary:
    """A listener that appends events to a file that several processes share, a line at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, event: Event) -> None:
        line = {"event": type(event).__name__, "pid": os.getpid(), **asdict(event)}
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, f"{json.dumps(line, default=dict)}\n".encode())
        os.close(handle)


def work(
    sweep: str, folder: Path, seconds: float, trials: int | None, *, refits: bool = False
) -> int:
    """Work on the study until its budget is used up or a signal comes; return the exit code."""
    plan = load_plan(sweep)
    diary = Diary(folder / "diary.jsonl")
    session = open_session(
        folder, plan, trials=trials, name=plan.name, worker=f"worker-{os.getpid()}"
    )
    with Interrupts(diary) as interrupts:
        worker = make_worker(
            session, plan, FakeTrainer(seconds=seconds), listener=diary, interrupts=interrupts
        )
        if not worker.run():
            return STOPPED
        if refits:
            end_study(session, diary)
    return 0


def end_study(session: Session, diary: Diary) -> None:
    """End a study as a run does, but make no model."""
    from bcsearch.study import ending

    nothing: Any = None

    def refit(*_: object, **__: object) -> Path:
        diary(Notice(text="refitting"))
        return session.bundle_dir

    ending._refit = refit
    ending.ensure_refitted(nothing, session, lambda: None, diary)


if __name__ == "__main__":
    _, sweep, folder, seconds, trials, *more = sys.argv
    sys.exit(work(sweep, Path(folder), float(seconds), int(trials), refits="refit" in more))
