"""Running a command to its end, and whatever it leaves behind as well.

Pulumi's plugins live in process groups of their own and outlive an engine that is killed. On Linux orphans can be made
to fall to this process instead of to init, and are ended when the command has; elsewhere only those are found that the
command's own children still hold, and the rest depends on each noticing that its parent is gone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_GRACE = 2.0


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; returns its exit code as a shell tells it: 128 + n for signal n.

    The terminal's Ctrl-C reaches the command by itself, being in the same process group, and is ignored here; SIGTERM
    and SIGHUP are handed on. A handler that the caller has set for one of them is called as well.

    Raises:
        OSError: the command cannot be started.
    """
    _adopt_orphans()
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []  # signals that came before there was a command to hear them

    def hand_on(number: int, _: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)
        if not children:
            early.append(number)

    with _handling({signal.SIGINT: _ignore, signal.SIGTERM: hand_on, signal.SIGHUP: hand_on}):
        try:
            children.append(subprocess.Popen(command, env=dict(environment)))  # noqa: S603 - running it is the purpose
            for number in early:
                children[0].send_signal(number)
            code = children[0].wait()
        finally:
            _end_descendants()
    return code if code >= 0 else 128 - code


def _ignore(number: int, frame: FrameType | None) -> None:
    """Unlike SIG_IGN a handler is not inherited: the command must hear Ctrl-C."""


@contextmanager
def _handling(handlers: Mapping[signal.Signals, Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in handlers}

    def handle(number: int, frame: FrameType | None) -> None:
        handlers[signal.Signals(number)](number, frame)
        callers = before[signal.Signals(number)]
        if callable(callers) and callers is not signal.default_int_handler:
            callers(number, frame)

    for number in handlers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_descendants() -> None:
    """Ask all to end, then make them; whoever appears meanwhile is told, too."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        asked: set[int] = set()
        deadline = time.monotonic() + _GRACE
        while (living := _descendants()) and time.monotonic() < deadline:
            for process in living - asked:
                with suppress(ProcessLookupError):
                    os.kill(process, number)
            asked |= living
            time.sleep(0.02)


def _descendants() -> set[int]:
    """Return the living processes below this one; ended ones are taken note of, as their parent must."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    parents = dict(_parents())
    found = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _parents() -> Iterator[tuple[int, int]]:
    """Return (process, parent) for each process that has not ended."""
    if not Path("/proc/self/stat").exists():
        yield from _parents_from_ps()
        return
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(stat.parent.name), int(parent)


def _parents_from_ps() -> Iterator[tuple[int, int]]:
    with subprocess.Popen(["/bin/ps", "-axo", "pid=,ppid=,state="], stdout=subprocess.PIPE, text=True) as ps:
        lines = ps.communicate()[0].splitlines()
    for line in lines:
        process, parent, state = line.split()
        if not state.startswith("Z") and int(process) != ps.pid:
            yield int(process), int(parent)
