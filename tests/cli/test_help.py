from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from bcsearch.cli import app
from bcsearch.cli.examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Answer

HEAVY = ["tensorflow", "keras", "optuna", "sklearn", "sqlalchemy", "numpy", "plotly", "PIL"]
README = Path(__file__).parents[2] / "README.md"
HELP = f"""
import sys
sys.argv = ["bcsearch", *sys.argv[1:], "--help"]
from bcsearch.cli import main
try:
    main()
except SystemExit as ended:
    loaded = sorted(set({HEAVY}) & set(sys.modules))
    sys.exit(f"loaded {{loaded}}" if loaded else ended.code)
"""


def commands() -> list[str]:
    """Return every command as a user types it."""
    alone = [command.name or "" for command in app.registered_commands]
    grouped = [
        f"{group.name} {command.name}"
        for group in app.registered_groups
        for command in (group.typer_instance.registered_commands if group.typer_instance else [])
    ]
    return [*alone, *grouped]


def test_commands_are_those_of_the_design() -> None:
    alone = {"run", "refit", "status", "best", "evaluate", "predict", "plan", "dashboard", "export"}
    assert {*alone, "data info", "cache list"} <= set(commands())


@pytest.mark.slow
@pytest.mark.parametrize("command", ["", "data", "cache", "storage", *commands()])
def test_help_loads_no_heavy_package(command: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", HELP, *command.split()], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(f"Usage: bcsearch {command}".rstrip())
    assert "--help" in found.stdout


@pytest.mark.parametrize("command", commands())
def test_every_command_stands_in_the_readme(command: str) -> None:
    assert f"bcsearch {command}" in README.read_text(encoding="utf-8")


GROUPS = ["", *(str(group.name) for group in app.registered_groups)]


def test_there_is_an_example_of_every_command_and_of_nothing_else() -> None:
    assert set(EXAMPLES) == {*GROUPS, *commands()}


@pytest.mark.parametrize("command", [*GROUPS, *commands()])
def test_help_ends_with_an_example_that_parses(
    command: str, bcsearch: Callable[..., Answer]
) -> None:
    shown = bcsearch(*command.split(), "--help").out.rstrip().splitlines()
    assert shown[-2].strip() == "Example:"
    example = shown[-1].strip()
    assert f"{example} ".startswith(f"bcsearch {command}".rstrip() + " ")
    parsed = parse(shlex.split(example))
    if command in commands():
        assert parsed == f"bcsearch {command}"


def parse(words: list[str]) -> str:
    """Parse a command line against its command, without running it; return which it is."""
    name, *rest = words
    command: Any = typer.main.get_command(app)
    context = command.make_context(name, rest)
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    path: str = context.command_path
    return path


@pytest.mark.parametrize(
    "line", ["bcsearch run --sutdy x", "bcsearch run", "bcsearch rnu --study x"]
)
def test_example_with_a_mistake_would_not_parse(line: str) -> None:
    with pytest.raises(typer.TyperException):
        parse(line.split())


@pytest.mark.slow
def test_export_says_which_formats_there_are() -> None:
    from bcsearch.export.writers import WRITERS

    found = subprocess.run(
        [sys.executable, "-c", HELP, "export"], capture_output=True, text=True, check=True
    )
    assert f"commas: {', '.join(WRITERS)}." in " ".join(found.stdout.split())


def test_bare_command_says_what_it_is_and_three_commands_to_try(
    bcsearch: Callable[..., Answer],
) -> None:
    answer = bcsearch()
    assert (answer.code, answer.err) == (0, "")
    tries = [line.split("  ")[1] for line in answer.out.splitlines() if line.startswith("  ")]
    assert len(tries) == 3
    assert all(line.startswith("bcsearch ") for line in tries)


def test_version_and_short_help(bcsearch: Callable[..., Answer]) -> None:
    assert bcsearch("--version").out == f"bcsearch {version('bcsearch')}\n"
    assert bcsearch("run", "-h").out == bcsearch("run", "--help").out
