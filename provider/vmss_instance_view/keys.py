"""Convert Python names to the names in state and stack outputs."""

from __future__ import annotations

import re


def stored_key(name: str) -> str:
    """Return a Python name in ARM's way of writing, also as a path: "policy.min_healthy" is "policy.minHealthy"."""
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)
