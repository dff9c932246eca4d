"""The options of commands, each declared once: field, flag, help, whether workers get it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, fields, replace
from pathlib import Path  # noqa: TC003 - commands read the annotations of options when they run
from typing import TYPE_CHECKING, Any, get_args

from bcsearch.config.load import load_plan
from bcsearch.config.settings import parse_settings
from bcsearch.config.sweep import MOST_TRIALS, YEAR, Reading, Shape, known_score
from bcsearch.errors import ConfigError
from bcsearch.paths import RESULTS_DIR, cache_dir, meant, path_text

if TYPE_CHECKING:
    from bcsearch.config.load import Plan


COUNTS = {  # the least and the most of whole numbers
    "trials": (1, MOST_TRIALS),
    "max_trials": (1, MOST_TRIALS),
    "workers": (1, 1000),
    "seed": (0, 2**31 - 1),
}
MOST = {"minutes": YEAR / 60, "wait": YEAR / 60, "white": 2.0**32}  # of numbers above 0
PLAIN = Reading()
SEEDED = ("search", "folds", "training")  # sections whose seed --seed sets
OWN = {"data": ("data", str), "storage": ("storage", str), "search.trials": ("trials", int)}


def _option(default: Any, flag: str, text: str, *, worker: bool = False, size: bool = False) -> Any:
    """Declare an option; ``size`` says that the command line takes it as text such as 20GB."""
    metadata = {"flag": flag, "help": text, "worker": worker, "size": size}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a user says of a run besides the sweep's own file.

    None leaves what the environment or the sweep says.

    Raises:
        ConfigError: a number is out of its range.
    """

    data: str | None = _option(
        None,
        "--data",
        "An .npz, .npy files, a folder, a table of paths, or 'demo'. "
        "Default: BCSEARCH_DATA, else the sweep's.",
        worker=True,
    )
    images_key: str | None = _option(
        None, "--images-key", "Array of an .npz, or column of a table, that holds the images."
    )
    labels_key: str | None = _option(
        None, "--labels-key", "Array of an .npz, or column of a table, that holds the labels."
    )
    layout: str | None = _option(
        None, "--layout", "How the data lies: npz, npy, table, labels, splits, classes or images."
    )
    exclude: Path | None = _option(
        None, "--exclude", "An exclude.csv of 'bcsearch data check': rows that are left out."
    )
    no_check: bool = _option(
        False, "--no-check", "Do not look for junk and copies in the data before a study begins."
    )
    groups: Path | None = _option(
        None, "--groups", "A .csv of images and their groups (patients, days); no fold splits one."
    )
    groups_from: str | None = _option(
        None, "--groups-from", "Pattern that finds the group in a file name, such as '^([^_]+)_'."
    )
    join_val: bool = _option(
        False,
        "--join-val",
        "Train on the data's own validation part too, and divide it into folds.",
    )
    skip_damaged: bool = _option(False, "--skip-damaged", "Leave out images that cannot be read.")
    square: str | None = _option(
        None, "--square", "How images become squares: crop (default), pad or squash."
    )
    white: float | None = _option(
        None, "--white", "Value that is white in images of more than 8 bits, such as 4095."
    )
    test: Path | None = _option(
        None, "--test", "Labelled images that the finished model is scored on, once."
    )
    settings: list[str] | None = _option(
        None,
        "--set",
        "KEY=VALUE over the sweep, such as training.epochs=5, or over its space, such as "
        "params.backbone=custom; may be given again.",
    )
    seed: int | None = _option(
        None,
        "--seed",
        "Sets search.seed, folds.seed and training.seed; views and random weights keep their own, "
        "so that every seed shares the cache.",
    )
    score: str | None = _option(
        None, "--score", "Sets search.score: what trials are ranked by, such as macro_f1."
    )
    trials: int | None = _option(
        None, "--trials", "The study's total, over all workers and restarts."
    )
    minutes: float | None = _option(
        None,
        "--minutes",
        "Time for this command, by the clock; that of run holds the refit.",
        worker=True,
    )
    wait: float | None = _option(
        None, "--wait", "Minutes to wait for the study and its database, where they are not there."
    )
    grow: bool = _option(
        False, "--grow", "Add trials to the budget for as long as --minutes last.", worker=True
    )
    max_trials: int | None = _option(
        None, "--max-trials", "Stop after this many trials. Default: work to the end.", worker=True
    )
    weights: str | None = _option(
        None, "--weights", "auto, imagenet, random, or a weights file.", worker=True
    )
    fresh: bool = _option(False, "--fresh", "Start a new study and keep the old one.")
    accept: bool = _option(
        False, "--accept", "Keep a refitted model that does worse than the networks of its folds."
    )
    from_study: str | None = _option(
        None, "--from-study", "A new study begins with the best trials of this one."
    )
    from_config: Path | None = _option(
        None, "--from-config", "A new study begins with the configuration of a best.toml."
    )
    storage: str | None = _option(
        None,
        "--storage",
        "Database URL or .db file. Default: BCSEARCH_STORAGE, or results/bcsearch.db.",
    )
    results_dir: Path = _option(RESULTS_DIR, "--results", "Folder of outputs.", worker=True)
    artifacts_dir: Path | None = _option(
        None,
        "--artifacts",
        "Folder of checkpoints and other files of trials, best one that all machines see.",
        worker=True,
    )
    sweeps_dir: Path | None = _option(None, "--sweeps-dir", "Folder of your own sweep files.")
    cache_dir: Path | None = _option(
        None,
        "--cache-dir",
        "Folder of the prefix cache. Default: BCSEARCH_CACHE, or ~/.cache/bcsearch.",
        worker=True,
    )
    cache_limit: int | None = _option(
        None,
        "--cache-limit",
        "Most that the cache may hold, such as 500MB or 20GB.",
        worker=True,
        size=True,
    )
    max_cache: int | None = _option(
        None,
        "--max-cache",
        "Refuse a search space that may need more cache, such as 20GB.",
        size=True,
    )
    workers: int = _option(1, "--workers", "Processes that share the work.")
    on: str = _option("here", "--on", "Where they run: here, or on a Ray cluster (ray).")
    address: str | None = _option(
        None, "--address", "Ray's: 'auto' or host:port. Default: start one here."
    )
    worker_cpus: float = _option(1.0, "--worker-cpus", "CPUs that Ray gives a worker.")
    worker_gpus: float = _option(0.0, "--worker-gpus", "GPUs that Ray gives a worker.")
    begun: float = field(default_factory=time.monotonic)  # when the command began

    def __post_init__(self) -> None:
        for setting in reversed(parse_settings(self.all_settings)):  # the last counts
            name, kind = OWN.get(".".join(setting.place), ("", object))
            if name and getattr(self, name) is None and isinstance(setting.value, kind):
                object.__setattr__(self, name, setting.value)  # as if given by its own option
        self._check()

    def _check(self) -> None:
        for name, (least, most_of_it) in COUNTS.items():
            count = getattr(self, name)
            if count is not None and not least <= count <= most_of_it:
                allowed = f"{least} or more" if count < least else f"{most_of_it} or less"
                raise ConfigError(f"{flag_of(name)}: came {count}, allowed: {allowed}")
        for name, most in MOST.items():
            value = getattr(self, name)
            if value is not None and not 0 < value <= most:
                allowed = f"{most:.0f} or less" if value > most else "a number above 0"
                raise ConfigError(f"{flag_of(name)}: came {value:g}, allowed: {allowed}")
        if self.square not in (None, *get_args(Shape)):
            raise ConfigError(f"--square: came {self.square!r}, allowed: crop, pad, squash")
        if self.score is not None:
            try:
                known_score(self.score)
            except ValueError as error:
                raise ConfigError(f"--score: {error}") from error
        self._check_place()

    def _check_place(self) -> None:
        if self.on not in ("here", "ray"):
            raise ConfigError(f"--on: came {self.on!r}, allowed: here, ray")
        if not (0.1 <= self.worker_cpus <= 1000 and 0 <= self.worker_gpus <= 1000):
            raise ConfigError(
                "--worker-cpus must be 0.1 to 1000 and --worker-gpus 0 to 1000, "
                f"came {self.worker_cpus:g} and {self.worker_gpus:g}"
            )
        of_ray = (self.address, self.worker_cpus, self.worker_gpus)
        if self.on == "here" and of_ray != (None, 1.0, 0.0):
            raise ConfigError(
                "--address, --worker-cpus and --worker-gpus act with --on ray only; "
                "add it or leave them out"
            )

    def plan(self, sweep: str) -> Plan:
        """Load a sweep and put these options over it.

        Raises:
            ConfigError: the sweep cannot be loaded.
        """
        return self.over(load_plan(sweep, self.sweeps_dir, self.all_settings))

    @property
    def all_settings(self) -> list[str]:
        """What is set over the sweep and its space; of one key the last counts.

        An option comes before ``--set``, but for that of one of several seeds.
        """
        settings = list(self.settings or ())
        if self.seed is not None:
            settings = [f"{section}.seed={self.seed}" for section in SEEDED] + settings
        if self.score is not None:
            settings.append(f"search.score={self.score}")
        return settings

    def over(self, plan: Plan) -> Plan:
        """Put the data, how it is read, and the weights of these options over a plan's."""
        data = os.environ.get("BCSEARCH_DATA") or plan.sweep.data
        if self.data is not None and path_text(self.data):
            data = path_text(self.data)
        source = self.weights or plan.sweep.weights.source
        weights = plan.sweep.weights.model_copy(update={"source": _absolute(source)})
        reading = self.over_reading(plan.sweep.reading)
        chosen = {"data": _absolute(data), "weights": weights, "reading": reading}
        return replace(plan, sweep=plan.sweep.model_copy(update=chosen))

    def over_reading(self, reading: Reading = PLAIN) -> Reading:
        """Put what these options say of how data is read over what a sweep says."""
        given = {name: getattr(self, name) for name in Reading.model_fields}
        for name in ("groups", "exclude", "test"):
            if given[name] is not None:
                given[name] = _absolute(path_text(given[name], f"--{name}"))
        said = {name: value for name, value in given.items() if value}
        return reading.model_copy(update=said)

    def worker_args(self, study: str, plan: Plan) -> list[str]:
        """Return the arguments of ``bcsearch worker`` for one that works by these options."""
        sweep = self.over(plan).sweep
        minutes = self.minutes
        if minutes is not None:
            minutes = max(minutes - (time.monotonic() - self.begun) / 60, 0.01)
        resolved = replace(
            self,
            data=sweep.data,
            weights=sweep.weights.source,
            max_trials=sweep.limits.recycle_trials,
            minutes=minutes,
            artifacts_dir=self.artifacts_dir and self.artifacts_dir.absolute(),
            cache_dir=self.cache_dir and self.cache_dir.absolute(),
        )
        args = ["--study", study]
        for each in fields(resolved):
            value = getattr(resolved, each.name)
            if not each.metadata.get("worker") or value in (None, False):
                continue
            args.append(each.metadata["flag"])
            if value is not True:
                args.append(str(value))
        return args

    @property
    def names_starts(self) -> bool:
        """Whether a new study begins with configurations that were found earlier."""
        return self.from_study is not None or self.from_config is not None

    @property
    def supervises(self) -> bool:
        """Whether this process starts others to do the work."""
        return self.workers > 1 or self.on != "here"

    @property
    def named_storage(self) -> str | None:
        """The database that the option or the environment names, before a sweep's own."""
        return self.storage or os.environ.get("BCSEARCH_STORAGE")

    @property
    def cache(self) -> Path:
        """The folder of the prefix cache."""
        return self.cache_dir or cache_dir()


WORKER_OPTIONS = tuple(each.name for each in fields(RunOptions) if each.metadata.get("worker"))


def flag_of(name: str) -> str:
    """Return the flag of an option, given the name of its field."""
    flag: str = next(each.metadata["flag"] for each in fields(RunOptions) if each.name == name)
    return flag


def _absolute(place: str) -> str:
    """Return the absolute path of what exists, as a study may go on from another folder."""
    path = meant(place)
    return os.path.abspath(path) if os.path.exists(path) else place
