"""What a user says of a run besides the sweep's own file. Imports config, storage and paths."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from bcsearch.config import find_files, load_plan, read_toml, sweep_of
from bcsearch.errors import ConfigError
from bcsearch.paths import RESULTS_DIR, cache_dir
from bcsearch.storage import resolve_url
from bcsearch.study.processes import STORAGE, LocalLaunch

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.config import Plan
    from bcsearch.study.processes import Launcher


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of a run; None leaves what the environment, the sweep or the default says."""

    data: str | None = None
    trials: int | None = None
    weights: str | None = None
    storage: str | None = None
    fresh: bool = False
    results_dir: Path = RESULTS_DIR
    sweeps_dir: Path | None = None
    artifacts_dir: Path | None = (
        None  # of what trials leave on disk, for all studies; None is results_dir
    )
    cache_dir: Path | None = None
    cache_limit: int | None = None  # bytes
    minutes: float | None = None  # a new study leaves out what does not fit into so many
    max_cache: int | None = None  # a new study leaves out what does not fit into so many bytes
    workers: int = 1  # processes
    launcher: Launcher = LocalLaunch  # where they are started

    def plan(self, sweep: str) -> Plan:
        """Load a sweep and put these options over it.

        Raises:
            ConfigError: the sweep cannot be loaded, or an option is out of its range.
        """
        if self.trials is not None and self.trials < 1:
            raise ConfigError(f"--trials: came {self.trials}, allowed: 1 or more")
        if self.workers < 1:
            raise ConfigError(f"--workers: came {self.workers}, allowed: 1 or more")
        if self.minutes is not None and not 0 < self.minutes < inf:
            raise ConfigError(f"--minutes: came {self.minutes:g}, allowed: a number above 0")
        return self.over(load_plan(sweep, self.sweeps_dir))

    def over(self, plan: Plan) -> Plan:
        """Put the data and weights of these options over a plan's."""
        data = self.data or os.environ.get("BCSEARCH_DATA") or plan.sweep.data
        chosen = {"data": _absolute(data), "weights": _absolute(self.weights or plan.sweep.weights)}
        sweep = plan.sweep.model_copy(update=chosen)
        return replace(plan, sweep=sweep)

    @property
    def _named_storage(self) -> str | None:
        """What the option or the environment names, which goes before a sweep's own."""
        return self.storage or os.environ.get(STORAGE)

    def url(self, of_sweep: str | None = None) -> str:
        """Return the database: ``--storage``, else ``BCSEARCH_STORAGE``, else the sweep's, else a file in results.

        Raises:
            StorageError: the URL makes no sense.
        """
        return resolve_url(self._named_storage or of_sweep, self.results_dir)

    def url_of(self, study: str) -> str:
        """Return the database of a study, by the sweep that it is named after where there is such a file.

        Raises:
            ConfigError: that file is no TOML; what else is wrong in it does not matter.
            StorageError: the URL makes no sense.
        """
        if self._named_storage:
            return self.url()
        file = find_files("sweeps", self.sweeps_dir).get(sweep_of(study))
        named = None if file is None else read_toml(file).get("storage")
        return self.url(named if isinstance(named, str) else None)

    def worker_words(self, study: str, plan: Plan) -> list[str]:
        """Return the options of ``bcsearch worker`` for one that works as these say, on a study that has ``plan``."""
        sweep = self.over(plan).sweep
        given = {
            "--study": study,
            "--data": sweep.data,
            "--weights": sweep.weights,
            "--results": self.results_dir,
            "--artifacts": self.artifacts_dir and self.artifacts_dir.absolute(),
            "--cache-dir": self.cache_dir and self.cache_dir.absolute(),
            "--cache-limit": self.cache_limit,
            "--trials": sweep.limits.recycle_trials,
        }
        return [str(word) for pair in given.items() if pair[1] is not None for word in pair]

    @property
    def supervised(self) -> bool:
        """Whether this process starts others to do the work."""
        return self.workers > 1 or self.launcher is not LocalLaunch

    @property
    def cache(self) -> Path:
        """The folder of the prefix cache."""
        return self.cache_dir or cache_dir()


def _absolute(place: str) -> str:
    """Return the absolute path of what is there, so that a study can be taken up from another folder; words as is."""
    return os.path.abspath(place) if os.path.exists(place) else place
