"""Turns declared options into options of commands, and explains mistakes in what was typed."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from bcsearch.config.options import RunOptions
from bcsearch.paths import RESULTS_DIR
from bcsearch.records.sizes import size_in_bytes

Command = Callable[..., int]
Study = Annotated[
    str, typer.Option("--study", help="Name of a study, or of a sweep, for its newest study.")
]
Sweep = Annotated[
    str, typer.Option("--study", help="Sweep to run: a name from sweeps/, or a .toml path.")
]
Model = Annotated[
    Path, typer.Option("--model", help="Folder of a finished model, such as results/STUDY/model.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ALLOWED = {  # what is allowed, by pydantic's reasons, which typer reads options with
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}


def takes(*names: str) -> Callable[[Command], Command]:
    """Give a command some fields of ``RunOptions`` as options.

    It receives all of them as ``chosen``.
    """
    declared = [each for each in fields(RunOptions) if each.name in names]
    hints = get_type_hints(RunOptions)

    def decorate(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True).parameters.values()
        parameters = [parameter for parameter in own if parameter.name != "chosen"]
        for each in declared:
            kind = str | None if each.metadata["size"] else hints[each.name]
            option = typer.Option(each.metadata["flag"], help=each.metadata["help"])
            parameters.append(
                inspect.Parameter(
                    each.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=each.default,
                    annotation=Annotated[kind, option],
                )
            )

        def called(**given: Any) -> int:
            begun = time.monotonic()
            values = {each.name: given.pop(each.name) for each in declared}
            for each in declared:
                if each.metadata["size"]:
                    values[each.name] = size_in_bytes(values[each.name], each.metadata["flag"])
            return command(**given, chosen=RunOptions(begun=begun, **values))

        called.__doc__ = command.__doc__
        called.__name__ = command.__name__
        signature = inspect.Signature(parameters)
        called.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
        return called

    return decorate


def usage_text(error: typer.TyperException) -> str:
    """Explain a mistake in a command: which option, what came, what is allowed."""
    from pydantic import ValidationError

    message = error.format_message().rstrip(".")
    cause = error.__cause__
    if not (isinstance(error, typer.BadParameter) and error.param):
        return message
    if not isinstance(cause, ValidationError):
        return message
    (reason, *_) = cause.errors()
    choices = reason["msg"].rpartition("is not one of ")[2].rstrip(".")
    allowed = ALLOWED.get(reason["type"], choices).format(**reason.get("ctx", {}))
    return f"{'/'.join(error.param.opts)}: came {reason['input']!r}, allowed: {allowed}"


def help_command(error: typer.TyperException) -> str:
    """Return the command that shows the options of what was typed."""
    context = getattr(error, "ctx", None)
    if context is None:
        return "bcsearch --help"
    return f"{context.command_path} --help"


def show(facts: Any, text: Callable[[Any], str], *, as_json: bool) -> None:
    """Print a frozen record, or a list of them, as ``text`` makes it or as JSON."""
    line = text(facts)
    if as_json and isinstance(facts, list):
        line = json.dumps([asdict(each) for each in facts], indent=2)
    elif as_json:
        line = json.dumps(asdict(facts), indent=2)
    say(line)


def say(text: str, *, error: bool = False) -> None:
    """Print a text, to stderr for an ``error``: every plain line of a command goes through here."""
    from bcsearch.records.texts import printable

    stream = sys.stderr if error else sys.stdout
    encoding = stream.encoding or "utf-8"  # of a terminal or a file that may not know all letters
    known = printable(text).encode(encoding, "backslashreplace").decode(encoding)
    typer.echo(known, file=stream)


def typed_again(*, fresh: bool = False) -> str:
    """Return the command that goes on with what was typed: the same, without passwords.

    ``--fresh`` is left out, unless the new study was not made yet.
    """
    from bcsearch.storage import masked

    arguments = [arg for arg in sys.argv[1:] if fresh or arg != "--fresh"]
    return shlex.join(["bcsearch", *map(masked, arguments)])


def pasteable(line: str) -> str:
    """Say of a line with a command what must be put in before it is typed again."""
    if "***" not in line:
        return line
    return f"{line}  (put your password in place of ***, or set BCSEARCH_STORAGE)"


def places(storage: str | None, results: Path) -> str:
    """Return ``--storage``, without its password, and ``--results`` where they were given."""
    from bcsearch.storage import masked

    shown = ""
    if storage is not None:
        shown += f" --storage {shlex.quote(masked(storage))}"
    if results != RESULTS_DIR:
        shown += f" --results {shlex.quote(str(results))}"
    return shown
