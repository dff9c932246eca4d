"""Ctrl-C: once asks the run to end after the epoch, twice ends it at once. Imports the records floor only."""

from __future__ import annotations

import signal
from threading import Thread
from typing import TYPE_CHECKING, Self

from bcsearch.records.events import Listener, Notice

if TYPE_CHECKING:
    from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPING = Notice(text="stopping; press Ctrl-C again to stop at once")


class Interrupts:
    """While entered, listens for Ctrl-C and for the request to terminate. Use it in the main thread."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._teller: Thread | None = None
        self.asked = False

    def __call__(self) -> bool:
        """Return True once the run should end."""
        return self.asked

    def raise_if_asked(self) -> None:
        """End long work that can be begun again. Raises KeyboardInterrupt once the run should end."""
        if self.asked:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._teller is not None:
            self._teller.join()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._teller = Thread(
            target=self._listener, args=(STOPPING,)
        )  # this thread may be half-way through a line
        self._teller.start()
