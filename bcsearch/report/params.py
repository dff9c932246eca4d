"""The table of parameters for reading: what each may be, its default, when it acts."""

from __future__ import annotations

from bcsearch.errors import ConfigError
from bcsearch.recipe import BY_NAME, PARTS, Part, unknown


def params_text() -> str:
    """Return every parameter in three lines: what it may be, when it acts, what it does."""
    return "\n".join(_lines(part) for part in PARTS)


def param_text(name: str) -> str:
    """Return one parameter in lines.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in BY_NAME:
        raise ConfigError(unknown("parameter", name, BY_NAME))
    return _lines(BY_NAME[name])


def params_markdown() -> str:
    """Return the table of parameters as README shows it."""
    rows = ["| parameter | what it may be | default | when it acts | what it does |"]
    rows.append("|---|---|---|---|---|")
    for part in PARTS:
        cells = [f"`{part.name}`", part.domain.allowed, part.default_text, part.when, part.doc]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _lines(part: Part) -> str:
    first = f"{part.name}: {part.domain.allowed}; default {part.default_text}"
    return f"{first}\n    acts {part.when}; {part.where}\n    {part.doc}"
