"""The life of a set on a clock that the tests move: no server, no waiting."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.emulator.support import counts
from tests.emulator.worlds import BOOT, HEALTHY, ID, INSTALL, START, World

from vmss_emulator.machines import models, vm_views
from vmss_emulator.machines.looks import BRIEF
from vmss_emulator.machines.puts import complete
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.script.timeline import Life


def test_an_instance_boots_then_installs_then_gets_healthy() -> None:
    world = World(capacity=1, extensions=("cse",), health=True)
    assert (world.vms(9.9), world.extension(9.9), world.health(9.9)) == (["creating"], [None], ["initializing"])
    assert (world.vms(10), world.extension(10), world.health(10)) == (["succeeded"], ["creating"], ["initializing"])
    assert (world.extension(29.9), world.extension(30), world.health(59.9)) == (
        ["creating"],
        ["succeeded"],
        ["initializing"],
    )
    assert world.health(60) == ["healthy"]


def test_the_create_waits_for_vms_and_extensions_and_not_for_health() -> None:
    world = World(extensions=("cse",), health=True)
    assert (world.state(29.9), world.status(29.9)) == ("Creating", "ProvisioningState/creating")
    assert (world.state(30), world.status(30)) == ("Succeeded", "ProvisioningState/succeeded")
    assert world.health(30) == ["initializing"] * 3


def test_a_model_without_a_probe_or_extension_reports_no_health() -> None:
    assert World(capacity=1).health(100) == [None]


def test_a_load_balancers_probe_reports_health_too() -> None:
    world = World(capacity=1)
    patch = {"properties": {"virtualMachineProfile": {"networkProfile": {"healthProbe": {"id": "/probe"}}}}}
    fresh = ScaleSet(ID, models.merge(world.set.body, patch), START)
    assert [instance.health is not None for instance in fresh.instances(world.life, START + 1)] == [True]


def test_a_named_extension_may_take_its_own_time() -> None:
    world = World(capacity=1, extensions=("cse", "other"))
    world.life = Life(boot=1, extension=1, extensions={"other": 5})
    assert (world.extension(3), world.extension(3, "other")) == (["succeeded"], ["creating"])
    assert (world.state(3), world.state(6)) == ("Creating", "Succeeded")


def test_a_model_extension_that_fails_during_create_fails_the_operation() -> None:
    event = '[{put: 1, at: 15s, instances: [1], extension: cse, state: failed/50, message: "exit status 50"}]'
    world = World(event, extensions=("cse",))
    assert world.state(14.9) == "Creating"
    assert world.status(15) == "ProvisioningState/failed/VMExtensionProvisioningError"
    status = world.view(15)["statuses"][0]
    assert status["level"] == "Error"
    assert "exit status 50" in status["message"]
    assert counts(world.view(100)["extensions"][0]["statusesSummary"]) == {"succeeded": 2, "failed": 1}


def test_a_vm_that_fails_during_create_fails_the_operation_with_its_detail() -> None:
    world = World('[{at: 5s, instances: [0], state: failed/OSProvisioningTimedOut, message: "no signal"}]')
    assert world.status(5) == "ProvisioningState/failed/OSProvisioningTimedOut"
    assert counts(world.view(100)["virtualMachine"]["statusesSummary"]) == {"failed": 1, "succeeded": 2}


def test_a_change_without_new_vms_ends_at_once_and_counts() -> None:
    world = World()
    world.put(50, size="B2s")
    assert (world.state(50), world.state(50 + BRIEF)) == ("Updating", "Succeeded")
    assert world.set.etag == '"2"'


def test_a_put_that_changes_nothing_is_an_operation_and_does_not_count() -> None:
    world = World()
    before = world.view(50)["statuses"][0]["time"]
    assert world.put(50) == 1
    assert (world.state(50), world.state(50 + BRIEF)) == ("Updating", "Succeeded")
    assert world.view(50 + BRIEF)["statuses"][0]["time"] > before
    assert (world.set.etag, len(world.set.changes)) == ('"1"', 1)


def test_a_put_without_a_change_follows_the_operation_that_still_runs() -> None:
    assert World().put(5) == 0


def test_a_failed_operation_is_tried_again_by_the_same_put() -> None:
    world = World("[{at: 5s, state: failed/OSProvisioningTimedOut}, {at: 100s, heal: true}]")
    assert world.state(50) == "Failed"
    assert world.put(110) == 1
    assert (world.state(110), world.state(110 + BRIEF)) == ("Updating", "Succeeded")
    assert world.set.etag == '"1"'


def test_manual_policy_leaves_existing_instances_as_they_are() -> None:
    world = World(extensions=("cse",))
    world.put(100, capacity=4, extensions=("cse", "new"))
    assert [instance.latest for instance in world.instances(200)] == [False, False, False, True]
    assert world.extension(200, "new") == [None, None, None, "succeeded"]
    summary = {item["name"]: counts(item["statusesSummary"]) for item in world.view(200)["extensions"]}
    assert summary == {"cse": {"succeeded": 4}, "new": {"creating": 3, "succeeded": 1}}
    assert world.status(200) == "ProvisioningState/succeeded"


def test_automatic_policy_updates_all_instances_once_the_operation_has_ended() -> None:
    world = World(extensions=("cse",), health=True, mode="Automatic")
    world.put(100, extensions=("cse",), health=True, mode="Automatic", size="B2s")
    assert (world.state(100 + BRIEF), world.vms(100)) == ("Succeeded", ["succeeded"] * 3)
    assert [instance.latest for instance in world.instances(100)] == [False] * 3
    at = 100 + BRIEF
    assert (world.vms(at), world.extension(at), world.health(at)) == (
        ["updating"] * 3,
        ["updating"] * 3,
        ["initializing"] * 3,
    )
    assert [instance.latest for instance in world.instances(at)] == [True] * 3
    later = at + BOOT + INSTALL
    assert (world.extension(later), world.health(later), world.health(later + HEALTHY)) == (
        ["succeeded"] * 3,
        ["initializing"] * 3,
        ["healthy"] * 3,
    )


def test_automatic_policy_leaves_instances_alone_when_only_the_capacity_changes() -> None:
    world = World(mode="Automatic")
    world.put(100, capacity=5, mode="Automatic")
    assert world.vms(101) == ["succeeded"] * 3 + ["creating"] * 2
    assert [instance.latest for instance in world.instances(101)] == [True] * 5


def test_the_highest_ids_leave_and_no_id_comes_back() -> None:
    world = World()
    world.put(50, capacity=1)
    world.put(60, capacity=3)
    assert [instance.id for instance in world.instances(100)] == [0, 3, 4]


def test_later_events_win_and_heal_makes_everything_natural_again() -> None:
    events = """[
        {at: 70s, instances: [1], health: unhealthy},
        {at: 80s, health: unknown},
        {at: 85s, instances: [0], power: deallocated},
        {at: 90s, heal: true},
    ]"""
    world = World(events, health=True)
    assert world.health(69) == ["healthy"] * 3
    assert world.health(70) == ["healthy", "unhealthy", "healthy"]
    assert world.health(80) == ["unknown"] * 3
    assert [instance.power.code for instance in world.instances(85)] == ["deallocated", "running", "running"]
    assert world.health(90) == ["healthy"] * 3
    assert [instance.power.code for instance in world.instances(90)] == ["running"] * 3


def test_an_event_waits_for_the_put_that_it_counts_from() -> None:
    world = World("[{put: 2, at: 5s, instances: [1], health: unhealthy}]", health=True, mode="Automatic")
    assert world.health(500) == ["healthy"] * 3
    world.put(500, health=True, mode="Automatic", size="B2s")
    assert world.health(504) == ["initializing"] * 3
    assert world.health(600) == ["healthy", "unhealthy", "healthy"]


def test_an_operation_that_has_ended_stays_ended_under_another_life() -> None:
    world = World("[{at: 5s, state: failed/OSProvisioningTimedOut}]")
    world.set.settle(world.life, START + 50)
    world.life = Life()
    assert (world.state(50), world.vms(50)) == ("Failed", ["succeeded"] * 3)


def test_the_view_has_neither_power_nor_health_and_times_with_seven_digits() -> None:
    view = World("[{at: 0s, power: stopped}, {at: 0s, health: unhealthy}]", health=True).view(100)
    assert "PowerState" not in str(view)
    assert "HealthState" not in str(view)
    assert view["statuses"][0]["time"] == "1970-01-01T00:17:10.0000000+00:00"


def test_a_set_of_zones_spreads_its_instances() -> None:
    world = World(capacity=4)
    spread = ScaleSet(ID, {**world.set.body, "zones": ["1", "2", "3"]}, START)
    instances = spread.instances(world.life, START)
    zones = [vm_views.uniform(spread, one)["zones"] for one in instances]
    assert zones == [["1"], ["2"], ["3"], ["1"]]


puts = st.fixed_dictionaries(
    {
        "capacity": st.integers(0, 5),
        "mode": st.sampled_from(["Manual", "Automatic"]),
        "size": st.sampled_from(["B1s", "B2s"]),
        "extensions": st.sampled_from([(), ("cse",), ("cse", "other")]),
        "health": st.booleans(),
    }
)
effects = st.sampled_from(
    ["health: unhealthy", "state: failed/1", "extension: cse, state: failed/50", "power: stopped", "heal: true"]
)
events = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 90), st.sampled_from(["all", "[0]", "[1, 3]"]), effects))


def written(found: list[tuple[int, int, str, str]]) -> str:
    return "[" + ", ".join(f"{{put: {p}, at: {at}s, instances: {who}, {what}}}" for p, at, who, what in found) + "]"


@settings(deadline=None)
@given(
    first=puts, later=st.lists(st.tuples(st.integers(0, 60), puts), max_size=3), events=events, now=st.integers(0, 300)
)
def test_the_summary_always_adds_up_to_the_instances(
    first: dict[str, Any], later: list[tuple[int, dict[str, Any]]], events: list[tuple[int, int, str, str]], now: int
) -> None:
    world, at = World(written(events), **first), 0
    for pause, body in later:
        at += pause
        world.put(at, **body)
    instances, view = world.instances(at + now), world.view(at + now)
    assert len(instances) == models.capacity(world.set.body)
    assert counts(view["virtualMachine"]["statusesSummary"]) == Counter(one.vm.word for one in instances)
    for extension in view.get("extensions", []):
        assert sum(counts(extension["statusesSummary"]).values()) == len(instances)
    assert all((one.health is not None) == models.reports_health(one.model.body) for one in instances)


@settings(deadline=None)
@given(first=puts, later=st.lists(puts, max_size=3), events=events)
def test_in_the_end_a_healed_automatic_set_is_as_its_model_says(
    first: dict[str, Any], later: list[dict[str, Any]], events: list[tuple[int, int, str, str]]
) -> None:
    world = World(written(events), **{**first, "mode": "Automatic"})
    for index, body in enumerate(later):
        world.put(100.0 * (index + 1), **{**body, "mode": "Automatic"})
    world.life = Life(BOOT, INSTALL, {}, HEALTHY)
    instances = world.instances(10_000)
    assert all(one.latest and one.vm.code == "succeeded" and one.power.code == "running" for one in instances)
    assert all(one.health is None or one.health.code == "healthy" for one in instances)
    assert all(status.code == "succeeded" for one in instances for status in one.extensions.values())


@settings(deadline=None)
@given(events=events, moments=st.lists(st.integers(0, 200), min_size=2, max_size=5))
def test_looking_changes_nothing(events: list[tuple[int, int, str, str]], moments: list[int]) -> None:
    eager = World(written(events), extensions=("cse",), health=True)
    for moment in sorted(moments):
        eager.view(moment)
    late = World(written(events), extensions=("cse",), health=True)
    assert eager.view(max(moments)) == late.view(max(moments))


def test_a_body_that_is_no_scale_set_is_refused() -> None:
    with pytest.raises(ArmError, match="capacity"):
        complete({"location": "x", "sku": {"name": "B1s"}}, None)
