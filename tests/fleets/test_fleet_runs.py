"""What a fleet's gate knows of the runs before. In virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.fleets.worlds import AT_ONCE, BROKEN, GOOD, ILL, World, healthy_after
from tests.metered import timeline
from tests.sets import Vm, snapshot

from pulumi_vmss_health import RollingUpgrade, Snapshot
from pulumi_vmss_health.gating import NotPassed

NEXT = 1000.0  # when the next release has been deployed

MANUAL = snapshot(Vm(), Vm(), upgrade_mode="Manual")
BOOTING = snapshot(Vm(), Vm(provisioning="creating", health=None, extensions=()), upgrade_mode="Manual")
STALE = snapshot(Vm(latest=False), Vm(latest=False), upgrade_mode="Manual")


def released(fleet: World, stored: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Run the gate again when the next release has been deployed to these sets."""
    fleet.clock.sleep(NEXT - fleet.clock.time)
    fleet.heard.warnings.clear()
    fleet.inputs = {**fleet.inputs, **changes}
    return fleet.wait(stored)


@pytest.mark.parametrize("first", [{0: BOOTING, 200: MANUAL}, {0: BROKEN}], ids=["undecided", "failed"])
def test_a_set_that_the_first_pass_did_without_may_run_no_older_model_in_the_next_run(
    first: dict[float, Snapshot],
) -> None:
    fleet = World(a=timeline({0: BOOTING, 100: MANUAL, NEXT: STALE}), b=timeline({**first, NEXT: STALE}))
    fleet.inputs |= {"minHealthySets": 1, "setTriggers": {"a": ["1"], "b": ["1"]}}
    stored = fleet.passed()
    with pytest.raises(NotPassed, match="model an older one"):
        released(fleet, stored, setTriggers={"a": ["2"], "b": ["2"]})
    assert "passedAt" not in stored["sets"]["b"]


def test_a_set_that_no_pass_ever_did_without_may_run_an_older_model_however_often_its_fleet_failed() -> None:
    fleet = World(a=timeline({0: ILL, NEXT: MANUAL}), b=timeline({0: ILL, NEXT: STALE}))
    with pytest.raises(NotPassed) as failed:
        fleet.wait({})
    stored = {**fleet.inputs, **failed.value.outputs}
    assert released(fleet, stored)["healthy"]
    (warned,) = fleet.heard.warnings
    assert " ".join(warned.split()).startswith("b: instances 0 and 1: on an older model (allowed under a Manual")


def test_a_set_that_ran_out_of_time_is_stored_so_whatever_happened_to_others_before() -> None:
    fleet = World(a=timeline({0: BROKEN}), b=timeline({0: ILL}), c=timeline({0: ILL}), d=AT_ONCE)
    fleet.inputs |= {"minHealthySets": 3}
    with pytest.raises(NotPassed) as failed:
        fleet.wait({})
    states = {name: each["state"] for name, each in failed.value.outputs["sets"].items()}
    assert states == {"a": "failing", "b": "timedOut", "c": "timedOut", "d": "healthy"}


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (snapshot(), "the capacity is 0: there are no VMs to judge"),
        (
            STALE,
            "instances 0 and 1: on an older model (allowed under a Manual upgrade policy until the gate has passed",
        ),
        (
            snapshot(Vm(), status="failed/Any"),
            "the last operation on the set ended failed/Any; all instances are healthy",
        ),
    ],
)
def test_a_pass_with_something_to_say_says_of_which_sets(shown: Snapshot, told: str) -> None:
    fleet = World(a=timeline({0: shown}), b=AT_ONCE, c=timeline({0: shown}))
    fleet.passed()
    (warned,) = fleet.heard.warnings
    assert " ".join(warned.split()).startswith(f"a, c: {told}")


def faulted(seen: Snapshot, minute: int) -> Snapshot:
    """The set after a rolling upgrade that began so many minutes after the fleet's wait."""
    return replace(seen, rolling_upgrade=RollingUpgrade("Faulted", f"2026-01-01T00:{minute:02}:00+00:00"))


def test_a_set_passed_when_its_own_wait_ended_and_not_when_the_fleets_did() -> None:
    upgraded = faulted(snapshot(Vm(latest=None), Vm(latest=None), upgrade_mode="Rolling"), 3)
    fleet = World(a=timeline({0: GOOD, NEXT: upgraded}), b=timeline({0: ILL, 280: GOOD}))
    fleet.inputs |= {"setTriggers": {"a": ["1"]}, "policy": {"timeout": "30m"}}
    stored = fleet.passed()
    assert stored["sets"]["a"]["passedAt"] < stored["sets"]["b"]["passedAt"]
    with pytest.raises(NotPassed, match="the rolling upgrade ended Faulted"):
        released(fleet, stored, setTriggers={"a": ["2"]})


def test_an_upgrade_that_had_failed_when_the_fleet_passed_without_its_set_still_fails_that_set() -> None:
    upgraded = faulted(snapshot(Vm(), Vm(latest=False), upgrade_mode="Rolling"), 1)
    fleet = World(a=healthy_after(600), b=timeline({0: upgraded}))
    fleet.inputs |= {"minHealthySets": 1, "policy": {"timeout": "30m"}}
    stored = fleet.passed()
    with pytest.raises(NotPassed) as failed:
        released(fleet, stored, minHealthySets=2)
    b = failed.value.outputs["sets"]["b"]
    assert (b["state"], b["reasons"][0]["code"]) == ("failing", "RollingUpgradeFailed")


def test_a_pass_that_the_clock_puts_into_the_future_is_of_now() -> None:
    upgraded = faulted(snapshot(Vm(latest=None), upgrade_mode="Rolling"), 16)
    fleet = World(a=timeline({0: GOOD, NEXT: upgraded}))
    stored = fleet.passed()
    stored["sets"]["a"]["passedAt"] = "2026-01-01T02:00:00+00:00"
    with pytest.raises(NotPassed, match="the rolling upgrade ended Faulted"):
        released(fleet, stored, recheck="always")


def test_sets_of_a_fleet_that_only_warned_are_looked_at_again_for_no_refresh_does() -> None:
    fleet = World(a=timeline({0: GOOD, NEXT: ILL}), b=timeline({0: ILL, NEXT: GOOD}))
    fleet.inputs |= {"onFailure": "warn", "setTriggers": {"b": ["1"]}}
    stored = {**fleet.inputs, **fleet.wait({})}
    assert stored["state"] == "warned"
    assert not released(fleet, stored, setTriggers={"b": ["2"]})["healthy"]


def test_a_set_has_passed_also_under_another_name() -> None:
    fleet = World(a=timeline({0: MANUAL, NEXT: STALE}))
    stored = fleet.passed()
    with pytest.raises(NotPassed, match="apply the model"):
        released(fleet, stored, scaleSets={"weu": stored["scaleSets"]["a"]})
