"""Where set-up keeps things in a checkout, and how they are put in place and removed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clone:
    """A checkout of this repository."""

    root: Path

    @property
    def venv(self) -> Path:
        """The project's virtual environment."""
        return self.root / ".venv"

    @property
    def venv_python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.venv / "bin" / "python"

    @property
    def toolchain(self) -> Path:
        """Everything that set-up makes and git ignores, except the virtual environment."""
        return self.root / ".toolchain"

    @property
    def bin(self) -> Path:
        """The clone's own Pulumi CLI; where there is none, the one on PATH is used."""
        return self.toolchain / "bin"

    @property
    def work(self) -> Path:
        """Where a CLI comes into being; removed once there is one."""
        return self.toolchain / "work"

    @property
    def modules(self) -> Path:
        """The Go modules that lock what is built."""
        return self.root / "tools" / "go"

    @property
    def launchers(self) -> Path:
        """The scripts that start what was built."""
        return self.root / "tools" / "launchers"


def digest(files: Iterable[Path]) -> str:
    """One hash over the names and contents of files."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def read_record(file: Path) -> dict[str, str]:
    """What a finished step noted about itself; empty if it did not finish, or not legibly."""
    try:
        record = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(file: Path, record: Mapping[str, str]) -> None:
    """Note that a step has finished: the last thing it does, so that one cut short is done again."""
    file.write_text(json.dumps(record, indent=2) + "\n")


def remove_tree(folder: Path) -> None:
    """Remove a folder, if it is there, even with read-only folders inside: Go makes its downloaded toolchains so."""
    if not folder.exists():
        return
    for inner, _, _ in os.walk(folder):
        Path(inner).chmod(0o700)
    shutil.rmtree(folder)
