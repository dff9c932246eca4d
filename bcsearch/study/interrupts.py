"""Ctrl-C: once asks the run to end after the epoch, twice ends it at once.

The end of the time given does as once.
"""

from __future__ import annotations

import signal
from threading import Thread
from typing import TYPE_CHECKING, Self

from bcsearch.records.events import Listener, Notice

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from bcsearch.study.clock import Clock

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPING = Notice(text="stopping; press Ctrl-C again to stop at once")


class Interrupts:
    """While entered, listens for Ctrl-C and for the request to terminate.

    Use it in the main thread.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._notifier: Thread | None = None
        self.asked = False  # by the user
        self.clock: Clock | None = None  # of the search that runs

    def __call__(self) -> bool:
        """Return True once the search should end: the user asked for it, or its time is up."""
        return self.asked or (self.clock is not None and self.clock.is_up())

    def raise_if_asked(self) -> None:
        """End long work that can be begun again.

        Raises KeyboardInterrupt once the search should end.
        """
        if self():
            raise KeyboardInterrupt

    def raise_if_late(self) -> None:
        """End a running epoch too, once the time is up; Ctrl-C waits for its end.

        Raises KeyboardInterrupt.
        """
        if self.clock is not None and self.clock.is_up():
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
        if self._notifier is not None:
            self._notifier.join()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        # in another thread, as this one may be half-way through a line
        self._notifier = Thread(target=self._listener, args=(STOPPING,))
        self._notifier.start()
