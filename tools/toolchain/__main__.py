"""`make setup`: a virtual environment and a Pulumi CLI, if they are not there yet."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.toolchain.cli import asked_way, get_cli, ways_to_try
from tools.toolchain.clone import Clone
from tools.toolchain.environment import ensure_environment
from tools.toolchain.steps import Problem, say

ROOT = Path(__file__).resolve().parents[2]


def set_up(clone: Clone, environ: Mapping[str, str]) -> None:
    """Do what is missing. The environment comes before the CLI: the vendor's installer is part of the SDK in it."""
    ways = ways_to_try(clone, asked_way(environ), environ.get("PATH", ""))
    ensure_environment(clone, asked_for_python=bool(environ.get("PYTHON")))
    get_cli(clone, ways)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one set-up work in a clone at a time; the next one waits, and then finds its work done.

    Commands inherit the lock: should this process be killed, it holds until the last of them has ended.
    """
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as handle:
        os.set_inheritable(handle.fileno(), True)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work in this clone; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _leave(number: int, _frame: object) -> None:
    """End as after an error, so that what was started ends as well."""
    sys.exit(128 + number)


def main() -> int:
    """Set this clone up; the exit code."""
    clone = Clone(ROOT)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _leave)
    try:
        with only_one(clone.toolchain / "lock"):
            set_up(clone, os.environ)
    except Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; `make setup` does the rest", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
