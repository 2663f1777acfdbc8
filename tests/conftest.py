"""Which tests are left out because what they need is in no clone, and which stay together when many run at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recorded import RECORDED

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

# Modules whose tests share what takes long to make: a whole life on the engine, a wheel in an environment of its own.
TOGETHER = (
    "tests/census/test_bodies.py",
    "tests/emulator/test_distribution.py",
    "tests/emulator/test_engine.py",
    "tests/engine/test_install.py",
)


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


@pytest.hookimpl(optionalhook=True)  # xdist's own
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """By name, since pytest 9.2 has no node id to which xdist's `loadgroup` could add a group."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if module in TOGETHER else nodeid

    return Scheduling(config, log)
