"""Workers killed every two seconds and the server restarted under them: whether the study ends whole, what it cost."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import optuna

from bcsearch.records import StudyRecord, TrialState
from bcsearch.storage import read_study
from benchmarks.distributed.assignment import STUDY, Assignment
from benchmarks.distributed.crew import Crew, let_begin
from benchmarks.distributed.databases import PostgreSQL, postgresql
from benchmarks.distributed.diary import Told, read_diaries
from benchmarks.distributed.repeated import repeated_epochs

if TYPE_CHECKING:
    import subprocess

N_WORKERS, TRIALS, RESTARTS = 8, 500, 5
EPOCHS, EPOCH_SECONDS = 10, 0.1
KILL_SECONDS = 2.0
HEARTBEAT_SECONDS, GRACE_SECONDS = 2, 10
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 300.0  # without a trial that ended, after which the run counts as stuck
KILLED = -9


@dataclass(kw_only=True, eq=False)
class Chaos:
    """What is done to the workers of a crew and to their server, and how often it was done."""

    crew: Crew
    server: PostgreSQL
    restarts_wanted: int
    kills: int = 0
    restarts: int = 0
    broken: int = 0

    def run(self, trials: int) -> None:
        """Do harm until the diaries tell of as many ended trials as wanted and all have left, or nothing happens."""
        killed_at = ended_at = time.monotonic()
        ended = 0
        while self._replace() and time.monotonic() - ended_at < PATIENCE_SECONDS:
            count = len(read_diaries(self.crew.folder).of("TrialEnded"))
            if count > ended:
                ended, ended_at = count, time.monotonic()
            if (
                count >= trials * (self.restarts + 1) / (self.restarts_wanted + 1)
                and self._may_restart
            ):
                self.server.restart()
                self.restarts += 1
            if count < trials and time.monotonic() - killed_at > KILL_SECONDS:
                killed_at = time.monotonic()
                self._kill()
            time.sleep(LOOK_SECONDS)

    @property
    def _may_restart(self) -> bool:
        return self.restarts < self.restarts_wanted

    def _kill(self) -> None:
        process = random.choice(self._alive)
        process.kill()
        process.wait()
        self.kills += 1

    def _replace(self) -> bool:
        """Start a worker for each that was killed; count those that broke by themselves; tell whether any is left."""
        for process in list(self.crew.processes):
            code = process.poll()
            if code is None:
                continue
            self.crew.remove(process)
            if code == KILLED:
                let_begin(self.crew.add())
            elif code:
                self.broken += 1
        return bool(self.crew.processes)

    @property
    def _alive(self) -> list[subprocess.Popen[str]]:
        return [
            process for process in self.crew.processes if process.poll() is None
        ] or self.crew.processes


def main(n_workers: int = N_WORKERS, trials: int = TRIALS, restarts: int = RESTARTS) -> None:
    """Print what was done to the study, what became of it, and how much was trained more than once."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with postgresql() as server, TemporaryDirectory() as place:
        assignment = Assignment(
            url=server.new_url(),
            folder=place,
            trials=trials,
            epochs=EPOCHS,
            seconds=EPOCH_SECONDS,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            grace_seconds=GRACE_SECONDS,
        )
        assignment.create().storage.engine.dispose()
        crew = Crew(
            module="benchmarks.distributed.worker",
            assignment=assignment.to_text(),
            folder=Path(place),
        )
        for _ in range(n_workers):
            crew.add()
        since = crew.begin()
        chaos = Chaos(crew=crew, server=server, restarts_wanted=restarts)
        try:
            chaos.run(trials)
        finally:
            crew.kill()
        seconds = time.time() - since
        print(
            f"chaos on PostgreSQL: {n_workers} workers, {trials} trials of {EPOCHS} epochs, {seconds:.0f} s"
        )
        print(
            f"  workers killed {chaos.kills}, server restarts {chaos.restarts}, workers that broke {chaos.broken}"
        )
        _tell_study(read_study(assignment.url, STUDY), read_diaries(Path(place)), trials)
        _tell_complaints(crew)


def _tell_study(record: StudyRecord, told: Told, trials: int) -> None:
    finished = {trial.number for trial in record.trials if trial.is_finished}
    unheard = len(finished - {line["number"] for line in told.of("TrialEnded")})
    states = ", ".join(f"{record.count(state)} {state}" for state in TrialState)
    print(
        f"  finished {record.slots_filled} of {trials}, in all {states}; retries {len(record.retried)}"
    )
    twice = len(told.of("TrialEnded")) - len({line["number"] for line in told.of("TrialEnded")})
    print(f"  ended twice {twice}, finished but never told of {unheard}")
    repeated = repeated_epochs(record, told)
    most = max(repeated.values(), default=0)
    total = len(told.of("EpochEnded"))
    print(
        f"  epochs trained {total}, of them again after a kill {sum(repeated.values())}, at most {most} at a time"
    )


def _tell_complaints(crew: Crew) -> None:
    lines = crew.said.splitlines()
    print(f"  lines on stderr {len(lines)}")
    for line in sorted(
        {line[:160] for line in lines if "rror" in line and not line.startswith(" ")}
    )[:5]:
        print(f"    {line}")


if __name__ == "__main__":
    main()
