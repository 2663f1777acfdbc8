"""Every body that the emulator makes is one that Azure's own models read, to the last key and in its place.

The same is asked of recorded bodies: a check that Azure's own answers fail would be wrong itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.census.azure_models import misfits
from tests.emulator.support import ArmSession, FakeClock, scale_set_body
from tests.recorded import RECORDED, recorded

from vmss_emulator import Emulator

VM = r"/virtualMachines/[^/?]+"
SET = r"/virtualMachineScaleSets/[^/?]+"
# What a GET of a path is answered with: the first that matches; of a list, what its elements are.
MODELS = {
    rf"{SET}/instanceView": "VirtualMachineScaleSetInstanceView",
    rf"{SET}/rollingUpgrades/latest": "RollingUpgradeStatusInfo",
    rf"{SET}/extensions(/[^/?]+)?": "VirtualMachineScaleSetExtension",
    rf"{SET}{VM}/instanceView": "VirtualMachineScaleSetVMInstanceView",
    rf"{SET}/virtualMachines(/[^/?]+)?": "VirtualMachineScaleSetVM",
    r"/virtualMachineScaleSets(/[^/?]+)?": "VirtualMachineScaleSet",
    rf"{VM}/instanceView": "VirtualMachineInstanceView",
    r"/virtualMachines(/[^/?]+)?": "VirtualMachine",
}
# An operation has no model in the SDK, whose pollers read it key by key.
OPERATION = {"startTime", "endTime", "status", "name", "error"}
STATES = {"InProgress", "Succeeded", "Failed", "Canceled"}
# What Compute's 429 has by its documentation, and the SDK's models do not.
BESIDE_MODELS = ["$.error.innererror.internalErrorCode: InnerError has no such field"]


def wrong(path: str, body: Any) -> list[str]:
    """What of the answer to a GET is not as Azure's."""
    if "error" in body and "/operations/" not in path:
        return [each for each in misfits("CloudError", body) if each not in BESIDE_MODELS]
    if "/operations/" in path:
        odd = [f"$.{key}: an operation has no such field" for key in body.keys() - OPERATION]
        odd += [] if body["status"] in STATES else [f"$.status: {body['status']}"]
        return odd + misfits("CloudError", {"error": body.get("error")})
    model = model_of(path)
    if "value" not in body:
        return misfits(model, body)
    pages = [f"$.{key}: a list has no such field" for key in body.keys() - {"value", "nextLink"}]
    return pages + [each for one in body["value"] for each in misfits(model, one)]


def model_of(path: str) -> str:
    return next(model for pattern, model in MODELS.items() if re.search(f"{pattern}$", path))


# What sets of a mode never answer with.
REFUSED = {
    "Uniform": {"VirtualMachineInstanceView"},
    "Flexible": {"VirtualMachineScaleSetVMInstanceView", "VirtualMachineScaleSetInstanceView"},
}
EVENTS = [
    {"at": "5s", "instances": [1], "health": "unhealthy"},
    {"at": "5s", "instances": [2], "extension": "cse", "state": "failed/50", "message": "exit status 50"},
    {"at": "20s", "instances": [3], "power": "deallocated"},
    {"at": "20s", "instances": [1], "state": "failed/OSProvisioningTimedOut", "message": "no signal"},
    {"at": "30s", "repairs": "Suspended"},
    {"at": "40s", "heal": True},
    {"put": 2, "at": "30s", "upgrade": True},
    {"put": 2, "at": "31s", "instances": [2], "extension": "cse", "state": "failed/50", "message": "exit status 50"},
    {"put": 3, "at": "0s", "instances": [3], "extension": "cse", "state": "failed/7"},
]
TIMELINE = {"scale_sets": {"*": {"standby": 2, "surplus": 1, "events": EVENTS}}}
REPAIRS = {"enabled": True, "gracePeriod": "PT10M"}
ROLLING = {"mode": "Rolling", "rollingUpgradePolicy": {"maxBatchInstancePercent": 40}}
MOMENTS = [0.5, 2, 4, 10, 25, 35, 60]
SIZES = {0.5: "Standard_B1s", 100.5: "Standard_B2s", 200.5: "Standard_B2ms"}  # when the set gets another model


class Lived:
    """A set of one mode, on a clock that the test moves; every answer to a GET is kept."""

    def __init__(self, azure: Emulator, clock: FakeClock, mode: str) -> None:
        self.arm, self.clock, self.mode = ArmSession(azure), clock, mode
        self.answers: list[tuple[str, Any]] = []
        self.operations: list[str] = []

    def get(self, path: str, **query: str) -> Any:
        answer = self.arm.ask("GET", path, **query)
        body = answer.json()
        self.answers.append((path.partition("?")[0], body))
        return body

    def put(self, **changed: Any) -> None:
        body = scale_set_body(4, extensions=("cse",), health=True, **changed)
        body["zones"] = ["1", "2"]
        properties = {"orchestrationMode": self.mode, "automaticRepairsPolicy": REPAIRS, "upgradePolicy": ROLLING}
        body["properties"] = {**body["properties"], **properties}
        answer = self.arm.put(self.arm.set_id, body)
        self.answers.append((self.arm.set_id, answer.json()))
        self.operations.append(answer.headers["Azure-AsyncOperation"])

    def live(self) -> None:
        self.arm.put_group()
        began = self.clock.now
        for moment in (since + each for since in (0, 100, 200) for each in MOMENTS):
            self.clock.now = began + moment
            if moment in SIZES:
                self.put(size=SIZES[moment])
            self.look()

    def look(self) -> None:
        arm = self.arm
        group, vms = f"{arm.group_id}/providers/Microsoft.Compute", f"{arm.set_id}/virtualMachines"
        for path in (arm.set_id, f"{arm.set_id}/instanceView", f"{arm.set_id}/rollingUpgrades/latest", vms):
            self.get(path)
        for path in (f"{arm.set_id}/extensions", f"{group}/virtualMachineScaleSets", *self.operations):
            self.get(path)
        listed = self.get(vms, expand="instanceView").get("value", ())
        named = f"'virtualMachineScaleSet/id' eq '{arm.set_id}'"
        listed = [*listed, *self.get(f"{group}/virtualMachines", filter=named)["value"]]
        self.get(f"{group}/virtualMachines", filter=named, expand="instanceView")
        for vm in listed:
            self.get(vm["id"])
            self.get(vm["id"], expand="instanceView")
            self.get(f"{vm['id']}/instanceView")


@pytest.fixture(scope="module", params=["Uniform", "Flexible"])
def lived(request: pytest.FixtureRequest) -> Iterator[Lived]:
    clock = FakeClock()
    with Emulator(TIMELINE, clock=clock) as azure:
        found = Lived(azure, clock, request.param)
        found.live()
        yield found
        found.arm.close()


def test_each_body_of_the_emulator_is_azures_to_the_last_key(lived: Lived) -> None:
    found = {f"{path}: {each}" for path, body in lived.answers for each in wrong(path, body)}
    assert sorted(found) == []


def test_each_kind_of_body_was_among_them(lived: Lived) -> None:
    answered = [path for path, body in lived.answers if "error" not in body]
    seen = {model_of(path) for path in answered if "/operations/" not in path}
    assert set(MODELS.values()) - seen == REFUSED[lived.mode]
    told = json.dumps(lived.answers)
    words = ("RollingForward", "Completed", "failed/50", "unhealthy", "Failed", "deallocated", "creating")
    assert [word for word in words if word not in told] == []
    assert lived.mode == "Flexible" or "Suspended" in told
    assert any("error" in body for _, body in lived.answers)


UNUSUAL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "canceled": ({"boot": "1h", "events": [{"cancel": True}, {"instances": [1], "state": "canceled"}]}, {}),
    "agents that vanish": ({"events": [{"instances": [1], "agent": "unavailable", "message": "no heartbeat"}]}, {}),
    "external health": (
        {"events": [{"instances": [1], "health": "unknown"}]},
        {"health": False, "properties": {"externalHealthPolicy": {"enabled": True, "expiryDuration": "PT10M"}}},
    ),
    "suppressed failures": (
        {"events": [{"extension": "cse", "state": "failed/1"}]},
        {"extensions": [{"name": "cse", "properties": {"suppressFailures": True, "settings": {"a": 1}}}]},
    ),
    "bare lists": ({"list_carries": []}, {}),
    "attached": (
        {"attached": 2, "events": [{"extension": "cse", "state": "succeeded"}, {"health": "healthy"}]},
        {"capacity": None, "health": False},
    ),
}


@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
@pytest.mark.parametrize("unusual", UNUSUAL)
def test_the_unusual_is_where_azure_has_it(unusual: str, mode: str) -> None:
    told, wanted = UNUSUAL[unusual]
    clock = FakeClock()
    with Emulator({"scale_sets": {"*": told}}, clock=clock) as azure:
        found = Lived(azure, clock, mode if unusual != "attached" else "Flexible")
        azure.put_scale_set("web", **{"health": True, "orchestration_mode": found.mode, **wanted})
        clock.advance(60)
        found.look()
        found.arm.close()
    assert [each for path, body in found.answers for each in wrong(path, body)] == []
    assert len(found.answers) > 9


@pytest.mark.parametrize(
    ("quota", "path", "status"),
    [({"view": {"size": 1}}, "/instanceView", 429), (None, "/virtualMachines/x", 400), (None, "2", 404)],
)
def test_a_refusal_is_azures_too(quota: Any, path: str, status: int) -> None:
    with Emulator({"scale_sets": {}, **({"quota": quota} if quota else {})}) as azure:
        arm, web = ArmSession(azure), azure.put_scale_set("web")
        answer = next(one for _ in range(9) if (one := arm.ask("GET", web + path)).status_code != 200)
        assert (answer.status_code, wrong(web, answer.json())) == (status, [])
        arm.close()


# The check itself.

VIEW = {"statuses": [{"code": "ProvisioningState/succeeded", "level": "Info", "time": "2026-03-01T08:00:00+00:00"}]}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/virtualMachines/v", {"properties": {"isVMInStandbyPool": True}}, "isVMInStandbyPool: VirtualMachineProp"),
        ("/virtualMachines/v", {"properties": {"instanceView": {"latestModelApplied": True}}}, "latestModelApplied"),
        ("/virtualMachines/v/instanceView", {"statuses": [{"code": "a/b", "text": "x"}]}, r"statuses\[0\].text"),
        ("/virtualMachines/v/instanceView", {"statuses": [{"level": "Fatal"}]}, "level: 'Fatal'"),
        ("/virtualMachines/v/instanceView", {"statuses": [{"time": "now"}]}, "time: 'now' is not datetime"),
        ("/virtualMachines/v/instanceView", {"statuses": {"code": "a/b"}}, "statuses"),
        ("/virtualMachines", {"value": [], "next": "x"}, "next: a list has no such field"),
        ("/virtualMachineScaleSets/s", {"sku": {"capacity": "3"}}, "capacity: '3' is not int"),
        ("/virtualMachineScaleSets/s", {"properties": {"overprovision": "true"}}, "overprovision: 'true' is not bool"),
        ("/virtualMachineScaleSets/s", {"tags": {"a": 1}}, "tags.a: '1' is not str"),
        ("/virtualMachineScaleSets/s", {"properties": []}, "properties"),
        ("/virtualMachineScaleSets/s", {"error": {"code": "x", "reason": "y"}}, "reason: ApiError has no such field"),
        ("/operations/o", {"status": "Done"}, "status: Done"),
        ("/operations/o", {"status": "Failed", "progress": 3}, "progress: an operation has no such field"),
    ],
)
def test_a_body_that_is_not_azures_is_told_with_the_place(path: str, body: Any, said: str) -> None:
    assert re.search(said, "; ".join(wrong(path, body)))
    assert len(wrong(path, body)) == 1


@pytest.mark.parametrize("path", ["/virtualMachines/v/instanceView", "/virtualMachineScaleSets/s/instanceView"])
@pytest.mark.parametrize("body", [{}, VIEW, {"statuses": None}, {"extensions": []}])
def test_what_azure_leaves_out_is_not_missed(path: str, body: Any) -> None:
    assert wrong(path, body) == []


# By the names in the index of recorded bodies.
RECORDED_MODELS = {
    "doc_vmssvm_list": "VirtualMachineScaleSetVM",
    "vmss_iv": "VirtualMachineScaleSetInstanceView",
    "vmssvm_iv": "VirtualMachineScaleSetVMInstanceView",
    "vmssvm_": "VirtualMachineScaleSetVM",
    "vm_iv": "VirtualMachineInstanceView",
    "vm_list": "VirtualMachine",
    "vm_put": "VirtualMachine",
    "rolling_latest": "RollingUpgradeStatusInfo",
    "vmss_flexible_properties": "VirtualMachineScaleSetProperties",
    "vmss_": "VirtualMachineScaleSet",
}
# Why a body that was published does not fit, by its name.
EXCEPTIONS = {
    "doc_vmss_iv_string_counts_2016-04-30-preview": "written by hand in 2016, with counts as texts",
    "doc_vmssvm_iv_2016-04-30-preview": "written by hand in 2016: a domain under another name and as a text, no times",
    "doc_vmssvm_list_expand_iv_2017-03-30_fragment": "written by hand for 2017, and cut off in the middle",
    "doc_rolling_latest_inprogress_cli_flattened_2024-01": "printed by the az CLI, which takes `properties` away",
    "doc_err_429_CRP_HighCostGetVMScaleSet30Min": "its innererror has a key that no model of errors knows",
    "doc_err_429_CRP_OperationNotAllowed_no_envelope": "printed without the envelope {error: ...}",
}


def published() -> list[str]:
    return [file.stem for file in sorted(RECORDED.glob("*.json"))]


@pytest.mark.recorded
@pytest.mark.parametrize("name", published())
def test_a_recorded_body_fits_or_it_is_known_why_not(name: str) -> None:
    body = recorded(name)
    assert (recorded_misfits(name, body) != []) == (name in EXCEPTIONS)


def recorded_misfits(name: str, body: Any) -> list[str]:
    if "err_" in name:
        return misfits("CloudError", body)
    if name.startswith(("operation_", "issue_arm_deployment")):
        return wrong("/operations/o", body)
    model = next(model for part, model in RECORDED_MODELS.items() if part in name)
    return [each for one in body.get("value", [body]) for each in misfits(model, one)]
