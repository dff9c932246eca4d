"""A study whose workers are killed every two seconds and whose server is restarted."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna

from bcsearch.records import StudyRecord, TrialState
from bcsearch.storage import read_study
from benchmarks.distributed.assignment import STUDY, Assignment
from benchmarks.distributed.databases import PostgreSQL, postgresql
from benchmarks.distributed.event_log import Events, read_events
from benchmarks.distributed.processes import Workers, let_start
from benchmarks.distributed.repeated import repeated_epochs

N_WORKERS, TRIALS, RESTARTS = 8, 500, 5
EPOCHS, EPOCH_SECONDS = 10, 0.1
KILL_SECONDS = 2.0
HEARTBEAT_SECONDS, GRACE_SECONDS = 2, 10
LOOK_SECONDS = 0.2
MOST_SECONDS = 300.0  # without a trial that ended, after which the run counts as stuck
KILLED = -9


@dataclass(kw_only=True, eq=False)
class Chaos:
    """Kills workers and restarts their server; ``broken`` counts workers that failed."""

    workers: Workers
    server: PostgreSQL
    restarts_wanted: int
    kills: int = 0
    restarts: int = 0
    broken: int = 0

    def run(self, trials: int) -> None:
        """Kill and restart until ``trials`` have ended and all workers left, or no trial ends."""
        killed_at = ended_at = time.monotonic()
        ended = 0
        while self._replace() and time.monotonic() - ended_at < MOST_SECONDS:
            count = len(read_events(self.workers.folder).of("TrialEnded"))
            if count > ended:
                ended, ended_at = count, time.monotonic()
            due = trials * (self.restarts + 1) / (self.restarts_wanted + 1)
            if count >= due and self.restarts < self.restarts_wanted:
                self.server.restart()
                self.restarts += 1
            if count < trials and time.monotonic() - killed_at > KILL_SECONDS:
                killed_at = time.monotonic()
                self._kill()
            time.sleep(LOOK_SECONDS)

    def _kill(self) -> None:
        alive = [process for process in self.workers.processes if process.poll() is None]
        process = random.choice(alive or self.workers.processes)
        process.kill()
        process.wait()
        self.kills += 1

    def _replace(self) -> bool:
        """Replace killed workers and count those that failed; whether any is left."""
        for process in list(self.workers.processes):
            code = process.poll()
            if code is None:
                continue
            self.workers.remove(process)
            if code == KILLED:
                let_start(self.workers.add())
            elif code:
                self.broken += 1
        return bool(self.workers.processes)


def main(n_workers: int = N_WORKERS, trials: int = TRIALS, restarts: int = RESTARTS) -> None:
    """Print what was done to the workers, what became of the study, what was trained again."""
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
        workers = Workers(
            module="benchmarks.distributed.worker",
            assignment=assignment.to_text(),
            folder=Path(place),
        )
        for _ in range(n_workers):
            workers.add()
        since = workers.start()
        chaos = Chaos(workers=workers, server=server, restarts_wanted=restarts)
        try:
            chaos.run(trials)
        finally:
            workers.kill()
        seconds = time.time() - since
        print(f"chaos on PostgreSQL: {n_workers} workers, {seconds:.0f} s")
        print(f"  {trials} trials of {EPOCHS} epochs")
        print(f"  workers killed {chaos.kills}, server restarts {chaos.restarts}")
        print(f"  workers that failed {chaos.broken}")
        _print_study(read_study(assignment.url, STUDY), read_events(Path(place)), trials)
        _print_errors(workers)


def _print_study(record: StudyRecord, events: Events, trials: int) -> None:
    finished = {trial.number for trial in record.trials if trial.is_finished}
    ends = [line["number"] for line in events.of("TrialEnded")]
    states = ", ".join(f"{record.count(state)} {state}" for state in TrialState)
    print(f"  finished {record.slots_filled} of {trials}, retries {len(record.retried)}")
    print(f"  states: {states}")
    print(f"  ended twice {len(ends) - len(set(ends))}")
    print(f"  finished without an event {len(finished - set(ends))}")
    repeated = repeated_epochs(record, events)
    again = f"of them again after a kill {sum(repeated.values())}"
    most = f"at most {max(repeated.values(), default=0)} at a time"
    print(f"  epochs trained {len(events.of('EpochEnded'))}, {again}, {most}")


def _print_errors(workers: Workers) -> None:
    lines = workers.stderr.splitlines()
    print(f"  lines on stderr {len(lines)}")
    errors = {line[:160] for line in lines if "rror" in line and not line.startswith(" ")}
    for line in sorted(errors)[:5]:
        print(f"    {line}")


if __name__ == "__main__":
    main()
