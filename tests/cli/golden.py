"""Output that was read by a person once and must stay so: `UPDATE_GOLDEN=1` writes it anew, to be read again."""

from __future__ import annotations

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
_SECONDS = re.compile(r"^ +\d+s\b|\b\d+s\b", re.MULTILINE)


def timeless(text: str) -> str:
    """A text without the seconds that differ from run to run."""
    return _SECONDS.sub(lambda seconds: "    Ns" if seconds.group()[0] == " " else "Ns", text)


def check(name: str, text: str) -> None:
    """Compare with what the file of this name holds."""
    file = FOLDER / f"{name}.txt"
    if UPDATE:
        file.write_text(text.rstrip() + "\n")
    assert text.rstrip() + "\n" == file.read_text(), f"{file.name}: UPDATE_GOLDEN=1 writes it anew: read what changes"
