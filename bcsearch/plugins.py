"""Rows that other packages add to a table, by entry points."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar

from bcsearch.errors import ConfigError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = TypeVar("Row")


def offered(group: str) -> set[str]:
    """Return the names of the rows that other packages add to the table of a group."""
    return set(entry_points(group=group).names)


def row_of(table: Mapping[str, Row], name: Any, *groups: str, what: str = "name") -> Row:
    """Return the row ``name`` of a table, or what other packages offer by that name.

    ``groups`` are asked only for names that the table does not have: asking looks through all
    installed packages. ``what`` is what a row is called in an error.

    Raises:
        ConfigError: there is none, or several, or the package cannot be loaded, or what it offers
            is no row.
    """
    if name in table:
        return table[name]
    points = [point for group in groups for point in entry_points(group=group, name=name)]
    if not points:
        raise ConfigError(unknown(what, name, table))
    if len(points) > 1:
        offers = ", ".join(sorted(f"{point.group} of {point.value}" for point in points))
        raise ConfigError(f"{name!r} is offered several times: {offers}; remove all but one")
    where = f"{name!r}, which a package offers for {points[0].group},"
    try:
        row: Row = points[0].load()
    except Exception as error:
        raise ConfigError(
            f"{where} cannot be loaded ({type(error).__name__}: {error}); fix or remove the package"
        ) from error
    of_table = next(iter(table.values()))
    if not (isinstance(row, type(of_table)) or (callable(of_table) and callable(row))):
        raise ConfigError(
            f"{where} is of type {type(row).__name__}, needed: {type(of_table).__name__}; "
            "fix or remove the package"
        )
    return row
