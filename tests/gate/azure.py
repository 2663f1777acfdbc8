"""An offline Azure for the tests of what waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vmss_emulator import Emulator

AT_ONCE = {"boot": "0s", "extension": "0s", "healthy": "0s"}


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator that this process trusts and signs in to."""
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as emulator:
        for name in os.environ:
            if name.startswith("ARM_"):
                monkeypatch.delenv(name)
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        yield emulator
