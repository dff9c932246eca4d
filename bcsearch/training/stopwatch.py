"""How long a trial has trained, and the end of those that may not train longer."""

from __future__ import annotations

import time
from math import inf
from typing import TYPE_CHECKING, Self

from bcsearch.errors import InfeasibleError

if TYPE_CHECKING:
    from types import TracebackType


class Stopwatch:
    """Runs while entered; ``most_seconds`` is all that it may come to, None any time."""

    def __init__(self, most_seconds: float | None = None) -> None:
        self._most = inf if most_seconds is None else most_seconds
        self._before = 0.0
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        """All that it has run."""
        return self._before + (
            0.0 if self._started is None else time.perf_counter() - self._started
        )

    def go_on_from(self, seconds: float) -> None:
        """Count what ran before, in another process."""
        self._before = seconds

    def check(self) -> None:
        """Raise InfeasibleError once it has run too long."""
        if self.seconds > self._most:
            raise InfeasibleError(
                f"training took {self.seconds:.1f} s, [limits] trial_seconds allows {self._most:g}"
            )

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._before, self._started = self.seconds, None
