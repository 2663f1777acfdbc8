"""Flexible scale sets: VMs of the resource group, and what Azure refuses to say below the set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.emulator.support import ArmSession, FakeClock, counts, error, scale_set_body

from vmss_emulator import Emulator

AT_ONCE = {"boot": "0s", "extension": "0s", "healthy": "0s"}


@pytest.fixture(scope="module")
def arm() -> Iterator[ArmSession]:
    with Emulator({"scale_sets": {"*": AT_ONCE}}, page_size=4) as azure:
        session = ArmSession(azure)
        yield session
        session.close()


@pytest.fixture
def web(arm: ArmSession) -> str:
    """A set of five with an extension and health."""
    arm.put_group()
    arm.ask("DELETE", arm.set_id)
    arm.azure.load({"scale_sets": {"*": AT_ONCE}})
    return arm.azure.put_scale_set("web", capacity=5, extensions=["cse"], health=True, orchestration_mode="Flexible")


def vms(arm: ArmSession) -> str:
    return f"{arm.group_id}/providers/Microsoft.Compute/virtualMachines"


def of(scale_set: str) -> str:
    return f"'virtualMachineScaleSet/id' eq '{scale_set}'"


def listed(arm: ArmSession, scale_set: str, **query: str) -> list[dict[str, Any]]:
    page, found = arm.get(vms(arm), filter=of(scale_set), **query), []
    while True:
        found += page["value"]
        if "nextLink" not in page:
            return found
        page = arm.get(page["nextLink"])


def view_of(vm: dict[str, Any]) -> dict[str, Any]:
    return dict(vm["properties"]["instanceView"])


def test_its_instances_are_vms_of_the_group_that_name_the_set(arm: ArmSession, web: str) -> None:
    found = listed(arm, web)
    assert len({vm["name"] for vm in found}) == 5
    assert all(vm["id"] == f"{vms(arm)}/{vm['name']}" and vm["name"].startswith("web_") for vm in found)
    assert all(vm["properties"]["virtualMachineScaleSet"]["id"] == web for vm in found)
    assert all("instanceView" not in vm["properties"] for vm in found)


def test_their_names_are_the_same_for_the_same_set(arm: ArmSession, web: str) -> None:
    before = [vm["name"] for vm in listed(arm, web)]
    arm.ask("DELETE", web)
    assert listed(arm, web) == []
    arm.azure.put_scale_set("web", capacity=2, orchestration_mode="Flexible")
    assert [vm["name"] for vm in listed(arm, web)] == before[:2]


def test_the_expanded_list_tells_extensions_and_health_unless_told_otherwise(arm: ArmSession, web: str) -> None:
    assert {"extensions", "vmHealth", "statuses"} <= set(view_of(listed(arm, web, expand="instanceView")[0]))
    arm.azure.load({"scale_sets": {"web": {**AT_ONCE, "list_carries": []}}})
    assert set(view_of(listed(arm, web, expand="instanceView")[0])) == {"platformFaultDomain", "statuses"}
    arm.azure.load({"scale_sets": {"web": {**AT_ONCE, "list_carries": ["health"]}}})
    assert "vmHealth" in view_of(listed(arm, web, expand="instanceView")[0])


def test_what_the_list_carries_can_be_said_for_all_sets() -> None:
    with Emulator({"scale_sets": {"*": AT_ONCE}}, list_carries=["extensions"]) as azure:
        arm = ArmSession(azure)
        path = azure.put_scale_set("web", extensions=["cse"], health=True, orchestration_mode="Flexible")
        view = view_of(listed(arm, path, expand="instanceView")[0])
        assert ("extensions" in view, "vmHealth" in view) == (True, False)
        arm.close()


def test_a_vms_own_view_tells_everything(arm: ArmSession, web: str) -> None:
    vm = listed(arm, web)[0]
    view = arm.get(f"{vm['id']}/instanceView")
    assert [one["name"] for one in view["extensions"]] == ["cse", "health"]
    assert view["vmHealth"]["status"]["code"] == "HealthState/healthy"
    assert view["vmAgent"]["statuses"][0]["code"] == "ProvisioningState/succeeded"
    assert arm.get(vm["id"]) == vm
    again = view_of(arm.get(vm["id"], expand="instanceView"))
    assert {**again, "vmAgent": view["vmAgent"]} == view


@pytest.mark.parametrize("space", ["%20", "+"])
@pytest.mark.parametrize("encoded", [False, True])
def test_the_filter_is_read_as_clients_write_it(arm: ArmSession, web: str, space: str, encoded: bool) -> None:
    written = of(web.upper()).replace(" ", space)
    if encoded:
        written = written.replace("'", "%27").replace("/", "%2F")
    name = "%24filter" if encoded else "$filter"
    url = f"{arm.azure.url}{vms(arm)}?{name}={written}&api-version=2024-11-01"
    assert len(arm.session.get(url).json()["value"]) == 4


@pytest.mark.parametrize("written", ["notexists", "/subscriptions/x/virtualMachineScaleSets/web"])
def test_a_filter_that_names_no_set_is_answered_with_nothing(arm: ArmSession, web: str, written: str) -> None:
    assert arm.get(vms(arm), filter=of(written), expand="instanceView") == {"value": []}


def test_a_uniform_sets_instances_are_no_vms(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set("uniform")
    assert arm.get(vms(arm), filter=of(path)) == {"value": []}


@pytest.mark.parametrize("written", ["name eq 'web'", "virtualMachineScaleSet/id eq 'x'", ""])
def test_another_filter_is_refused(arm: ArmSession, web: str, written: str) -> None:
    answer = arm.ask("GET", vms(arm), filter=written)
    assert (answer.status_code, error(answer)) == (400, "BadRequest")


def test_the_list_is_expanded_only_under_a_filter(arm: ArmSession, web: str) -> None:
    answer = arm.ask("GET", vms(arm), expand="instanceView")
    assert (answer.status_code, error(answer)) == (400, "BadRequest")


def test_the_list_of_a_subscription_tells_views_under_status_only(arm: ArmSession, web: str) -> None:
    everywhere = f"/subscriptions/{arm.azure.subscription_id}/providers/Microsoft.Compute/virtualMachines"
    asked = f"{arm.azure.url}{{}}?statusOnly=true&api-version=2024-11-01"
    told = arm.get(asked.format(everywhere))["value"]
    assert len(told) == 4
    assert all("statuses" in view_of(vm) for vm in told)
    assert "instanceView" not in str(arm.get(everywhere))
    assert "instanceView" not in str(arm.get(asked.format(vms(arm))))


def test_without_a_filter_all_vms_of_the_group_are_listed(arm: ArmSession, web: str) -> None:
    own = f"{vms(arm)}/mine"
    arm.put(own, {"location": "westeurope", "properties": {}})
    page, names = arm.get(vms(arm)), []
    while True:
        names += [vm["name"] for vm in page["value"]]
        if "nextLink" not in page:
            break
        page = arm.get(page["nextLink"])
    assert {"mine", *(vm["name"] for vm in listed(arm, web))} <= set(names)
    assert arm.get(own)["name"] == "mine"
    assert arm.ask("DELETE", own).status_code == 200


@pytest.mark.parametrize("wanted", ["", "resourceType eq 'Microsoft.Compute/virtualMachines'"])
def test_its_vms_are_among_the_resources_of_their_group(arm: ArmSession, web: str, wanted: str) -> None:
    found = {one["name"]: one for one in arm.get(f"{arm.group_id}/resources", filter=wanted)["value"]}
    for vm in listed(arm, web):
        shown = {key: vm[key] for key in ("name", "id", "type", "tags", "location")}
        assert found[vm["name"]] == shown


@pytest.mark.parametrize(
    ("method", "below"),
    [
        ("PATCH", ""),
        ("PUT", ""),
        ("GET", "/extensions"),
        ("GET", "/extensions/cse"),
        ("PUT", "/extensions/other"),
        ("DELETE", "/extensions/cse"),
        ("GET", "/runCommands"),
        ("POST", "/redeploy"),
    ],
)
def test_what_else_azure_does_with_its_vms_is_not_emulated_and_changes_nothing(
    arm: ArmSession, web: str, method: str, below: str
) -> None:
    before = listed(arm, web)
    body = {"location": "westeurope", "tags": {"a": "b"}, "properties": {}}
    answer = arm.ask(method, f"{before[0]['id']}{below}", None if method in ("GET", "DELETE") else body)
    assert (answer.status_code, error(answer)) == (501, "NotEmulated")
    assert listed(arm, web) == before


def test_a_vm_that_is_deleted_is_gone_and_the_set_is_smaller(arm: ArmSession, web: str) -> None:
    first = listed(arm, web)[0]
    arm.ask("PUT", first["id"], {"location": "westeurope", "properties": {}})
    arm.finish(arm.ask("DELETE", first["id"]))
    assert arm.ask("GET", first["id"]).status_code == 404
    assert (len(listed(arm, web)), arm.get(web)["sku"]["capacity"]) == (4, 4)


@pytest.mark.parametrize(("method", "below"), [("DELETE", ""), ("PATCH", ""), ("POST", "/start")])
def test_nothing_is_done_to_a_vm_that_waits_in_a_standby_pool(
    arm: ArmSession, web: str, method: str, below: str
) -> None:
    arm.azure.load({"scale_sets": {"web": {**AT_ONCE, "standby": 1}}})
    before = listed(arm, web)
    answer = arm.ask(method, f"{before[-1]['id']}{below}", {})
    assert (answer.status_code, error(answer)) == (501, "NotEmulated")
    assert listed(arm, web) == before


def test_a_vm_is_attached_to_a_set_by_the_timeline_alone(arm: ArmSession, web: str) -> None:
    own, member = f"{vms(arm)}/mine", {"properties": {"virtualMachineScaleSet": {"id": web}}}
    refused = [arm.ask("PUT", own, {"location": "westeurope", **member})]
    assert arm.ask("GET", own).status_code == 404
    arm.put(own, {"location": "westeurope", "properties": {"virtualMachineScaleSet": None}})
    refused.append(arm.ask("PATCH", own, member))
    assert {(answer.status_code, error(answer)) for answer in refused} == {(501, "NotEmulated")}
    assert "`attached`" in refused[0].json()["error"]["message"]
    arm.ask("DELETE", own)


@pytest.mark.parametrize(("method", "below"), [("GET", "instanceView"), ("GET", "vmSizes"), ("POST", "start")])
def test_what_lies_below_a_vm_that_belongs_to_no_set_is_not_emulated(
    arm: ArmSession, web: str, method: str, below: str
) -> None:
    own = f"{vms(arm)}/mine"
    arm.put(own, {"location": "westeurope", "properties": {}})
    refused = arm.ask(method, f"{own}/{below}")
    assert (refused.status_code, error(refused)) == (501, "NotEmulated")
    assert arm.get(f"{own}/extensions")["value"] == []
    arm.ask("DELETE", own)


def test_a_lock_is_put_only_on_a_vm_that_is_there(arm: ArmSession, web: str) -> None:
    lock = "providers/Microsoft.Authorization/locks/keep"
    absent = arm.ask("PUT", f"{vms(arm)}/web_00000000/{lock}", {"properties": {"level": "CanNotDelete"}})
    assert (absent.status_code, error(absent)) == (404, "ResourceNotFound")
    own = f"{vms(arm)}/mine"
    arm.put(own, {"location": "westeurope", "properties": {}})
    for there in (own, listed(arm, web)[0]["id"]):
        assert arm.put(f"{there}/{lock}", {"properties": {"level": "CanNotDelete"}}).status_code == 201
        assert arm.ask("DELETE", f"{there}/{lock}").status_code == 200
    arm.ask("DELETE", own)


def test_a_vm_that_does_not_exist_is_not_found(arm: ArmSession, web: str) -> None:
    for path in (f"{vms(arm)}/web_00000000", f"{vms(arm)}/web_00000000/instanceView"):
        answer = arm.ask("GET", path)
        assert (answer.status_code, error(answer)) == (404, "ResourceNotFound")


def test_below_the_set_only_names_are_told(arm: ArmSession, web: str) -> None:
    found = arm.get(f"{web}/virtualMachines")["value"]
    assert [vm["instanceId"] for vm in found] == [vm["name"] for vm in listed(arm, web)][:4]
    assert "latestModelApplied" not in str(found)
    assert arm.get(f"{web}/virtualMachines/{found[0]['name']}") == found[0]
    assert arm.ask("GET", f"{web}/virtualMachines/web_00000000").status_code == 404


@pytest.mark.parametrize(
    ("below", "expand", "status", "code", "operation"),
    [
        ("instanceView", None, 409, "OperationNotAllowed", "VirtualMachineScaleSets.instanceView.GET"),
        ("virtualMachines/1/instanceView", None, 409, "OperationNotAllowed", "VMScaleSetVMs.instanceView.GET"),
        ("virtualMachines", "instanceView", 400, "BadRequest", "VirtualMachineScaleSets.virtualMachines.GET"),
    ],
)
def test_what_only_a_uniform_set_tells_is_refused(
    arm: ArmSession, web: str, below: str, expand: str | None, status: int, code: str, operation: str
) -> None:
    answer = arm.ask("GET", f"{web}/{below}", **({"expand": expand} if expand else {}))
    assert (answer.status_code, error(answer)) == (status, code)
    told = f"Operation '{operation}' is not allowed on Virtual Machine Scale Set 'web'."
    assert answer.json()["error"]["message"] == told


def test_an_instance_id_that_is_no_number_is_refused_as_such(arm: ArmSession, web: str) -> None:
    answer = arm.ask("GET", f"{web}/virtualMachines/web_1/instanceView")
    assert (answer.status_code, error(answer)) == (400, "InvalidParameter")


def test_it_is_made_by_a_put_and_keeps_its_mode(arm: ArmSession) -> None:
    arm.put_group()
    body = scale_set_body(1)
    body["properties"]["orchestrationMode"] = "flexible"
    own = arm.set_id.replace("/web", "/flex")
    created = arm.put(own, body)
    assert created.json()["properties"]["orchestrationMode"] == "Flexible"
    assert "overprovision" not in created.json()["properties"]
    assert arm.finish(created)["status"] == "Succeeded"
    assert arm.put(own, scale_set_body(2)).json()["properties"]["orchestrationMode"] == "Flexible"
    for asked, status in (("Uniform", 409), ("Other", 400)):
        body["properties"]["orchestrationMode"] = asked
        assert arm.ask("PUT", own, body).status_code == status


def test_rolling_upgrades_of_a_flexible_set_require_the_health_extension(arm: ArmSession) -> None:
    arm.put_group()
    own = arm.set_id.replace("/web", "/rolling")
    without, body = (scale_set_body(1, health=health, mode="Rolling") for health in (False, True))
    without["properties"] |= {"orchestrationMode": "Flexible", "externalHealthPolicy": {"enabled": True}}
    body["properties"]["orchestrationMode"] = "Flexible"
    refused = [arm.ask("PUT", own, without)]
    arm.finish(arm.put(own, body))
    refused.append(arm.ask("DELETE", f"{own}/extensions/health"))
    without["properties"]["upgradePolicy"] = {"mode": "Manual"}
    arm.finish(arm.put(own, without))
    refused.append(arm.ask("PATCH", own, {"properties": {"upgradePolicy": {"mode": "Rolling"}}}))
    assert [(answer.status_code, error(answer)) for answer in refused] == [(400, "BadRequest")] * 3
    assert "a health extension in the model." in refused[0].json()["error"]["message"]


def test_an_older_model_does_not_name_the_mode(arm: ArmSession, web: str) -> None:
    arm.azure.load({"scale_sets": {"web": {"omit_mode": True}}})
    assert "orchestrationMode" not in arm.get(web)["properties"]
    assert error(arm.ask("GET", f"{web}/instanceView")) == "OperationNotAllowed"


@pytest.mark.parametrize("power", ["deallocated", "running"])
def test_vms_in_a_standby_pool_are_listed_and_do_not_count(arm: ArmSession, web: str, power: str) -> None:
    arm.azure.load({"scale_sets": {"web": {**AT_ONCE, "standby": 2, "standby_power": power}}})
    assert (arm.get(web)["sku"]["capacity"], len(arm.get(f"{web}/virtualMachines")["value"])) == (5, 4)
    found = listed(arm, web, expand="instanceView")
    waiting = [vm for vm in found if view_of(vm).get("isVMInStandbyPool")]
    assert (len(waiting), len(found)) == (2, 7)
    assert "isVMInStandbyPool" not in str(listed(arm, web))
    view = arm.get(f"{waiting[0]['id']}/instanceView")
    assert view["isVMInStandbyPool"]
    assert f"PowerState/{power}" in str(view["statuses"])
    assert ("vmHealth" in view) == (power == "running")


def test_the_list_may_keep_to_itself_who_waits_in_the_pool(arm: ArmSession, web: str) -> None:
    arm.azure.load({"scale_sets": {"web": {**AT_ONCE, "standby": 2, "list_carries": ["extensions", "health"]}}})
    found = listed(arm, web, expand="instanceView")
    assert "isVMInStandbyPool" not in str(found)
    own = [arm.get(f"{vm['id']}/instanceView") for vm in found]
    assert [view for view in own if view.get("isVMInStandbyPool")] == own[5:]


def test_events_speak_of_its_instances_by_number(arm: ArmSession, web: str) -> None:
    event = {"instances": [1], "extension": "cse", "state": "failed/50", "message": "exit status 50"}
    arm.azure.load({"scale_sets": {"web": {**AT_ONCE, "events": [event]}}})
    states = [view_of(vm)["extensions"][0]["statuses"][0]["code"] for vm in listed(arm, web, expand="instanceView")]
    assert states == [
        "ProvisioningState/succeeded",
        "ProvisioningState/failed/50",
        *["ProvisioningState/succeeded"] * 3,
    ]


def test_a_spot_vm_says_so(arm: ArmSession) -> None:
    profile = {"virtualMachineProfile": {"priority": "Spot", "evictionPolicy": "Delete"}}
    path = arm.azure.put_scale_set("spot", properties=profile, orchestration_mode="Flexible")
    assert {vm["properties"]["priority"] for vm in listed(arm, path)} == {"Spot"}


happenings = st.lists(
    st.sampled_from(
        [
            {"instances": [0], "state": "failed/AllocationFailed"},
            {"instances": [1], "extension": "cse", "state": "failed/1"},
            {"instances": [2], "extension": "cse", "state": "transitioning"},
            {"instances": [1, 2], "health": "unhealthy"},
            {"power": "deallocated"},
            {"at": "9s", "state": "updating"},
            {"at": "12s", "heal": True},
        ]
    ),
    max_size=4,
)


def summarised(vms: list[dict[str, Any]], names: list[str]) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """What a Flexible set's VMs come to, counted as the view of a Uniform set counts."""
    views = [view_of(vm) for vm in vms]
    codes = Counter(view["statuses"][0]["code"].split("/")[1] for view in views)
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    for view in views:
        reported = {one["name"]: one["statuses"][0]["code"].split("/")[1] for one in view.get("extensions", [])}
        for name, counted in found.items():
            counted[reported.get(name, "creating")] += 1
    return codes, found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(capacity=st.integers(0, 6), extensions=st.sets(st.sampled_from(["cse", "other"])), events=happenings)
def test_equal_sets_of_both_modes_count_alike(
    shared: tuple[FakeClock, ArmSession], capacity: int, extensions: set[str], events: list[dict[str, Any]]
) -> None:
    clock, arm = shared
    life = {"boot": "5s", "extension": "5s", "healthy": "5s", "events": events}
    arm.azure.load({"scale_sets": {"*": life}})
    paths = [
        arm.azure.put_scale_set(f"{mode}", capacity=capacity, extensions=sorted(extensions), orchestration_mode=mode)
        for mode in ("Uniform", "Flexible")
    ]
    for _ in range(4):
        clock.advance(4)
        view = arm.get(f"{paths[0]}/instanceView")
        codes, found = summarised(listed(arm, paths[1], expand="instanceView"), sorted(extensions))
        assert counts(view["virtualMachine"]["statusesSummary"]) == codes
        seen = {one["name"]: counts(one["statusesSummary"]) for one in view.get("extensions", [])}
        assert seen == found
    for path in paths:
        arm.ask("DELETE", path)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[FakeClock, ArmSession]]:
    clock = FakeClock()
    with Emulator(clock=clock, page_size=4, token_lifetime=1e6) as azure:
        session = ArmSession(azure)
        yield clock, session
        session.close()


def test_the_list_of_a_uniform_set_may_carry_statuses_domains_and_agent_alone(arm: ArmSession, web: str) -> None:
    arm.azure.load({"scale_sets": {"*": AT_ONCE, "bare": {**AT_ONCE, "list_carries": []}}})
    bare, full = (arm.azure.put_scale_set(name, extensions=["cse"], health=True) for name in ("bare", "full"))
    domains = {"platformUpdateDomain", "platformFaultDomain"}
    view = view_of(arm.get(f"{bare}/virtualMachines", expand="instanceView")["value"][0])
    assert set(view) == {*domains, "vmAgent", "statuses"}
    assert {"extensions", "vmHealth"} <= set(arm.get(f"{bare}/virtualMachines/0/instanceView"))
    assert {"extensions", "vmHealth"} <= set(view_of(arm.get(f"{bare}/virtualMachines/0", expand="instanceView")))
    assert {"extensions", "vmHealth"} <= set(
        view_of(arm.get(f"{full}/virtualMachines", expand="instanceView")["value"][0])
    )
