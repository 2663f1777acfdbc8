"""What clients do to instances, and what befalls a set as a whole, on a clock that the tests move."""

from __future__ import annotations

import pytest
from tests.emulator.support import counts
from tests.emulator.worlds import BOOT, HEALTHY, START, World

from vmss_emulator.machines.looks import BRIEF
from vmss_emulator.script.timeline import Life


def test_a_manual_upgrade_brings_the_newest_model_to_those_that_are_named() -> None:
    world = World(extensions=("cse",))
    world.put(100, extensions=("cse", "new"))
    number = world.do(200, "manualupgrade", [1])
    assert (world.latest(200), world.vms(200)) == ([1], ["succeeded", "updating", "succeeded"])
    assert (world.outcome(number, 229), world.state(229)) == (None, "Updating")
    assert (world.outcome(number, 230) is not None, world.state(230)) == (True, "Succeeded")
    assert world.extension(230, "new") == [None, "succeeded", None]


def test_one_that_fails_lets_the_set_fail() -> None:
    world = World("[{put: 2, at: 5s, instances: [1], extension: cse, state: failed/50}]", extensions=("cse",))
    world.put(100, extensions=("cse",), size="B2s")
    assert world.state(100 + BRIEF) == "Succeeded"
    world.do(103, "manualupgrade")
    assert (world.state(104), world.status(105)) == (
        "Updating",
        "ProvisioningState/failed/VMExtensionProvisioningError",
    )


def test_reimaging_runs_through_the_life_again() -> None:
    world = World(capacity=1, health=True)
    world.do(200, "reimage")
    assert (world.vms(201), world.health(201)) == (["updating"], ["initializing"])
    assert world.health(200 + BOOT + 20 + HEALTHY) == ["healthy"]


@pytest.mark.parametrize(("kind", "power"), [("deallocate", "deallocated"), ("poweroff", "stopped")])
def test_machines_are_switched_off_and_on(kind: str, power: str) -> None:
    world = World(capacity=2, health=True)
    world.do(200, kind, [1])
    assert (world.power(201), world.vms(201)) == (["running", power], ["succeeded"] * 2)
    assert (world.health(201), [one.agent for one in world.instances(201)]) == (["healthy", "unknown"], [True, False])
    number = world.do(300, "start", [1])
    assert (world.power(301), world.health(301)) == (["running", "starting"], ["healthy", "initializing"])
    assert (world.outcome(number, 309), world.power(310)) == (None, ["running", "running"])
    assert world.outcome(number, 310) is not None
    assert (world.health(339), world.health(340)) == (["healthy", "initializing"], ["healthy"] * 2)


def test_a_restart_is_a_start() -> None:
    world = World(capacity=1)
    world.do(200, "restart")
    assert (world.power(201), world.power(210)) == (["starting"], ["running"])


def test_the_later_of_an_event_and_a_deed_decides_about_the_power() -> None:
    world = World("[{at: 250s, power: stopped}]", capacity=1)
    world.do(200, "deallocate")
    assert (world.power(201), world.power(251)) == (["deallocated"], ["stopped"])
    world.do(300, "start")
    assert world.power(320) == ["running"]


def test_deleted_instances_are_asked_for_no_more_until_a_put() -> None:
    world = World(capacity=4)
    world.do(100, "delete", [1, 2])
    assert world.ids(100) == [0, 3]
    assert world.set.model(world.life, START + 100)["sku"]["capacity"] == 2
    assert counts(world.view(100)["virtualMachine"]["statusesSummary"]) == {"succeeded": 2}
    world.put(200, capacity=4)
    assert world.ids(200) == [0, 3, 4, 5]


@pytest.mark.parametrize(
    ("policy", "ids", "capacity", "power"),
    [("Delete", [0], 1, ["running"]), ("Deallocate", [0, 1, 2], 3, ["running", "deallocated", "deallocated"])],
)
def test_evicted_machines_go_or_stop_as_the_model_says(
    policy: str, ids: list[int], capacity: int, power: list[str]
) -> None:
    profile = {"virtualMachineProfile": {"priority": "Spot", "evictionPolicy": policy}}
    world = World("[{at: 100s, instances: [1, 2], evict: true}]", capacity=3, properties=profile)
    assert world.ids(99) == [0, 1, 2]
    assert (world.ids(100), world.power(100)) == (ids, power)
    assert world.set.model(world.life, START + 100)["sku"]["capacity"] == capacity


def test_heal_starts_evicted_machines_again() -> None:
    world = World("[{at: 100s, evict: true}, {at: 200s, heal: true}]", capacity=1)
    assert (world.power(150), world.power(200)) == (["deallocated"], ["running"])


def test_protected_instances_stay_when_a_set_shrinks() -> None:
    world = World(capacity=3)
    world.do(50, "protect", [2], frozenset({"protectFromScaleIn"}))
    world.put(100, capacity=1)
    assert world.ids(100) == [2]


def test_protection_from_the_sets_actions_holds_unless_the_instance_is_named() -> None:
    world = World(capacity=3, mode="Automatic")
    world.do(50, "protect", [2], frozenset({"protectFromScaleSetActions"}))
    world.put(100, capacity=3, mode="Automatic", size="B2s")
    assert world.latest(200) == [0, 1]
    world.do(200, "manualupgrade")
    assert world.latest(200) == [0, 1]
    world.do(300, "manualupgrade", [2])
    assert world.latest(300) == [0, 1, 2]


def test_protecting_is_no_operation_of_the_set() -> None:
    world = World("[{at: 5s, state: failed/OSProvisioningTimedOut}]")
    world.do(50, "protect", [0], frozenset())
    assert world.state(60) == "Failed"


def test_a_set_that_overprovisions_has_some_too_many_for_a_while() -> None:
    world = World(more="surplus: 2, surplus_stays: 5s", capacity=3)
    assert world.ids(0) == [0, 1, 2, 3, 4]
    assert world.state(10) == "Succeeded"
    assert (world.ids(14.9), world.ids(15)) == ([0, 1, 2, 3, 4], [2, 3, 4])
    world.put(100, capacity=4)
    assert (world.ids(100), world.ids(200)) == ([2, 3, 4, 5, 6, 7], [2, 3, 4, 7])


def test_one_that_does_not_has_none() -> None:
    assert World(more="surplus: 2", capacity=3, properties={"overprovision": False}).ids(0) == [0, 1, 2]


def test_repairs_are_shown_where_the_set_has_them() -> None:
    properties = {"automaticRepairsPolicy": {"enabled": True}}
    world = World("[{at: 100s, repairs: Suspended}]", health=True, properties=properties)
    assert world.view(99)["orchestrationServices"] == [{"serviceName": "AutomaticRepairs", "serviceState": "Running"}]
    assert world.view(100)["orchestrationServices"][0]["serviceState"] == "Suspended"
    world.do(200, "repairs", value="Running")
    assert world.view(200)["orchestrationServices"][0]["serviceState"] == "Running"
    assert "orchestrationServices" not in World().view(100)


def test_another_life_lets_those_who_are_gone_be_gone() -> None:
    world = World("[{at: 100s, instances: [1], evict: true}]", properties={"virtualMachineProfile": EVICTED})
    assert world.ids(100) == [0, 2]
    world.set.settle(world.life, START + 100)
    world.life = Life()
    assert world.ids(101) == [0, 2]


EVICTED = {"evictionPolicy": "Delete"}


def test_an_event_that_a_new_life_puts_into_the_past_happens_at_once() -> None:
    world = World(properties={"virtualMachineProfile": EVICTED})
    assert world.ids(500) == [0, 1, 2]
    later = World("[{at: 100s, instances: [1], evict: true}]", properties={"virtualMachineProfile": EVICTED})
    world.life = later.life
    assert world.ids(500) == [0, 2]
    assert world.ids(501) == [0, 2]
