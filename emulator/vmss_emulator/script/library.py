"""Timelines that are ready to be used, and the schema of the format for editors: files of this package."""

from __future__ import annotations

import re
from importlib.resources import files

_FOLDER = files("vmss_emulator").joinpath("timelines")


def names() -> list[str]:
    """Return the names of the ready timelines."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))


def text(name: str) -> str:
    """Return a ready timeline, as YAML.

    Raises:
        LookupError: naming those that there are.
    """
    if name not in names():
        raise LookupError(f"there is no ready timeline {name!r}; there are {', '.join(names())}")
    return _FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def summary(name: str) -> str:
    """Return what a ready timeline is about: its first line."""
    return re.sub("^# *", "", text(name).partition("\n")[0])


def schema() -> str:
    """Return the JSON Schema of timelines."""
    return files("vmss_emulator").joinpath("timeline.schema.json").read_text(encoding="utf-8")
