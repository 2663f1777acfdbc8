"""The file of evidence: whole or not at all. Whether it can be written is known before a wait begins."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def refuse_unwritable(file: Path) -> None:
    """Raise ValueError, which says why, if a file cannot be written."""
    try:
        target = _target(file)
        is_other = target.exists() and not target.is_file()  # a folder, or a device that must not be replaced
        if not is_other:
            _try(target)
    except OSError as error:
        raise ValueError(f"{file} cannot be written: {error.strerror}") from None
    if is_other:
        raise ValueError(f"{file} is no file")


def _try(target: Path) -> None:
    beside = _beside(target)
    beside.touch(exist_ok=False)
    beside.unlink()


def write(file: Path, text: str) -> None:
    """Write a file at one blow. Raises OSError; the file is then as before."""
    target = _target(file)
    beside = _beside(target)
    try:
        beside.write_text(text, encoding="ascii")
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _target(file: Path) -> Path:
    """Return the file that a link leads to, or the file itself. Raises OSError for a name that cannot be one."""
    with suppress(FileNotFoundError):
        file.stat()  # refuses a loop of links, of which `resolve` makes something else in each version of Python
    return file.resolve()


def _beside(target: Path) -> Path:
    """Return a name for another file in the same folder."""
    return target.with_name(f".evidence-{uuid4().hex}")
