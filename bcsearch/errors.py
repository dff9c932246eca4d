"""The one exception tree, for what a user can fix.

Bugs stay tracebacks.

* BcsearchError           one line on stderr (for a plan one a file), exit code 2
  + ConfigError           a sweep, space, option or parameter value
  + DataError             images, labels, classes, folds
  + WeightsError          pretrained weights that cannot be had or do not fit
  + StorageError          a database URL or a database
  + StudyError            a study that is unknown, was never run, or does not match
  + DiskError             no room, no permission
  + InfeasibleError       a configuration that cannot be trained here; a search goes on without it
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST = 480  # characters of a line that tells an error
LONG_WORD = 120  # characters of a word in a line that is too long, a path or what a user typed
LISTED = 250  # characters of the names that are allowed


class BcsearchError(Exception):
    """A mistake that the user can fix, in one line: what came, what is allowed, what to do.

    As text, each argument is such a line, whatever it quotes.
    """

    def __str__(self) -> str:
        return "\n".join(one_line(str(line)) for line in self.args)


class ConfigError(BcsearchError):
    """A sweep, a space, an option or a parameter value that cannot be used."""


class DataError(BcsearchError):
    """Images, labels, classes or folds that cannot be used."""


class WeightsError(BcsearchError):
    """Pretrained weights that cannot be had or do not fit."""


class StorageError(BcsearchError):
    """A database URL or a database that cannot be used."""


class StudyError(BcsearchError):
    """A study that is unknown, was never run, or does not match what was asked."""


class DiskError(BcsearchError):
    """A place on disk without room or permission."""


class InfeasibleError(BcsearchError):
    """A configuration that ran out of memory, time or numbers.

    A search goes on and avoids its like.
    """


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return a text for a terminal: without control characters, long words and middles cut."""
    text = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    if len(text) > longest:
        text = re.sub(rf"\S{{{LONG_WORD},}}", lambda word: _cut(word[0], LONG_WORD), text)
    return _cut(text, longest)


def _cut(text: str, longest: int) -> str:
    """Cut the middle out of a text that is too long; of what is kept two thirds are its start."""
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - 3]}...{text[-end:]}"


def unknown(what: str, came: str, known: Iterable[str], near: str | None = None) -> str:
    """Say that a name is not known, with its nearest match and what is allowed.

    ``near`` is what it means, where that is known, empty where it is like nothing; of many names
    the first are listed.

    Example: ``unknown("backbone", "resnt18", names)`` gives ``unknown backbone 'resnt18'; did you
    mean 'resnet18'? allowed: resnet18, vgg19``.
    """
    names = sorted(known)
    if near is None:
        near = nearest(came, names)
    hint = f"did you mean {near!r}? " if near else ""
    return f"unknown {what} {came!r}; {hint}allowed: {listed(names) or 'none'}"


def listed(names: Sequence[str]) -> str:
    """Return some names, by commas; of many the first, and how many more there are."""
    shown = list(names)
    while len(shown) > 1 and len(", ".join(shown)) > LISTED:
        del shown[len(shown) * 3 // 4 :]
    text = ", ".join(shown)
    if len(shown) < len(names):
        text += f" and {len(names) - len(shown)} more"
    return text


def nearest(came: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like what came; None where none is like it."""
    by_letters = {name.lower(): name for name in names}
    near = get_close_matches(came[:LONG_WORD].lower(), by_letters, n=1, cutoff=0.5)
    return by_letters[near[0]] if near else None
