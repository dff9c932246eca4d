"""How many epochs were trained again after a worker was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bcsearch.records import StudyRecord
    from benchmarks.distributed.event_log import Events


def repeated_epochs(record: StudyRecord, events: Events) -> dict[tuple[int, int], int]:
    """Return how many epochs each training of a retried configuration trained again.

    The key is the number of the trial and which training of it this was: a released trial keeps
    its number.
    """
    before = {trial.number: trial.retry_of for trial in record.trials}
    trained: dict[int, set[int]] = {}  # by the first trial of a chain of retries
    again: dict[tuple[int, int], int] = {}
    nth: dict[int, int] = {}
    for line in events.lines:
        number = line.get("number", -1)
        if line["event"] == "TrialStarted":
            nth[number] = nth.get(number, -1) + 1
        elif line["event"] == "EpochEnded":
            done = trained.setdefault(_first(number, before), set())
            if line["epoch"] in done:
                again[number, nth[number]] = again.get((number, nth[number]), 0) + 1
            done.add(line["epoch"])
    return again


def _first(number: int, before: dict[int, int | None]) -> int:
    """Return the first attempt at what trial ``number`` is a retry of."""
    earlier = before.get(number)
    return number if earlier is None else _first(earlier, before)
