"""Bodies that Azure really sent. Developers have them beside the checkout; users have our own in tests/bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

OWN = Path(__file__).parent / "bodies"
RECORDED = Path(__file__).parents[2] / "shared" / "payloads"


def own(name: str) -> dict[str, Any]:
    """One of our own bodies."""
    body: dict[str, Any] = json.loads((OWN / f"{name}.json").read_text())
    return body


def recorded(name: str) -> dict[str, Any]:
    """A recorded body; skips the test where there are none."""
    path = RECORDED / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the recorded bodies are not here: {name} is read from a folder beside the checkout")
    body: dict[str, Any] = json.loads(path.read_text())
    return body
