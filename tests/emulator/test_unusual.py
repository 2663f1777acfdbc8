"""What is rare in Azure, and where it tells of it: canceled operations, silent agents, attached VMs, profile times."""

from __future__ import annotations

from typing import Any

import pytest
from tests.emulator.support import counts, extension, scale_set_body
from tests.emulator.worlds import BOOT, HEALTHY, ID, INSTALL, START, World

from vmss_emulator.machines import puts, views, vm_views
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.moments import tag_stamp
from vmss_emulator.script.timeline import Timeline

UP = BOOT + INSTALL + HEALTHY
FLEXIBLE = {"orchestrationMode": "Flexible"}
BARE = {"location": "westeurope", "sku": None, "properties": {**FLEXIBLE, "virtualMachineProfile": None}}


def vm(world: World, now: float, index: int = 0) -> dict[str, Any]:
    one = world.instances(now)[index]
    return vm_views.flexible(world.set, one, vm_views.own_view(one, START + now))


def view(world: World, now: float, index: int = 0) -> dict[str, Any]:
    return dict(vm(world, now, index)["properties"]["instanceView"])


# Canceled operations.


def test_an_operation_that_is_canceled_leaves_the_set_canceled() -> None:
    world = World("[{at: 5s, cancel: true}]")
    assert (world.state(4), world.state(6)) == ("Creating", "Canceled")
    assert world.status(6) == "ProvisioningState/canceled"
    assert (outcome := world.outcome(0, 6)) is not None
    assert (outcome.state, outcome.ended) == ("Canceled", START + 5)
    assert world.vms(UP) == ["succeeded"] * 3


def test_what_has_ended_is_not_canceled_afterwards() -> None:
    assert World("[{at: 99s, cancel: true}]").state(100) == "Succeeded"


def test_a_canceled_operation_can_be_tried_again() -> None:
    world = World("[{at: 5s, cancel: true}]")
    assert world.put(6) == 1
    assert (world.state(7), world.state(UP)) == ("Updating", "Succeeded")


def test_a_canceled_operation_cancels_its_rolling_upgrade() -> None:
    world = World("[{put: 2, at: 5s, cancel: true}]", health=True)
    world.put(100, health=True, mode="Rolling", size="B2s")
    assert world.progress(104)[0] == "RollingForward"
    assert (world.progress(106)[0], world.state(106)) == ("Cancelled", "Canceled")


def test_a_vm_can_be_canceled_too() -> None:
    world = World("[{at: 5s, instances: [1], state: canceled}]")
    assert vm(world, 6, 1)["properties"]["provisioningState"] == "Canceled"
    assert view(world, 6, 1)["statuses"][0]["code"] == "ProvisioningState/canceled"


# Agents that vanish.


def test_an_agent_that_vanishes_tells_no_health_while_its_vm_runs() -> None:
    world = World('[{at: 99s, instances: [0], agent: unavailable, message: "no heartbeat"}]', health=True)
    assert {"vmHealth", "extensions"} <= set(view(world, 98))
    seen = view(world, 100)
    assert [one["code"] for one in seen["statuses"]] == ["ProvisioningState/succeeded", "PowerState/running"]
    assert "vmHealth" not in seen
    assert [one["name"] for one in seen["extensions"]] == ["health"]
    (said,) = seen["vmAgent"]["statuses"]
    assert (said["code"], said["level"], said["message"]) == (
        "ProvisioningState/Unavailable",
        "Warning",
        "no heartbeat",
    )
    assert "vmHealth" in view(world, 100, 1)


def test_an_agent_can_come_back() -> None:
    world = World("[{at: 70s, agent: unavailable}, {at: 80s, agent: ready}]", health=True)
    assert [one.agent for one in world.instances(75)] == [False] * 3
    assert [one.agent for one in world.instances(85)] == [True] * 3
    assert world.health(85) == ["healthy"] * 3


# When the model of VMs was made.


def test_a_set_tells_since_when_its_vms_have_their_model() -> None:
    world = World()
    assert made(world, 1).startswith("1970-01-01T00:16:40")
    world.put(50, capacity=4)
    assert made(world, 51) == made(world, 1)
    world.put(60, capacity=4, size="B2s")
    assert made(world, 61).startswith("1970-01-01T00:17:40")


def made(world: World, now: float) -> str:
    shown = views.scale_set(world.set, world.life, START + now)
    return str(shown["properties"]["virtualMachineProfile"]["timeCreated"])


def test_the_vms_of_a_flexible_set_carry_that_time_in_a_tag() -> None:
    world = World(properties=FLEXIBLE)
    world.put(60, properties=FLEXIBLE, size="B2s", capacity=4)
    tags = [vm(world, 61, index)["tags"]["VirtualMachineProfileTimeCreated"] for index in range(4)]
    assert tags == ["1/1/1970 12:16:40 AM +00:00"] * 3 + ["1/1/1970 12:17:40 AM +00:00"]
    world.do(70, "manualupgrade", [0])
    assert vm(world, 71)["tags"]["VirtualMachineProfileTimeCreated"] == tags[3]


@pytest.mark.parametrize(("untagged", "lack"), [("[1]", [1]), ("all", [0, 1, 2]), ("[]", [])])
def test_a_vm_may_lack_the_tag(untagged: str, lack: list[int]) -> None:
    world = World("[]", f"untagged: {untagged}", properties=FLEXIBLE)
    assert [index for index in range(3) if "tags" not in vm(world, 1, index)] == lack


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (1743708879, "4/3/2025 7:34:39 PM +00:00"),
        (1743638400, "4/3/2025 12:00:00 AM +00:00"),
        (1760054401, "10/10/2025 12:00:01 AM +00:00"),
        (1760097600, "10/10/2025 12:00:00 PM +00:00"),
    ],
)
def test_the_tag_is_written_as_azure_writes_it(moment: int, written: str) -> None:
    assert tag_stamp(moment) == written


# Health that somebody else reports.


@pytest.mark.parametrize(("enabled", "told"), [(True, ["healthy"] * 3), (False, [None] * 3)])
def test_health_is_reported_for_a_set_with_an_external_policy(enabled: bool, told: list[str | None]) -> None:
    policy = {"externalHealthPolicy": {"enabled": enabled, "gracePeriod": "PT5M"}}
    world = World(properties=policy)
    assert world.health(UP) == told
    assert (
        views.scale_set(world.set, world.life, START)["properties"]["externalHealthPolicy"]
        == policy["externalHealthPolicy"]
    )


# Failures of extensions.

FAILS = '{at: 99s, instances: [1], extension: cse, state: failed/50, message: "no such package"}'


def test_a_vm_whose_extension_fails_is_failed_while_it_runs() -> None:
    world = World(f"[{FAILS}]", extensions=("cse",))
    assert world.vms(98) == ["succeeded"] * 3
    assert world.vms(100) == ["succeeded", "failed/VMExtensionProvisioningError", "succeeded"]
    provisioning, power = view(world, 100, 1)["statuses"]
    assert (provisioning["level"], power["code"]) == ("Error", "PowerState/running")
    assert "no such package" in provisioning["message"]
    assert vm(world, 100, 1)["properties"]["provisioningState"] == "Failed"
    assert counts(world.view(100)["virtualMachine"]["statusesSummary"]) == {"succeeded": 2, "failed": 1}
    assert world.status(100) == "ProvisioningState/succeeded"


def test_an_operation_fails_by_the_extension_that_fails() -> None:
    world = World("[{at: 15s, extension: cse, state: failed/50}]", extensions=("cse",))
    assert (world.state(16), world.status(16)) == ("Failed", "ProvisioningState/failed/VMExtensionProvisioningError")


def test_a_vm_recovers_with_its_extension() -> None:
    assert World(f"[{FAILS}, {{at: 120s, heal: true}}]", extensions=("cse",)).vms(121) == ["succeeded"] * 3


def test_what_an_event_says_of_the_vm_itself_wins_over_its_extensions() -> None:
    world = World(f"[{FAILS}, {{at: 110s, state: succeeded}}]", extensions=("cse",))
    assert world.vms(111) == ["succeeded"] * 3


# Failures that are not to count.


@pytest.mark.parametrize(("suppressed", "state"), [(True, "Succeeded"), (False, "Failed")])
def test_the_failure_of_an_extension_that_suppresses_it_fails_nothing_else(suppressed: bool, state: str) -> None:
    body = scale_set_body()
    own = extension("cse", suppressFailures=suppressed)
    body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"] = [own]
    life = Timeline.load("scale_sets: {web: {events: [{extension: cse, state: failed/9}]}}").life("web")
    found = ScaleSet(ID, puts.complete(body, None), START)
    assert found.provisioning(life, START + 9).state == state
    assert [one.extensions["cse"].code for one in found.instances(life, START + 9)] == ["failed/9"] * 3
    assert {one.vm.word for one in found.instances(life, START + 9)} == {"succeeded" if suppressed else "failed"}
    shown = views.scale_set(found, life, START)["properties"]["virtualMachineProfile"]["extensionProfile"]
    assert shown["extensions"][0]["properties"]["suppressFailures"] is suppressed


# A set whose VMs were attached one by one.


def bare(more: str = "") -> tuple[ScaleSet, Any]:
    life = Timeline.load(f"scale_sets: {{web: {{attached: 2, {more}}}}}").life("web")
    return ScaleSet(ID, puts.complete(BARE, None), START), life


def test_a_set_without_a_model_shows_none_and_has_the_vms_that_were_attached() -> None:
    found, life = bare()
    shown = views.scale_set(found, life, START + 9)
    assert (shown["sku"], shown["properties"]["virtualMachineProfile"]) == (None, None)
    assert shown["properties"]["provisioningState"] == "Succeeded"
    vms = [vm_views.flexible(found, one, vm_views.own_view(one, START)) for one in found.instances(life, START + 9)]
    assert [one["properties"]["virtualMachineScaleSet"]["id"] for one in vms] == [ID] * 2
    assert all("tags" not in one for one in vms)
    assert all({"extensions", "vmHealth"}.isdisjoint(one["properties"]["instanceView"]) for one in vms)


def test_an_attached_vm_tells_of_itself_what_events_say() -> None:
    events = "[{instances: [1], extension: cse, state: failed/3}, {instances: [1], health: unhealthy}]"
    found, life = bare(f"events: {events}")
    first, second = found.instances(life, START + 9)
    assert (first.extensions, first.health) == ({}, None)
    assert (second.extensions["cse"].code, second.health and second.health.code) == ("failed/3", "unhealthy")
    assert vm_views.own_view(second, START)["extensions"][0]["name"] == "cse"


def test_a_set_without_a_model_can_be_read_and_put_back() -> None:
    found, life = bare()
    shown = views.scale_set(found, life, START + 9)
    found.put(shown, life, START + 10)
    assert views.scale_set(found, life, START + 11) == shown


def test_a_set_without_a_model_can_get_one() -> None:
    found, life = bare()
    found.put({**scale_set_body(2), "properties": {**scale_set_body()["properties"], **FLEXIBLE}}, life, START + 10)
    assert found.model(life, START + 11)["sku"]["capacity"] == 2
