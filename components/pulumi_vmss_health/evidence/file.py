"""The file of evidence: whole or not at all. Whether it can be written is known before a wait begins."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4


def refuse_unwritable(file: Path) -> None:
    """Raise ValueError, which says why, if a file cannot be written."""
    if file.exists() and not file.is_file():  # a folder, or a device that must not be replaced
        raise ValueError(f"{file} is no file")
    beside = _beside(file)
    try:
        beside.touch(exist_ok=False)
        beside.unlink()
    except OSError as error:
        raise ValueError(f"{file} cannot be written: {error.strerror}") from None


def write(file: Path, text: str) -> None:
    """Write a file at one blow. Raises OSError; the file is then as before."""
    beside = _beside(file)
    try:
        beside.write_text(text, encoding="ascii")
        beside.replace(file.resolve())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _beside(file: Path) -> Path:
    """Return a name for another file in the same folder; where the file is a link, in that of what it leads to."""
    return file.resolve().with_name(f".evidence-{uuid4().hex}")
