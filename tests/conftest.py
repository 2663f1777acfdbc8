"""Which tests are left out where what they need is in no clone."""

from __future__ import annotations

import pytest
from tests.recorded import RECORDED


def pytest_report_header() -> str | None:
    """Say it once, instead of a skip for each."""
    if RECORDED.exists():
        return None
    return f"left out: tests of bodies that Azure really sent, which are no part of the repository ({RECORDED})"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if RECORDED.exists():
        return
    left_out = [item for item in items if item.get_closest_marker("recorded")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
