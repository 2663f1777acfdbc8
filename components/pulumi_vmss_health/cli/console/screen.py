"""How much room there is for a result, and how a table takes the place of the one before it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from pulumi_vmss_health.cli.printing import result
from pulumi_vmss_health.telling.folding import folded

_UNKNOWN = 10_000  # columns: who reads a file or a pipe wants lines whole, whatever COLUMNS says

_INDENT = "  "  # of what is said below a headline
_BELOW = "    "  # of its further lines on a terminal
_NARROWEST = 30  # columns


def is_terminal(stream: TextIO) -> bool:
    """Return whether a stream ends on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def columns() -> int:
    """Return the width of the terminal that standard output ends on; anywhere else no line is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNKNOWN


def print_told(lines: Sequence[str]) -> None:
    """Print a headline and what is below it: whole, but on a terminal broken between words, commands on their own."""
    if sys.stdout.isatty():
        room = max(columns() - len(_BELOW), _NARROWEST)
        lines = [folded(line, room, _BELOW) for line in lines]
    result(f"\n{_INDENT}".join(lines))


class Redrawn:
    """A text on a terminal that each new one replaces; what stood above it stays."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._lines = 0

    @property
    def height(self) -> int:
        """The lines that fit; the cursor needs one more."""
        return shutil.get_terminal_size().lines - 1

    def show(self, lines: Sequence[str]) -> None:
        """Replace the lines that were shown last."""
        up = f"\x1b[{self._lines}F" if self._lines else ""
        self._lines = len(lines)
        result("\n".join([f"{up}\x1b[J{lines[0]}", *lines[1:]]))
