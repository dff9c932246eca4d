"""Lets Ctrl-C reach the processes that tests start, even where the tests run in the background."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    # A shell has its background jobs ignore SIGINT, and so would all that they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
