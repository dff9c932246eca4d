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


def row_of(table: Mapping[str, Row], name: Any, *groups: str) -> Row:
    """Return the row ``name`` of a table, or what another package offers by that name.

    ``groups`` are asked in their order, and only for names that the table does not have: asking
    looks through all installed packages.

    Raises:
        ConfigError: there is none, or the package cannot be loaded.
    """
    if name in table:
        return table[name]
    points = [point for group in groups for point in entry_points(group=group, name=name)]
    if not points:
        raise ConfigError(unknown(groups[0].rpartition(".")[2], name, table))
    try:
        row: Row = points[0].load()
    except Exception as error:
        raise ConfigError(
            f"{name!r}, which a package offers for {points[0].group}, cannot be loaded "
            f"({type(error).__name__}: {error}); fix or remove the package"
        ) from error
    return row
