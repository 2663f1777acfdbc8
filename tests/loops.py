"""The event loop that Pulumi's Outputs need: fixtures for the conftest of a folder whose tests make some."""

from __future__ import annotations

import asyncio
import warnings

import pytest

__all__ = ["event_loop", "one_loop"]


@pytest.fixture(scope="session")
def one_loop() -> asyncio.AbstractEventLoop:
    """The event loop that the imports of Pulumi may have left, or a new one.

    It is left open: closing it would end the threads of Pulumi's mocks, which leave loops of their own unclosed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of asking for a loop where there is none
        try:
            return asyncio.get_event_loop()
        except RuntimeError:
            return asyncio.new_event_loop()


@pytest.fixture(autouse=True)
def event_loop(one_loop: asyncio.AbstractEventLoop) -> None:
    """Pulumi's Outputs need the thread to have a loop; another test's `asyncio.run` leaves it without one."""
    asyncio.set_event_loop(one_loop)
