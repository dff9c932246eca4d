"""Texts for people: what a terminal shows, and commands to be typed again."""

from __future__ import annotations

import re
import shlex

# controls but tab and newline, separators of lines, what turns the direction of writing, and what
# stands for bytes that are no UTF-8
HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Return a text without what may steer a terminal: that stands as an escape.

    Names of classes, files and studies are other people's.
    """
    return HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def study_option(name: str) -> str:
    """Return the option that names a study, as it is typed in a shell."""
    if name.startswith("-"):
        return shlex.quote(f"--study={name}")
    return f"--study {shlex.quote(name)}"
