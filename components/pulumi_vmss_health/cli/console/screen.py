"""How much room there is for a result, and how a table takes the place of the one before it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from pulumi_vmss_health.cli.printing import result

_UNKNOWN = 10_000  # columns: whoever reads a file or a pipe cuts lines itself, or wants them whole


def is_terminal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a stream ends on a terminal that can move its cursor."""
    return stream.isatty() and environ.get("TERM", "dumb") != "dumb"


def columns() -> int:
    """Return the width of standard output: COLUMNS, else the terminal's; without a terminal no line is cut."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return _UNKNOWN


class Redrawn:
    """A text on a terminal that each new one replaces; what stood above it stays."""

    def __init__(self) -> None:
        """Nothing is shown yet."""
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
