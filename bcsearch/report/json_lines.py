"""A run as lines of JSON for programs: one an event, and one of how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from re import sub
from typing import TYPE_CHECKING, Any, TextIO

from bcsearch.records.events import BudgetKnown

if TYPE_CHECKING:
    from bcsearch.records.events import Event


class JsonLines:
    """Listens to a run and writes each event to a stream: its name in snake case and its fields.

    A number that is not finite becomes null.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._known = BudgetKnown(trials=0, filled=0, best=None)

    def __call__(self, event: Event) -> None:
        """Write an event, and how far the study is only where that has changed."""
        if event == self._known:
            return
        if isinstance(event, BudgetKnown):
            self._known = event
        name = sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        self._write(name, {each.name: getattr(event, each.name) for each in fields(event)})

    def end(self, how: str, **facts: Any) -> None:
        """Write the last line: finished, stopped or failed, some facts, and the best score."""
        known = self._known
        best = {"best": known.best, "best_number": known.best_number}
        self._write("ended", {"how": how, **facts, **best, "score_name": known.score_name})

    def _write(self, name: str, facts: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps({"event": name, **_plain(facts)}, allow_nan=False) + "\n")
        self._stream.flush()


def _plain(value: Any) -> Any:
    """Return what JSON can hold in place of a value."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, str | int | None):
        return value
    return str(value)
