"""Bodies that Azure really sent. Developers have them beside the checkout; users have our own in tests/bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

OWN = Path(__file__).parent / "bodies"
RECORDED = Path(__file__).parents[2] / "shared" / "payloads"


def own(name: str) -> dict[str, Any]:
    """One of our own bodies."""
    body: dict[str, Any] = json.loads((OWN / f"{name}.json").read_text())
    return body


def recorded(name: str) -> dict[str, Any]:
    """A recorded body, for tests that are marked with it."""
    body: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return body
