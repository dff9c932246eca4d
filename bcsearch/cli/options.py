"""Options that several commands share, and what they mean. Imports typer."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bcsearch.paths import RESULTS_DIR

Study = Annotated[
    str, typer.Option("--study", help="Sweep: its newest study is meant; or the name of a study.")
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="An .npz, a folder of class folders, or 'demo'. Default: BCSEARCH_DATA, else the sweep's.",
    ),
]
Sweep = Annotated[
    str, typer.Option("--study", help="Sweep to run: a name from sweeps/, or a .toml path.")
]
Trials = Annotated[
    int | None, typer.Option("--trials", help="The study's total, over all workers and restarts.")
]
Weights = Annotated[
    str | None, typer.Option("--weights", help="auto, imagenet, random, or a weights file.")
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        help="Database URL or .db file. Default: BCSEARCH_STORAGE, or results/bcsearch.db.",
    ),
]
Results = Annotated[Path, typer.Option("--results", help="Folder of outputs.")]
Artifacts = Annotated[
    Path | None,
    typer.Option(
        "--artifacts",
        help="Folder of checkpoints and other files of trials, best one that all machines see.",
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        help="Folder of the prefix cache. Default: BCSEARCH_CACHE, or ~/.cache/bcsearch.",
    ),
]
CacheLimit = Annotated[
    str | None,
    typer.Option("--cache-limit", help="Most that the cache may hold, such as 500MB or 20GB."),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes", help="Leave out of a new study what does not fit, the dearest first."
    ),
]
MaxCache = Annotated[
    str | None,
    typer.Option(
        "--max-cache", help="Leave out of a new study what needs more cache, such as 20GB."
    ),
]
Model = Annotated[
    Path, typer.Option("--model", help="Folder of a finished model, such as results/STUDY/model.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SweepsDir = Annotated[
    Path | None, typer.Option("--sweeps-dir", help="Folder of your own sweep files.")
]


ALLOWED = {  # what is allowed where pydantic, which typer reads options with, gives one of these reasons
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}


def usage_text(error: typer.TyperException) -> str:
    """Say what is wrong with a command as it was typed: of a value which option, what came, what is allowed."""
    from pydantic import ValidationError

    said = error.format_message().rstrip(".")
    if not (
        isinstance(error, typer.BadParameter)
        and error.param
        and isinstance(error.__cause__, ValidationError)
    ):
        return said
    (reason, *_) = error.__cause__.errors()
    choices = reason["msg"].rpartition("is not one of ")[2].rstrip(".")
    allowed = ALLOWED.get(reason["type"], choices).format(**reason.get("ctx", {}))
    return f"{'/'.join(error.param.opts)}: came {reason['input']!r}, allowed: {allowed}"


def help_command(error: typer.TyperException) -> str:
    """Return the command that shows the options of what was typed."""
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'bcsearch'} --help"


def as_json(facts: Any) -> str:
    """Return a frozen record, or a list of them, as JSON text."""
    return json.dumps(
        [asdict(each) for each in facts] if isinstance(facts, list) else asdict(facts), indent=2
    )


def typed_again(*, fresh: bool = False) -> str:
    """Return the command that goes on with what was typed: the same, without passwords.

    ``--fresh`` is left out, unless the new study was not made yet.
    """
    from bcsearch.storage import masked

    return shlex.join(
        ["bcsearch", *(masked(word) for word in sys.argv[1:] if fresh or word != "--fresh")]
    )


def pasteable(line: str) -> str:
    """Say of a line with a command what must be put in before it is typed again."""
    return (
        f"{line}  (put your password in place of ***, or set BCSEARCH_STORAGE)"
        if "***" in line
        else line
    )


def places(storage: str | None, results: Path) -> str:
    """Return ``--storage``, without its password, and ``--results`` where they were given, for a command to type."""
    from bcsearch.storage import masked

    shown = "" if storage is None else f" --storage {shlex.quote(masked(storage))}"
    return shown + ("" if results == RESULTS_DIR else f" --results {shlex.quote(str(results))}")
