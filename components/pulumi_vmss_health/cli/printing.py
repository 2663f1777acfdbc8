"""Print what a command has to say. Whoever reads it may have gone (`| head -1`): that changes no exit code."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def result(text: str) -> None:
    """Print to standard output."""
    _print(text, sys.stdout)


def progress(text: str) -> None:
    """Print to standard error."""
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        # What could not be written stays in the stream; without this Python would complain of it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise
