"""Saying what is done and how long it took, running commands, giving up."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

SHOWN_LINES = 40
"""How much of a failed command's output is repeated: pip and go end with what matters."""


class Problem(Exception):
    """Set-up cannot go on; the text says why and what to do about it."""


def say(text: str) -> None:
    """Tell the person at the terminal, at once even when the output goes to a file."""
    print(f"setup: {text}", flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what begins, and when it went well how long it took."""
    say(f"{what} ...")
    began = time.monotonic()
    yield
    say(f"{what}: done in {time.monotonic() - began:.0f} s")


def run(
    name: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> str:
    """Run a command that asks nothing and return its output.

    Raises Problem with its name and the end of its output if it cannot be started, fails, or takes longer than `limit`
    seconds.
    """
    # A file: a pipe would keep us waiting for whoever else holds its other end.
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        try:
            code = _wait(command, log.fileno(), cwd, env, limit)
            problem = f"{name} ended with exit code {code}" if code else ""
        except OSError as error:
            problem = f"{name}: {error.strerror}"
        except subprocess.TimeoutExpired:
            problem = f"{name} did not end within {limit:.0f} s"
        log.seek(0)
        output = log.read()
    if problem:
        raise Problem(_with_output(problem, output))
    return output


def _wait(
    command: Sequence[str | Path], log: int, cwd: Path | None, env: Mapping[str, str] | None, limit: float | None
) -> int:
    """Run a command in a process group of its own: whatever it started ends with it, however that comes about."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=cwd,
        env=env,
        start_new_session=True,
        close_fds=False,  # the lock goes with it
    )
    try:
        return child.wait(limit)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise


def _with_output(headline: str, output: str) -> str:
    lines = output.rstrip().splitlines()[-SHOWN_LINES:]
    return "\n".join([headline + (":" if lines else ""), *(f"    {line}" for line in lines)])
