"""A refresh of a fleet that does not come to its end. In virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from tests.clocks import VirtualClock
from tests.fleets.worlds import AT_ONCE
from tests.metered import Metered, ScaleSet

from pulumi_vmss_health.fleets.asked import AskedOfFleet
from pulumi_vmss_health.fleets.gating import refresh
from pulumi_vmss_health.gating import NotPassed


class Heard:
    """What a refresh tells."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def status(self, text: str) -> None:
        raise AssertionError(text)

    def warn(self, text: str) -> None:
        self.warnings.append(" ".join(text.split()))


def refreshed(state: str, number: int, latency: float, stop_at: float | None = None) -> tuple[Any, Heard, VirtualClock]:
    """Refresh a fleet whose sets were all healthy when its gate ended in this state."""
    clock = VirtualClock()
    clock.stop_at = stop_at
    azure = Metered(clock)
    shown = ScaleSet(AT_ONCE, latency=latency)
    ids = {f"web{each:03}": str(azure.add(f"web{each:03}", shown)) for each in range(number)}
    sets = {name: {"scaleSetId": id_, "healthy": True, "state": "healthy", "reasons": []} for name, id_ in ids.items()}
    stored = {"scaleSets": ids, "state": state, "healthy": state == "healthy", "message": "as it was", "sets": sets}
    heard = Heard()
    return refresh(azure.azure(), AskedOfFleet.by(stored, None, ""), stored, heard), heard, clock


def test_a_stop_leaves_what_passed_as_it_was_and_says_what_was_not_checked() -> None:
    outputs, heard, _ = refreshed("healthy", 40, 5.0, stop_at=12.0)
    assert outputs["healthySets"] == 40
    (warned,) = heard.warnings
    assert "could not check the health of web" in warned


def test_a_stop_disarms_no_gate_that_failed() -> None:
    with pytest.raises(NotPassed) as failed:
        refreshed("timedOut", 40, 5.0, stop_at=12.0)
    assert failed.value.lines[0].startswith("the next `pulumi up` runs this gate again: as it was")
    assert "all sets are healthy now" not in str(failed.value)


def test_a_slow_azure_does_not_hold_up_a_refresh_for_longer_than_five_minutes() -> None:
    outputs, heard, clock = refreshed("healthy", 600, 9.0)
    assert outputs["healthySets"] == 600
    assert clock.time <= 300 + 30
    assert "the refresh ended before it was read" in heard.warnings[0]
