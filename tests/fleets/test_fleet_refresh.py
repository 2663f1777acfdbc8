"""What a refresh makes of a fleet: also one that does not come to its end. In virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from tests.clocks import VirtualClock
from tests.fleets.worlds import AT_ONCE, GONE, ILL, NEVER, World
from tests.heard import Heard
from tests.metered import Metered, ScaleSet, timeline
from tests.sets import Vm, snapshot

from pulumi_vmss_health.fleets.asked import AskedOfFleet
from pulumi_vmss_health.fleets.gating import refresh
from pulumi_vmss_health.fleets.stored import totals
from pulumi_vmss_health.gating import NotPassed
from pulumi_vmss_health.required import RequireHealthyProvider
from vmss_instance_view.pulumi.calls import PartialFailure

OLD = snapshot(Vm(), Vm(latest=False), upgrade_mode="Manual")


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


def test_older_models_that_the_first_pass_of_a_set_allowed_do_not_take_it_back() -> None:
    fleet = World(a=AT_ONCE, b=timeline({0: OLD}))
    stored = fleet.passed()
    outputs = fleet.refresh(stored)
    assert outputs["sets"] == stored["sets"]


def test_a_set_passed_for_the_first_time_or_not_whatever_the_others_did() -> None:
    fleet = World(a=timeline({0: AT_ONCE(0), 100: OLD}), b=timeline({0: OLD}))
    stored = fleet.passed()
    fleet.clock.sleep(100)
    with pytest.raises(NotPassed) as failed:
        fleet.refresh(stored)
    assert failed.value.lines[0] == "1 of 2 scale sets is healthy, 2 were"
    assert failed.value.lines[1].startswith("a: instance 1: model an older one, want latest")


@pytest.mark.parametrize(("warnings", "healthy"), [(2, 0), (3, 1)])
def test_a_sets_word_of_older_models_that_may_have_been_cut_off_counts_as_said(warnings: int, healthy: int) -> None:
    fleet = World(a=timeline({0: OLD}))
    stored = fleet.passed()
    stored["sets"]["a"]["reasons"] = [{"code": "VmFailureAllowed"}] * warnings
    try:
        outputs = fleet.refresh(stored)
    except NotPassed as failed:
        outputs = failed.outputs
    assert outputs["healthySets"] == healthy


@pytest.mark.parametrize(("now", "state"), [(snapshot(Vm(), Vm(health="unhealthy")), "progressing"), (GONE, "deleted")])
def test_a_refresh_also_takes_the_pass_of_a_set_back_whose_fleet_waits_for_another(now: Any, state: str) -> None:
    well = AT_ONCE(0)
    ill = snapshot(Vm(), Vm(health="unhealthy"))
    fleet = World(a=timeline({0: well, 1000: now}), b=timeline({0: ill, 1000: well}))
    with pytest.raises(NotPassed) as failed:
        fleet.wait({})
    stored = {**fleet.inputs, **failed.value.outputs}
    fleet.clock.sleep(1000)
    with pytest.raises(NotPassed) as refreshed:
        fleet.refresh(stored)
    assert refreshed.value.lines[0].startswith("the next `pulumi up` runs this gate again")
    stored |= refreshed.value.outputs
    assert {name: (each["state"], each["healthy"]) for name, each in stored["sets"].items()} == {
        "a": (state, False),
        "b": ("timedOut", False),
    }
    assert stored["healthySets"] == 0
    with pytest.raises(NotPassed) as again:
        fleet.wait(stored)
    assert again.value.outputs["sets"]["b"]["healthy"]
    assert not again.value.outputs["sets"]["a"]["healthy"]


def test_a_set_that_is_missing_for_a_moment_keeps_what_it_has() -> None:
    fleet = World(a=AT_ONCE, b=timeline({0: AT_ONCE(0), 100: GONE, 102: AT_ONCE(0)}))
    stored = fleet.passed()
    fleet.clock.sleep(100 - fleet.clock.time)
    assert fleet.refresh(stored)["sets"] == stored["sets"]
    assert fleet.heard.warnings == []


def test_a_set_that_is_missing_between_the_parts_of_its_looks_is_not_readable() -> None:
    answers = iter([AT_ONCE(0)])  # the model's, of the first look
    fleet = World(a=AT_ONCE, b=lambda now: AT_ONCE(0) if now < 100 else next(answers, GONE))
    stored = fleet.passed()
    fleet.clock.sleep(100 - fleet.clock.time)
    assert fleet.refresh(stored)["sets"] == stored["sets"]
    (warned,) = fleet.heard.warnings
    assert warned.startswith("could not check the health of b: ")


def test_sets_that_are_gone_do_not_hold_up_one_another() -> None:
    fleet = World(**{f"web{each:03}": timeline({0: AT_ONCE(0), 5000: GONE}) for each in range(100)})
    stored = fleet.passed()
    fleet.clock.sleep(5000 - fleet.clock.time)
    assert fleet.refresh(stored) is None
    assert fleet.clock.time < 5000 + 100


def test_what_requires_a_fleet_to_be_healthy_says_which_set_has_which_cause_once() -> None:
    fleet = World(a=AT_ONCE, b=NEVER, c=NEVER)
    with pytest.raises(NotPassed) as failed:
        fleet.passed()
    for outputs in (failed.value.outputs, totals(failed.value.outputs["sets"], 3)):
        told = [each["message"].split(",")[0] for each in outputs["reasons"]]
        assert told == [f"{name}: instance 1: application health unhealthy" for name in "bc"]
    with pytest.raises(PartialFailure) as required:
        RequireHealthyProvider().create(dict(failed.value.outputs))
    text = str(required.value)
    for name in "bc":
        assert f"\n{name}: instance 1: application health unhealthy" in text


def test_a_fleet_that_stays_healthy_says_which_of_its_sets_is_not_any_more() -> None:
    fleet = World(a=AT_ONCE, b=timeline({0: AT_ONCE(0), 100: ILL}))
    stored = fleet.passed()
    fleet.inputs |= {"minHealthySets": 1}
    fleet.clock.sleep(100)
    outputs = fleet.refresh(stored)
    assert (outputs["healthySets"], outputs["message"]) == (1, "1 of 2 scale sets is healthy, 1 is needed")
    (warned,) = fleet.heard.warnings
    assert "b: instance 1: application health unhealthy" in " ".join(warned.split())
    again = fleet.refresh({**stored, **outputs})
    assert ("message" in again, len(fleet.heard.warnings)) == (False, 1), "it is no news any more"


def test_a_set_that_is_gone_is_stored_with_the_reason() -> None:
    fleet = World(a=AT_ONCE, b=timeline({0: AT_ONCE(0), 100: GONE}))
    stored = fleet.passed()
    fleet.clock.sleep(100)
    with pytest.raises(NotPassed) as failed:
        fleet.refresh(stored)
    assert [each["code"] for each in failed.value.outputs["reasons"]] == ["ScaleSetNotFound"]
    assert failed.value.outputs["reasons"][0]["message"].startswith("b: ")
