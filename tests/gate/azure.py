"""An offline Azure for the tests of what waits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from tests.waiting import until

from pulumi_vmss_health import gating, get_instance_view
from vmss_emulator import Emulator

AT_ONCE = {"boot": "0s", "extension": "0s", "healthy": "0s"}


@contextmanager
def running(
    monkeypatch: pytest.MonkeyPatch, life: Mapping[str, Any] = AT_ONCE, clock: Callable[[], float] = time.time
) -> Iterator[Emulator]:
    """An emulator that this process trusts and signs in to. life: of its scale sets."""
    with Emulator({"scale_sets": {"*": life}}, clock=clock) as emulator:
        for name in os.environ:
            if name.startswith("ARM_"):
                monkeypatch.delenv(name)
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(gating, "_MISSING_FOR", 0.1)  # in real time; those in virtual time have the true one
        yield emulator


def settled(azure: Emulator, **wanted: Any) -> str:
    """The id of a new set whose create has ended: at once is not instantly, and a refresh looks only once."""
    scale_set = azure.put_scale_set("web", **wanted)
    until(lambda: get_instance_view(scale_set).statuses, lambda seen: [each.state for each in seen] == ["succeeded"])
    return scale_set
