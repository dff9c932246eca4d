"""Ctrl-C: once asks the run to end after the epoch, twice ends it at once.

The end of the time given does as once, and so do the request to terminate, a closed terminal, and
the loss of whoever read what is printed.
"""

from __future__ import annotations

import signal
from threading import RLock, Thread
from typing import TYPE_CHECKING, Self

from bcsearch.records.events import Event, Listener, Notice

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from bcsearch.study.clock import Clock

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPING = Notice(text="stopping; press Ctrl-C again to stop at once")


class Interrupts:
    """While entered, listens for Ctrl-C, the request to terminate and the end of the terminal.

    Use it in the main thread. The ``listener`` is told so, where it ``announces`` that.
    """

    def __init__(self, listener: Listener, *, announces: bool = True) -> None:
        self._listener, self._announces = listener, announces
        self._notifier: Thread | None = None
        self._is_mute = False
        self._telling = RLock()  # events come from several threads
        self.asked = False  # by the user
        self.clock: Clock | None = None  # of the search that runs

    def __call__(self) -> bool:
        """Return True once the search should end: the user asked for it, or its time is up."""
        return self.asked or (self.clock is not None and self.clock.is_up())

    def tell(self, event: Event) -> None:
        """Pass an event on; the run should end once nobody can read what is printed."""
        if self._is_mute:
            return
        try:
            with self._telling:
                self._listener(event)
        except (OSError, SystemExit):  # rich leaves by SystemExit where a pipe is broken
            self.asked = self._is_mute = True

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
        self._before = {
            number: signal.signal(number, self._hear)
            for number in SIGNALS
            # a user who runs with nohup wants it to outlive the terminal
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
        }
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
        if not self._announces:
            return
        # in another thread, as this one may be half-way through a line
        self._notifier = Thread(target=self.tell, args=(STOPPING,))
        self._notifier.start()
