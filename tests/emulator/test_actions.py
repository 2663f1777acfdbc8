"""The routes of actions, rolling upgrades and protection, as a client without any SDK meets them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from tests.emulator.support import ArmSession, FakeClock, error, scale_set_body

from vmss_emulator import Emulator

LIFE = {"boot": "10s", "extension": "10s", "healthy": "10s"}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[FakeClock, ArmSession]]:
    clock = FakeClock()
    with Emulator({"scale_sets": {"*": LIFE}}, clock=clock, token_lifetime=1e9) as azure:
        session = ArmSession(azure)
        session.put_group()
        yield clock, session
        session.close()


@pytest.fixture
def clock(shared: tuple[FakeClock, ArmSession]) -> FakeClock:
    return shared[0]


@pytest.fixture
def arm(shared: tuple[FakeClock, ArmSession]) -> ArmSession:
    """A session, and a healthy set of three that is as it was made."""
    clock, session = shared
    session.azure.load({"scale_sets": {"*": LIFE}})
    session.ask("DELETE", session.set_id)
    session.put(session.set_id, scale_set_body(health=True))
    clock.advance(100)
    return session


def status(arm: ArmSession, answer: requests.Response) -> str:
    return str(arm.get(answer.headers["Azure-AsyncOperation"])["status"])


def post(arm: ArmSession, action: str, *instances: str) -> requests.Response:
    body = {"instanceIds": list(instances)} if instances else None
    return arm.ask("POST", f"{arm.set_id}/{action}", body)


def powers(arm: ArmSession) -> list[str]:
    page = arm.get(f"{arm.set_id}/virtualMachines", expand="instanceView")["value"]
    return [vm["properties"]["instanceView"]["statuses"][1]["code"].removeprefix("PowerState/") for vm in page]


def latest(arm: ArmSession) -> list[bool]:
    return [vm["properties"]["latestModelApplied"] for vm in arm.get(f"{arm.set_id}/virtualMachines")["value"]]


def test_a_manual_upgrade_is_an_operation_of_the_set(arm: ArmSession, clock: FakeClock) -> None:
    arm.put(arm.set_id, scale_set_body(health=True, size="B2s"))
    clock.advance(1)
    assert latest(arm) == [False] * 3
    answer = post(arm, "manualupgrade", "1")
    assert (answer.status_code, status(arm, answer), latest(arm)) == (202, "InProgress", [False, True, False])
    assert arm.get(arm.set_id)["properties"]["provisioningState"] == "Updating"
    clock.advance(20)
    assert status(arm, answer) == "Succeeded"
    post(arm, "manualupgrade", "*")
    assert latest(arm) == [True] * 3


def test_machines_are_switched_off_and_on(arm: ArmSession, clock: FakeClock) -> None:
    assert post(arm, "deallocate", "0").status_code == 202
    assert powers(arm) == ["deallocated", "running", "running"]
    assert arm.ask("POST", f"{arm.set_id}/virtualMachines/1/powerOff").status_code == 202
    assert powers(arm) == ["deallocated", "stopped", "running"]
    post(arm, "start")
    clock.advance(10)
    assert powers(arm) == ["running"] * 3


def test_an_instance_can_be_deleted_by_itself_or_by_the_set(arm: ArmSession) -> None:
    assert arm.ask("DELETE", f"{arm.set_id}/virtualMachines/0").status_code == 202
    post(arm, "delete", "1")
    assert [vm["instanceId"] for vm in arm.get(f"{arm.set_id}/virtualMachines")["value"]] == ["2"]
    assert arm.get(arm.set_id)["sku"]["capacity"] == 1
    assert arm.ask("DELETE", f"{arm.set_id}/virtualMachines/0").status_code == 404


@pytest.mark.parametrize("action", ["manualupgrade", "delete"])
def test_some_actions_want_to_know_which_instances(arm: ArmSession, action: str) -> None:
    answer = post(arm, action)
    assert (answer.status_code, error(answer)) == (400, "InvalidParameter")


def test_an_instance_that_does_not_exist_is_refused(arm: ArmSession) -> None:
    answer = post(arm, "restart", "7")
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, "instanceIds")


def test_an_action_is_a_post(arm: ArmSession) -> None:
    for below in ("start", "osRollingUpgrade", "rollingUpgrades/cancel", "virtualMachines/0/start"):
        assert arm.ask("GET" if "/0/" not in below else "PUT", f"{arm.set_id}/{below}", {}).status_code == 405
    assert arm.ask("POST", f"{arm.set_id}/dance").status_code == 404


def test_protection_is_put_on_an_instance_and_shown(arm: ArmSession) -> None:
    body = {"location": "westeurope", "properties": {"protectionPolicy": {"protectFromScaleSetActions": True}}}
    answer = arm.put(f"{arm.set_id}/virtualMachines/1", body)
    shown = {"protectFromScaleIn": False, "protectFromScaleSetActions": True}
    properties = answer.json()["properties"]
    assert (properties["protectionPolicy"], properties["provisioningState"]) == (shown, "Updating")
    assert status(arm, answer) == "Succeeded"
    arm.put(arm.set_id, scale_set_body(health=True, size="B2s"))
    post(arm, "manualupgrade", "*")
    assert latest(arm) == [True, False, True]


def test_a_rolling_upgrade_is_followed_and_cancelled(arm: ArmSession, clock: FakeClock) -> None:
    path = f"{arm.set_id}/rollingUpgrades"
    assert error(arm.ask("GET", f"{path}/latest")) == "ResourceNotFound"
    refused = arm.ask("POST", f"{path}/cancel")
    assert (refused.status_code, error(refused)) == (409, "OperationNotAllowed")
    answer = arm.put(arm.set_id, scale_set_body(health=True, size="B2s", mode="Rolling"))
    assert status(arm, answer) == "InProgress"
    found = arm.get(f"{path}/latest")["properties"]
    assert (found["runningStatus"]["code"], found["progress"]["pendingInstanceCount"]) == ("RollingForward", 2)
    assert arm.ask("POST", f"{path}/cancel").status_code == 202
    assert arm.get(f"{path}/latest")["properties"]["runningStatus"]["lastAction"] == "Cancel"
    clock.advance(1)
    assert status(arm, answer) == "Canceled"
    assert latest(arm) == [True, False, False]


def test_what_a_running_upgrade_forbids_is_refused(arm: ArmSession) -> None:
    arm.put(arm.set_id, scale_set_body(health=True, size="B2s", mode="Rolling"))
    refused = [
        arm.ask("PUT", arm.set_id, scale_set_body(health=True, size="B4s", mode="Rolling")),
        arm.ask("PATCH", arm.set_id, {"sku": {"capacity": 4}}),
        arm.ask("PUT", f"{arm.set_id}/extensions/cse", {"properties": {}}),
        post(arm, "manualupgrade", "*"),
        post(arm, "extensionRollingUpgrade"),
    ]
    assert {(answer.status_code, error(answer)) for answer in refused} == {(409, "OperationNotAllowed")}
    assert post(arm, "restart", "2").status_code == 202


@pytest.mark.parametrize("action", ["osRollingUpgrade", "extensionRollingUpgrade"])
def test_a_client_may_start_an_upgrade(arm: ArmSession, clock: FakeClock, action: str) -> None:
    arm.put(arm.set_id, scale_set_body(health=True, size="B2s"))
    answer = post(arm, action)
    clock.advance(30)
    assert (status(arm, answer), latest(arm)) == ("InProgress", [True, True, False])
    clock.advance(60)
    assert (status(arm, answer), latest(arm)) == ("Succeeded", [True] * 3)


FAULT = "MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade"


def test_an_upgrade_that_faults_lets_the_put_fail(arm: ArmSession, clock: FakeClock) -> None:
    arm.azure.load({"scale_sets": {"web": {**LIFE, "events": [{"put": 2, "health": "unhealthy"}]}}})
    answer = arm.put(arm.set_id, scale_set_body(health=True, size="B2s", mode="Rolling"))
    clock.advance(60)
    body = arm.get(answer.headers["Azure-AsyncOperation"])
    assert (body["status"], body["error"]["code"]) == ("Failed", FAULT)
    assert arm.get(f"{arm.set_id}/rollingUpgrades/latest")["properties"]["error"] == body["error"]


@pytest.mark.parametrize(
    "policy",
    [{"maxBatchInstancePercent": "x"}, {"maxUnhealthyInstancePercent": 101}, {"pauseTimeBetweenBatches": "5s"}],
)
def test_a_policy_that_means_nothing_is_refused(arm: ArmSession, policy: dict[str, object]) -> None:
    body = scale_set_body()
    body["properties"]["upgradePolicy"]["rollingUpgradePolicy"] = policy
    answer = arm.ask("PUT", arm.set_id, body)
    assert (answer.status_code, error(answer)) == (400, "InvalidParameter")


def test_repairs_are_suspended_and_resumed(arm: ArmSession) -> None:
    arm.ask("PATCH", arm.set_id, {"properties": {"automaticRepairsPolicy": {"enabled": True}}})
    for action, state in (("Suspend", "Suspended"), ("Resume", "Running")):
        body = {"serviceName": "AutomaticRepairs", "action": action}
        assert arm.ask("POST", f"{arm.set_id}/setOrchestrationServiceState", body).status_code == 202
        services = arm.get(f"{arm.set_id}/instanceView")["orchestrationServices"]
        assert services == [{"serviceName": "AutomaticRepairs", "serviceState": state}]
    assert arm.ask("POST", f"{arm.set_id}/setOrchestrationServiceState", {"action": "Stop"}).status_code == 400


def test_a_flexible_sets_vms_are_acted_upon_by_name(arm: ArmSession, clock: FakeClock) -> None:
    path = arm.azure.put_scale_set("flex", health=True, orchestration_mode="Flexible")
    clock.advance(60)
    names = [vm["name"] for vm in arm.get(f"{path}/virtualMachines")["value"]]
    vms = f"{arm.group_id}/providers/Microsoft.Compute/virtualMachines"
    arm.ask("POST", f"{path}/deallocate", {"instanceIds": [names[0]]})
    assert arm.ask("POST", f"{vms}/{names[1]}/powerOff").status_code == 202
    found = [arm.get(f"{vms}/{name}/instanceView")["statuses"][1]["code"] for name in names]
    assert found == ["PowerState/deallocated", "PowerState/stopped", "PowerState/running"]
    assert arm.ask("DELETE", f"{vms}/{names[2]}").status_code == 202
    assert arm.ask("GET", f"{vms}/{names[2]}").status_code == 404
    assert arm.get(path)["sku"]["capacity"] == 2
    arm.azure.put_scale_set("flex", health=True, upgrade_mode="Rolling", properties={"tags": {}})
    arm.ask("DELETE", path)


def test_instances_are_spread_over_zones(arm: ArmSession) -> None:
    for mode in ("Uniform", "Flexible"):
        path = arm.azure.put_scale_set(f"zonal-{mode}", capacity=4, zones=["1", "2"], orchestration_mode=mode)
        zones = [vm["zones"][0] for vm in arm.get(f"{path}/virtualMachines")["value"]]
        assert zones == ["1", "2", "1", "2"]
