"""Print what a command has to say. Whoever reads it may have gone (`| head -1`, `>&-`): that changes no exit code."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO


class Unprinted(OSError):
    """Standard output takes nothing more, as on a disk that is full."""


def open_streams() -> None:
    """Make streams take all that is printed.

    One that the shell has closed gets an end: Python has None for it, and a socket would get its number. A character
    that an encoding lacks is printed as an escape.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def result(text: str) -> bool:
    """Print to standard output; return whether somebody reads it. Raises Unprinted if it takes nothing more."""
    try:
        _print(text, sys.stdout)
    except BrokenPipeError:
        return False
    except OSError as error:
        raise Unprinted(error.errno, error.strerror) from None
    return True


def has_reader() -> bool:
    """Return whether somebody may still read standard output, as far as the system tells without a write."""
    try:
        poller = select.poll()
        poller.register(sys.stdout, 0)
    except (AttributeError, OSError, ValueError):  # Windows, and a stream that is no file
        return True
    return not poller.poll(0)


def progress(text: str) -> None:
    """Print to standard error. If that is not possible, there is nobody to tell."""
    with suppress(OSError):
        _print(text, sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError:
        # What could not be written stays in the stream; without this Python would complain of it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise
