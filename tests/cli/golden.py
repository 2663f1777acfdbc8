"""Output that was read by a person once and must stay so: `UPDATE_GOLDEN=1` writes it anew, to be read again."""

from __future__ import annotations

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
_SECONDS = re.compile(r"\b\ds\b")


def check(name: str, text: str) -> None:
    """Compare with what the file of this name holds; seconds aside."""
    text = _SECONDS.sub("Ns", text).rstrip() + "\n"
    file = FOLDER / f"{name}.txt"
    if UPDATE:
        file.write_text(text)
    assert text == file.read_text(), f"{file.name}: UPDATE_GOLDEN=1 writes it anew: read what changes"
