"""Runs the command line on one input in this process, and says which rule it broke."""

from __future__ import annotations

import fnmatch
import io
import os
import random
import shutil
import signal
import sys
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.fuzz.doors import cached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fuzz.doors import Door, Input

LONGEST = 500  # characters of a line that tells an error
SECONDS = 20  # after which an input hangs; none takes a tenth of that
CODES = (0, 2, 130)
SQLITE_FILES = ("-wal", "-shm", "-journal")  # of its own, beside a database


def broken_rule(door: Door, seed: int, number: int) -> str:
    """Run one input of a door; return what is wrong, with the command, or nothing."""
    chance = random.Random(f"{seed} {door.name} {number}")
    root = Path(mkdtemp(prefix="fuzz-"))
    folder = root / "deep" / "work"  # so that ../.. leads nowhere else
    try:
        folder.mkdir(parents=True)
        given = door.make(chance, folder)
        before = listed(folder)
        wrong = _judge(given, _run(given, folder), folder)
        written = [
            name
            for name in sorted(listed(folder) - before)
            if not any(fnmatch.fnmatch(name, pattern) for pattern in given.writes)
        ]
        if written and not wrong:
            wrong = f"wrote {written}"
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if not wrong:
        return ""
    command = [text[:200] for text in given.arguments]
    return f"{door.name} {number}, seed {seed}: {command} {given.environment}: {wrong}"


def listed(folder: Path) -> set[str]:
    """Return what lies in a folder, without the files that SQLite keeps beside a database."""
    found = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return {name for name in found if not name.endswith(SQLITE_FILES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command left: its exit code, lines on stderr, and the traceback of what it raised."""

    code: Any
    lines: list[str]
    trace: str

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


def _judge(given: Input, answer: Answer, folder: Path) -> str:
    lines = answer.lines
    finds_faults = answer.code == 1 and given.arguments[0] == "doctor"
    files = 1 + (given.arguments[:2] == ["run", "--study"])  # a sweep and its space
    rules = (
        (not answer.trace, answer.trace),
        (not (folder / "pickled").exists(), "a pickle was run"),
        (answer.code in CODES or finds_faults, f"exit code {answer.code}: {answer.said}"),
        ("Traceback" not in answer.said, answer.said),
        (all(len(line) < LONGEST for line in lines), f"a long line: {answer.said}"),
        (all(line.isprintable() for line in lines), f"control characters: {answer.said!r}"),
        (answer.code != 2 or 1 <= len(lines) <= files, f"{len(lines)} lines: {answer.said}"),
    )
    return next((wrong for holds, wrong in rules if not holds), "")


def _run(given: Input, folder: Path) -> Answer:
    from bcsearch.cli import main

    code: Any = None
    trace = ""
    said = io.BytesIO()
    out, err = (io.TextIOWrapper(raw, "utf-8", newline="\n") for raw in (io.BytesIO(), said))
    with _at(folder, given), redirect_stdout(out), redirect_stderr(err), _alarm():
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        except BaseException:  # noqa: BLE001 - whatever escapes is what is looked for
            trace = traceback.format_exc()
    err.flush()
    content = said.getvalue().decode("utf-8", "replace")
    return Answer(code=code, lines=content.split("\n")[:-1], trace=trace)


@contextmanager
def _at(folder: Path, given: Input) -> Iterator[None]:
    """Work in a folder, with arguments and environment, and let nothing be trained."""
    kept, argv, here = dict(os.environ), sys.argv, Path.cwd()
    for name in [name for name in os.environ if name.startswith("BCSEARCH_")]:
        del os.environ[name]
    os.environ |= {"BCSEARCH_CACHE": str(folder / "cache"), "HOME": str(folder.parent)}
    os.environ.update(given.environment)
    sys.argv = ["bcsearch", *given.arguments]
    os.chdir(folder)
    modules = {name: sys.modules.get(name) for name in FAKES}
    sys.modules.update(FAKES)
    try:
        yield
    finally:
        for name, module in modules.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
        os.chdir(here)
        sys.argv = argv
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TimeoutError(f"no end after {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _fakes() -> dict[str, ModuleType]:
    """Return modules in place of those that train: they read all that comes before."""

    def look(study: str, chosen: Any, *_: object) -> Any:
        from bcsearch.config import fingerprint
        from bcsearch.objective.suggest import suggest_values
        from bcsearch.recipe import Params
        from bcsearch.storage import database_of
        from bcsearch.study.create import settings_text, stored_plan
        from bcsearch.study.samplers import build_pruner, build_sampler
        from bcsearch.study.starts import with_starts

        plan = chosen.plan(study)
        url = database_of(chosen, of_sweep=plan.sweep.storage)
        with_starts(plan, chosen, url, lambda _: None)
        assert stored_plan(plan.name, settings_text(plan)).space == plan.space
        fingerprint(plan, dataset="d", folds="f", weights={})
        made = _optuna_study(build_sampler(plan), build_pruner(plan))
        for start in plan.sweep.start:
            made.enqueue_trial(dict(start))
        for _draw in range(3):
            Params(**suggest_values(made.ask(), plan.space))
        return SimpleNamespace(bundle=None, study=None)

    def read(study: str, *rest: Any) -> Any:
        from bcsearch.storage import database_of, find_study

        chosen = rest[-2]
        if study == "cache":
            _read_cache(chosen.cache)
            return True
        find_study(database_of(chosen, study), study)
        return False

    def read_one(config: Path, study: str | None, *rest: Any) -> Any:
        from bcsearch.study.starts import read_config

        read_config(config)
        return look(study or "mine", *rest)

    runs: Any = ModuleType("bcsearch.study.run")
    runs.run, runs.work, runs.refit = look, read, read
    runs.plan = lambda *given: sys.exit(0 if look(*given) else 1)
    single: Any = ModuleType("bcsearch.study.single")
    single.train_config = read_one
    return {module.__name__: module for module in (runs, single)}


def _optuna_study(sampler: Any, pruner: Any) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(sampler=sampler, pruner=pruner)


def _read_cache(place: Path) -> None:
    """Ask a cache for what was put into it; whatever became of it, the values are the same."""
    for number in range(2):
        assert (cached(place, number) == 1).all()


FAKES = _fakes()
