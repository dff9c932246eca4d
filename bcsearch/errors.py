"""The one exception tree, for what a user can fix.

Bugs stay tracebacks.

* BcsearchError           one line on stderr, exit code 2
  + ConfigError           a sweep, space, option or parameter value
  + DataError             images, labels, classes, folds
  + WeightsError          pretrained weights that cannot be had or do not fit
  + StorageError          a database URL or a database
  + StudyError            a study that is unknown, was never run, or does not match
  + DiskError             no room, no permission
  + InfeasibleError       a configuration that cannot be trained here; a search goes on without it
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class BcsearchError(Exception):
    """A mistake that the user can fix, in one line: what came, what is allowed, what to do."""


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


def unknown(what: str, came: str, known: Iterable[str]) -> str:
    """Say that a name is not known, with its nearest match and all that is allowed.

    Example: ``unknown("backbone", "resnt18", names)`` gives ``unknown backbone 'resnt18'; did you
    mean 'resnet18'? allowed: resnet18, vgg19``.
    """
    names = sorted(known)
    near = get_close_matches(came, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {what} {came!r}; {hint}allowed: {', '.join(names) or 'none'}"
