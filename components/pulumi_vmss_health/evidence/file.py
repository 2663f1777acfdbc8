"""The file of evidence: whole or not at all. Whether it can be written is known before a wait begins."""

from __future__ import annotations

import stat
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
    """Write a file at one blow; one that is replaced keeps its mode. Raises OSError; the file is then as before."""
    target = _target(file)
    beside = _beside(target)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    try:
        beside.touch(0o666 if mode is None else 0o600)
        beside.write_text(text, encoding="ascii")
        if mode is not None:
            beside.chmod(mode)
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
