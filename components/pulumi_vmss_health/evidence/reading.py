"""Read a file of evidence, whoever wrote it: what it holds is checked before anybody relies on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pulumi_vmss_health.evidence.recorder import FORMAT
from pulumi_vmss_health.evidence.schema import check
from vmss_instance_view.model import parse_time


def read(file: Path) -> dict[str, Any]:
    """Return the JSON of a file of evidence. Raises ValueError, naming the file and what is wrong in it."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
        _check_version(found)
        check(found)
        _check_waits(found["waits"])
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"{file} is no evidence: {why}") from None
    evidence: dict[str, Any] = found
    return evidence


def moment(wait: Mapping[str, Any], key: str) -> datetime:
    """Return a time of a wait. Raises ValueError, naming the key, for what is none."""
    found = parse_time(wait[key])
    if found is None:
        raise ValueError(f"{key} must be a time such as 2026-01-31T12:00:00Z")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _check_version(found: object) -> None:
    version = found.get("evidence") if isinstance(found, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(f"it has version {version} of the format, and this package reads {FORMAT}")


def _check_waits(waits: list[Any]) -> None:
    if not waits:
        raise ValueError("$.waits: it is empty, and one wait at least belongs there")
