"""Rolling upgrades on a clock that the tests move."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.emulator.worlds import BOOT, HEALTHY, START, World

from vmss_emulator import ArmError
from vmss_emulator.machines import views
from vmss_emulator.machines.looks import BRIEF

ROUND = BOOT + HEALTHY + 20  # a batch boots, installs the health extension and gets healthy
AT = 1000.0


def rolling(events: str = "[]", more: str = "", **policy: Any) -> World:
    """Five healthy instances that are to be upgraded in batches of 40 %."""
    said = {"maxBatchInstancePercent": 40, **policy}
    properties = {"upgradePolicy": {"mode": "Rolling", "rollingUpgradePolicy": said}}
    world = World(events, more, capacity=5, health=True, mode="Rolling", properties=properties)
    world.properties = properties
    return world


def change(world: World, now: float = AT, **body: Any) -> int:
    wanted = {"capacity": 5, "size": "B2s", **body}
    return world.put(now, health=True, mode="Rolling", properties=world.properties, **wanted)


def test_none_ran_before_the_first_change() -> None:
    world = rolling()
    assert world.set.story(world.life, START + 500).upgrade is None
    assert world.state(500) == "Succeeded"


def test_batches_follow_each_other_when_each_is_healthy() -> None:
    world = rolling()
    change(world)
    assert world.progress(AT) == ("RollingForward", 0, 0, 2, 3)
    assert (world.latest(AT), world.vms(AT)) == ([0, 1], ["updating"] * 2 + ["succeeded"] * 3)
    assert world.progress(AT + ROUND) == ("RollingForward", 2, 0, 2, 1)
    assert world.progress(AT + 2 * ROUND) == ("RollingForward", 4, 0, 1, 0)
    assert world.progress(AT + 3 * ROUND - 1)[0] == "RollingForward"
    assert world.progress(AT + 3 * ROUND) == ("Completed", 5, 0, 0, 0)
    assert world.latest(AT + 3 * ROUND) == [0, 1, 2, 3, 4]


def test_the_operation_waits_for_the_upgrade() -> None:
    world = rolling()
    number = change(world)
    assert (world.outcome(number, AT + 3 * ROUND - 1), world.state(AT + 3 * ROUND - 1)) == (None, "Updating")
    outcome = world.outcome(number, AT + 3 * ROUND)
    assert outcome is not None
    assert (outcome.ended, outcome.code) == (START + AT + 3 * ROUND, None)


@pytest.mark.parametrize(("written", "seconds"), [("PT5S", 5.0), ("PT1M", 60.0)])
def test_batches_pause_as_the_policy_says(written: str, seconds: float) -> None:
    world = rolling(pauseTimeBetweenBatches=written)
    change(world)
    assert world.progress(AT + ROUND + seconds - 1) == ("RollingForward", 2, 0, 0, 3)
    assert world.progress(AT + ROUND + seconds) == ("RollingForward", 2, 0, 2, 1)


def test_the_timeline_may_shorten_the_pause() -> None:
    world = rolling(more="pause: 1s", pauseTimeBetweenBatches="PT5M")
    change(world)
    assert world.progress(AT + ROUND + 1) == ("RollingForward", 2, 0, 2, 1)


def test_it_faults_when_too_many_upgraded_instances_stay_unhealthy() -> None:
    world = rolling("[{put: 2, at: 1s, instances: [1], health: unhealthy}]", "patience: 5s")
    number = change(world)
    assert world.progress(AT + ROUND + 4) == ("RollingForward", 0, 0, 2, 3)
    assert world.progress(AT + ROUND + 5) == ("Faulted", 1, 1, 0, 3)
    outcome = world.outcome(number, AT + ROUND + 5)
    assert outcome is not None
    assert outcome.code == "MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade"
    assert "instance 1" in str(outcome.message)
    assert world.status(AT + ROUND + 5).startswith("ProvisioningState/failed/MaxUnhealthyUpgraded")
    assert world.latest(AT + 10 * ROUND) == [0, 1]


def test_what_happens_at_the_moment_of_a_change_is_its_consequence() -> None:
    world = rolling("[{put: 2, health: unhealthy}]")
    change(world)
    assert world.progress(AT) == ("RollingForward", 0, 0, 2, 3)
    assert world.progress(AT + ROUND + 2) == ("Faulted", 0, 2, 0, 3)


def test_it_goes_on_while_few_enough_are_unhealthy() -> None:
    events = "[{put: 2, at: 1s, instances: [1], health: unhealthy}]"
    world = rolling(events, maxUnhealthyUpgradedInstancePercent=50, maxUnhealthyInstancePercent=20)
    change(world)
    assert world.progress(AT + 4 * ROUND) == ("Completed", 4, 1, 0, 0)


def test_it_does_not_begin_a_batch_while_too_many_are_unhealthy() -> None:
    world = rolling("[{put: 1, at: 500s, instances: [3, 4], health: unknown}]")
    number = change(world)
    assert world.progress(AT) == ("Faulted", 0, 0, 0, 5)
    outcome = world.outcome(number, AT + BRIEF)
    assert outcome is not None
    assert outcome.code == "MaxUnhealthyInstancePercentExceededInRollingUpgrade"
    assert "40%" in str(outcome.message)


def test_a_failed_extension_does_not_use_up_the_patience() -> None:
    event = "[{put: 2, at: 5s, instances: [0], extension: health, state: failed/1}]"
    world = rolling(event, "patience: 10m", maxBatchInstancePercent=20)
    change(world)
    assert world.progress(AT + 4)[0] == "RollingForward"
    assert world.progress(AT + 5) == ("Faulted", 0, 1, 0, 4)


def test_with_max_surge_new_instances_take_the_place_of_old_ones_when_they_are_well() -> None:
    world = rolling(maxSurge=True)
    number = change(world)
    assert world.ids(AT) == [0, 1, 2, 3, 4, 5, 6]
    assert (world.latest(AT), world.vms(AT)) == ([5, 6], ["succeeded"] * 5 + ["creating"] * 2)
    assert world.ids(AT + ROUND - 1) == [0, 1, 2, 3, 4, 5, 6]
    assert world.progress(AT + ROUND) == ("RollingForward", 2, 0, 2, 1)
    assert world.ids(AT + ROUND) == [2, 3, 4, 5, 6, 7, 8]
    assert world.progress(AT + 3 * ROUND) == ("Completed", 5, 0, 0, 0)
    assert world.ids(AT + 3 * ROUND) == world.latest(AT + 3 * ROUND) == [5, 6, 7, 8, 9]
    outcome = world.outcome(number, AT + 3 * ROUND)
    assert outcome is not None
    assert (outcome.code, world.set.model(world.life, START + AT + 3 * ROUND)["sku"]["capacity"]) == (None, 5)


def test_a_surges_batch_is_a_share_of_the_instances_without_those_that_leave() -> None:
    world = rolling(maxSurge=True, maxBatchInstancePercent=30)
    change(world)
    assert [len(world.upgrade(AT + step * ROUND).batch) for step in range(2)] == [1, 1]
    world = rolling(maxSurge=True, maxBatchInstancePercent=50)
    change(world)
    assert [len(world.upgrade(AT + step * ROUND).batch) for step in range(2)] == [2, 2]


def test_azures_own_upgrade_surges_too_and_keeps_the_model_of_each_instance() -> None:
    world = rolling("[{at: 1000s, upgrade: true}]", maxSurge=True)
    assert len(world.ids(AT)) == 7
    assert world.ids(AT + 3 * ROUND) == world.latest(AT + 3 * ROUND) == [5, 6, 7, 8, 9]


def test_a_surge_that_does_not_get_well_leaves_old_and_new_instances_beside_each_other() -> None:
    ill = "[{put: 2, at: 1s, instances: [6], health: unhealthy}]"
    world = rolling(ill, maxSurge=True, rollbackFailedInstancesOnPolicyBreach=True)
    change(world)
    end = AT + 4 * ROUND
    assert world.progress(end) == ("Faulted", 1, 1, 0, 3)
    assert (world.ids(end), world.latest(end)) == ([1, 2, 3, 4, 5, 6], [5, 6])
    change(world, end, capacity=4)
    assert world.set.model(world.life, START + end)["sku"]["capacity"] == 4


def test_an_instance_that_is_deleted_while_its_successor_boots_takes_it_along() -> None:
    world = rolling(maxSurge=True)
    change(world)
    world.do(AT + 1, "delete", [0])
    assert world.ids(AT + ROUND) == [2, 3, 4, 6, 7, 8]
    end = AT + 4 * ROUND
    assert (len(world.ids(end)), world.set.model(world.life, START + end)["sku"]["capacity"]) == (4, 4)


def test_unhealthy_instances_may_come_first() -> None:
    world = rolling("[{at: 500s, instances: [3], health: unhealthy}]", prioritizeUnhealthyInstances=True)
    change(world)
    assert world.latest(AT) == [0, 3]


def test_failed_instances_may_be_rolled_back() -> None:
    world = rolling("[{put: 2, at: 1s, instances: [1], health: unhealthy}]", rollbackFailedInstancesOnPolicyBreach=True)
    change(world)
    broken = AT + ROUND + 2
    assert world.progress(broken) == ("RollingBack", 1, 1, 1, 3)
    assert world.latest(broken) == [0]
    assert world.progress(broken + 2 * ROUND)[0] == "Faulted"
    assert world.latest(broken + 2 * ROUND) == [0]


def test_nothing_else_begins_while_it_runs() -> None:
    world = rolling()
    change(world)
    with pytest.raises(ArmError, match="OperationNotAllowed"):
        change(world, AT + 1, size="B4s")
    assert change(world, AT + 1) == 1
    change(world, AT + 3 * ROUND, size="B4s")
    assert world.progress(AT + 3 * ROUND)[0] == "RollingForward"


def test_a_cancelled_one_leaves_the_rest_as_it_was() -> None:
    world = rolling()
    number = change(world)
    world.do(AT + ROUND + 1, "cancel")
    assert world.progress(AT + 9 * ROUND) == ("Cancelled", 2, 0, 2, 1)
    assert (world.latest(AT + 9 * ROUND), world.vms(AT + 9 * ROUND)) == ([0, 1, 2, 3], ["succeeded"] * 5)
    outcome = world.outcome(number, AT + ROUND + 1)
    assert outcome is not None
    assert outcome.code == "Canceled"


def test_the_same_put_upgrades_what_a_faulted_one_left() -> None:
    events = "[{put: 2, at: 1s, instances: [1], health: unhealthy}, {put: 2, at: 500s, heal: true}]"
    world = rolling(events)
    change(world)
    assert change(world, AT + 600) == 2
    assert world.progress(AT + 600) == ("RollingForward", 0, 0, 2, 1)
    assert world.progress(AT + 600 + 2 * ROUND)[0] == "Completed"
    assert world.state(AT + 600 + 2 * ROUND) == "Succeeded"


def test_new_instances_and_a_change_of_the_capacity_alone_are_not_upgraded() -> None:
    world = rolling()
    change(world, capacity=7, size="B1s")
    assert world.set.story(world.life, START + AT + 1).upgrade is None
    change(world, AT + 200, capacity=9)
    assert world.progress(AT + 200) == ("RollingForward", 0, 0, 3, 4)
    assert world.latest(AT + 200) == [0, 1, 2, 7, 8]


def test_protected_instances_are_left_out() -> None:
    world = rolling()
    world.do(500, "protect", [2], frozenset({"protectFromScaleSetActions"}))
    change(world)
    assert world.progress(AT + 9 * ROUND) == ("Completed", 4, 0, 0, 0)
    assert world.latest(AT + 9 * ROUND) == [0, 1, 3, 4]


def test_azure_may_upgrade_of_its_own_accord() -> None:
    world = rolling("[{at: 500s, upgrade: true}]")
    assert world.progress(500) == ("RollingForward", 0, 0, 2, 3)
    assert (world.vms(500), world.latest(500)) == (["updating"] * 2 + ["succeeded"] * 3, [0, 1, 2, 3, 4])
    assert world.state(500) == "Succeeded"
    assert world.upgrade(500).started == START + 500
    with pytest.raises(ArmError, match="OperationNotAllowed"):
        change(world, 501)
    assert world.progress(500 + 3 * ROUND)[0] == "Completed"


def test_a_client_may_start_one() -> None:
    world = World(capacity=5, health=True)
    world.put(500, capacity=5, health=True, size="B2s")
    number = world.do(AT, "rollingupgrade")
    assert world.progress(AT) == ("RollingForward", 0, 0, 1, 4)
    assert world.outcome(number, AT + 5 * ROUND - 1) is None
    assert world.outcome(number, AT + 5 * ROUND) is not None
    assert world.latest(AT + 5 * ROUND) == [0, 1, 2, 3, 4]
    world.do(AT + 900, "rollingupgrade")
    assert world.progress(AT + 900) == ("Completed", 5, 0, 0, 0)


def test_a_deleted_instance_is_waited_for_no_longer() -> None:
    world = rolling()
    change(world)
    world.do(AT + 1, "delete", [0, 1, 4])
    assert world.progress(AT + 9 * ROUND) == ("Completed", 2, 0, 0, 0)


def test_what_is_shown_has_the_recorded_shape() -> None:
    world = rolling()
    change(world)
    body = views.rolling_upgrade(world.set, world.upgrade(AT + 1))
    assert set(body) == {"type", "location", "properties"}
    assert set(body["properties"]) == {"policy", "runningStatus", "progress"}
    assert body["properties"]["policy"]["maxUnhealthyInstancePercent"] == 20
    assert body["properties"]["runningStatus"]["code"] == "RollingForward"
    assert sum(body["properties"]["progress"].values()) == 5


def test_a_fault_is_shown_with_its_error() -> None:
    world = rolling("[{put: 1, at: 500s, health: unknown}]")
    change(world)
    error = views.rolling_upgrade(world.set, world.upgrade(AT))["properties"]["error"]
    assert error["code"] == "MaxUnhealthyInstancePercentExceededInRollingUpgrade"


ill = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 7), st.sampled_from(["unhealthy", "healthy"])), max_size=4)


@settings(deadline=None, max_examples=60)
@given(
    ill=ill,
    batch=st.integers(1, 100),
    unhealthy=st.integers(0, 100),
    upgraded=st.integers(0, 100),
    surge=st.booleans(),
    moments=st.lists(st.integers(0, 600), max_size=4),
)
def test_every_upgrade_ends_and_looking_does_not_change_how(
    ill: list[tuple[int, int, str]], batch: int, unhealthy: int, upgraded: int, surge: bool, moments: list[int]
) -> None:
    told = ", ".join(f"{{put: 2, at: {at}s, instances: [{who}], health: {state}}}" for at, who, state in ill)
    policy: dict[str, Any] = {
        "maxBatchInstancePercent": batch,
        "maxUnhealthyInstancePercent": unhealthy,
        "maxUnhealthyUpgradedInstancePercent": upgraded,
        "maxSurge": surge,
    }
    eager, late = (rolling(f"[{told}]", **policy) for _ in range(2))
    for world in (eager, late):
        change(world)
    for moment in moments:
        eager.instances(AT + moment)
    end = AT + 6 * (ROUND + 10)
    assert eager.progress(end) == late.progress(end)
    code, done, failed, running, waiting = late.progress(end)
    assert (code in ("Completed", "Faulted"), running) == (True, 0)
    assert done + failed + waiting == 5
    assert len(late.latest(end)) == done + failed
    assert (code == "Completed") == (late.state(end) == "Succeeded")
    assert waiting == 0 or code == "Faulted"
    assert len(late.ids(end)) == 5 + surge * failed
