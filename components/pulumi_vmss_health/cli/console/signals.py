"""The signals that end a command: as soon as its waits have ended, or at once while it only reads and computes."""

from __future__ import annotations

import _thread
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from vmss_instance_view.clock import Stop


def end_by(stop: Stop) -> None:
    """Let each signal ask for the stop."""
    for number in _endings():
        # On a thread of its own: the signal may have interrupted whoever holds the lock that `set` needs.
        signal.signal(number, lambda *_: _thread.start_new_thread(stop.set, ()))


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let the first signal inside raise KeyboardInterrupt; from then on to the end, further ones are ignored."""
    before = {number: signal.signal(number, _end) for number in _endings()}
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _end:
            for number, handler in before.items():
                signal.signal(number, handler)


def _end(*_: object) -> NoReturn:
    for number in _endings():
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _endings() -> Iterator[int]:
    """Return the signals that end a command; among them a terminal that closes, unless nohup has it ignored."""
    yield from (signal.SIGINT, signal.SIGTERM)
    hangup = getattr(signal, "SIGHUP", None)  # which Windows has not
    if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:
        yield hangup
