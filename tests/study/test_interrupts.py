from __future__ import annotations

import os
import signal
import time
from typing import NoReturn

import pytest

from bcsearch.records.events import Notice
from bcsearch.study.interrupts import SIGNALS, Interrupts
from tests.fakes import Recorder


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # the handler runs before this returns


@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_asks_and_tells_what_a_second_would_do(
    number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    recorder = Recorder()
    before = signal.signal(number, signal.SIG_DFL)  # nohup, which is respected, ignores SIGHUP
    request.addfinalizer(lambda: signal.signal(number, before))
    with Interrupts(recorder) as interrupts:
        assert not interrupts()
        interrupts.raise_if_asked()
        send(number)
        assert interrupts()
        with pytest.raises(KeyboardInterrupt):
            interrupts.raise_if_asked()
    (notice,) = recorder.of(Notice)
    assert "again to stop at once" in notice.text
    assert "again" in notice.text


def test_second_signal_ends_the_run_at_once() -> None:
    with Interrupts(Recorder()) as interrupts:
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        assert interrupts.asked


def test_handlers_from_before_come_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(RuntimeError), Interrupts(Recorder()):
        raise RuntimeError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts(Recorder()) as interrupts:
            send(signal.SIGHUP)
            assert not interrupts()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    "loss", [BrokenPipeError(32, "Broken pipe"), OSError(5, "EIO"), SystemExit(1)]
)
def test_run_should_end_once_nobody_reads_it(loss: BaseException) -> None:
    told: list[object] = []

    def lost(event: object) -> NoReturn:
        told.append(event)
        raise loss

    interrupts = Interrupts(lost)
    for _ in range(2):
        interrupts.tell(Notice(text="hello"))
    assert interrupts()
    assert len(told) == 1
