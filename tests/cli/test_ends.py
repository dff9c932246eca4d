"""How commands end: by signals before anything has begun, and what they print of other people's."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from bcsearch.cli import main, options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

HOSTILE = "\x1b]0;mine\x07\x1b[2J\nsecond"


@pytest.fixture
def handlers() -> Iterator[None]:
    """Begin with the handlers of a new process, and put those from before back."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_command_that_should_end_before_it_has_begun_ends_as_interrupted(
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def begin(**_: Any) -> NoReturn:
        os.kill(os.getpid(), number)
        raise AssertionError("it goes on")

    monkeypatch.setattr("bcsearch.cli.app", begin)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "stopped\n")


@pytest.mark.usefixtures("handlers")
def test_terminal_that_is_gone_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(**_: Any) -> NoReturn:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("bcsearch.cli.app", begin)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "info", HOSTILE),
        ("status", "--study", HOSTILE),
        ("status", "--study", "x", "--storage", f"sqlite:///{HOSTILE}"),
        ("run", "--study", f"{HOSTILE}.toml"),
        ("params", HOSTILE),
        (HOSTILE,),
    ],
    ids=" ".join,
)
def test_error_of_hostile_names_is_one_line_that_steers_no_terminal(
    arguments: tuple[str, ...], bcsearch: Run
) -> None:
    answer = bcsearch(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith("\n")
    assert answer.err[:-1].isprintable()


def test_output_goes_to_a_terminal_that_does_not_know_its_letters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as narrow:
        monkeypatch.setattr(sys, "stdout", narrow)
        options.say("Müll \x1b[2J")
    assert (tmp_path / "out").read_text() == "M\\xfcll \\x1b[2J\n"


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("name", ["...toml", "..toml", ".toml", ".hidden.toml"])
def test_sweep_file_whose_name_leads_elsewhere_is_refused(
    name: str, workdir: Path, bcsearch: Run
) -> None:
    for path, text in {
        f"sweeps/{name}": 'space = "toy"\n',
        "search_spaces/toy.toml": "[params]\ndropout = { float = [0.0, 0.5] }\n",
        "model/mine.txt": "mine",
    }.items():
        (workdir / path).parent.mkdir(exist_ok=True)
        (workdir / path).write_text(text)
    answer = bcsearch("run", "--study", f"sweeps/{name}")
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert (workdir / "model" / "mine.txt").read_text() == "mine"
    assert not (workdir / "results").exists()
