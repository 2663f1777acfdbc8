"""Azure Resource Manager over https, as a client without any SDK meets it."""

from __future__ import annotations

import itertools
import re
from typing import Any
from urllib.parse import quote

import pytest
from tests.emulator.support import QUICK, ArmSession, counts, error, extension, scale_set_body
from tests.waiting import until

from vmss_emulator import Emulator


def test_the_token_is_asked_for_before_the_version_and_the_version_before_the_path(arm: ArmSession) -> None:
    url = f"{arm.azure.url}{arm.set_id}"
    assert error(arm.session.get(url)) == "MissingApiVersionParameter"
    refused = arm.session.get(url, headers={"Authorization": "Bearer stolen"})
    assert (refused.status_code, error(refused)) == (401, "AuthenticationFailed")
    assert "authorization_uri=" in refused.headers["WWW-Authenticate"]
    assert refused.headers["x-ms-failure-cause"] == "gateway"


@pytest.mark.parametrize("version", ["2016-04-30-preview", "2024-11-01", "2026-04-01"])
def test_a_range_of_versions_is_accepted(arm: ArmSession, version: str) -> None:
    arm.put_group()
    arm.put(arm.set_id, scale_set_body())
    assert arm.ask("GET", f"{arm.set_id}/instanceView", version=version).status_code == 200


def test_a_version_that_is_no_date_is_refused(arm: ArmSession) -> None:
    assert error(arm.ask("GET", arm.set_id, version="latest")) == "InvalidApiVersionParameter"


def test_what_does_not_exist_is_told_apart(arm: ArmSession) -> None:
    missing = arm.ask("GET", arm.set_id)
    assert (missing.status_code, error(missing)) == (404, "ResourceGroupNotFound")
    arm.put_group()
    missing = arm.ask("GET", f"{arm.set_id}/instanceView")
    assert (missing.status_code, error(missing)) == (404, "ResourceNotFound")
    assert missing.headers["x-ms-failure-cause"] == "gateway"
    other = arm.ask("GET", arm.set_id.replace(arm.azure.subscription_id, "00000000-0000-0000-0000-000000000000"))
    assert error(other) == "SubscriptionNotFound"


def test_every_answer_carries_ids_and_the_clients_correlation(arm: ArmSession) -> None:
    answer = arm.session.get(f"{arm.azure.url}{arm.set_id}", headers={"x-ms-correlation-request-id": "mine"})
    assert answer.headers["x-ms-correlation-request-id"] == "mine"
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-ms-request-id"])


def test_paths_are_compared_without_case(arm: ArmSession) -> None:
    arm.put_group()
    arm.put(arm.set_id, scale_set_body())
    found = arm.get(arm.set_id.replace("resourceGroups", "RESOURCEGROUPS").replace("virtualMachine", "VirtualMachine"))
    assert found["id"] == arm.set_id


def test_a_group_has_a_life_and_takes_along_what_is_in_it(arm: ArmSession) -> None:
    assert arm.ask("HEAD", arm.group_id).status_code == 404
    assert arm.ask("PUT", arm.group_id, {"location": "westeurope"}).status_code == 201
    assert arm.ask("PUT", arm.group_id, {"location": "westeurope", "tags": {"a": "b"}}).status_code == 200
    assert arm.ask("HEAD", arm.group_id).status_code == 204
    assert arm.get(arm.group_id)["tags"] == {"a": "b"}
    arm.put(arm.set_id, scale_set_body())
    deleted = arm.ask("DELETE", arm.group_id)
    assert deleted.status_code == 202
    assert arm.ask("GET", deleted.headers["Location"]).status_code == 200
    arm.put_group()
    assert error(arm.ask("GET", arm.set_id)) == "ResourceNotFound"


def test_there_is_no_list_below_what_is_not_there(arm: ArmSession) -> None:
    arm.put_group()
    account = f"{arm.group_id}/providers/Microsoft.Storage/storageAccounts/one"
    lists = [f"{account}/queues", f"{account}/blobServices/default/containers"]
    refused = [arm.ask("GET", path) for path in lists]
    assert [(answer.status_code, error(answer)) for answer in refused] == [(404, "ParentResourceNotFound")] * 2
    arm.put(account, {"location": "westeurope"})
    assert [arm.get(path)["value"] for path in lists] == [[], []]


def test_nothing_moves_to_another_location(arm: ArmSession) -> None:
    arm.put_group()
    arm.put(arm.set_id, scale_set_body())
    address = f"{arm.group_id}/providers/Microsoft.Network/publicIPAddresses/ip"
    arm.put(address, {"location": "westeurope"})
    codes = {arm.group_id: "InvalidResourceGroupLocation"}
    for path in (arm.group_id, arm.set_id, address):
        body = scale_set_body() if path == arm.set_id else {}
        assert arm.put(path, {**body, "location": "West Europe"}).status_code == 200
        for method in ("PUT", "PATCH"):
            refused = arm.ask(method, path, {**body, "location": "eastus"})
            assert (refused.status_code, error(refused)) == (409, codes.get(path, "InvalidResourceLocation"))
        assert arm.get(path)["location"] != "eastus"


def test_a_networks_subnets_are_resources_of_their_own(arm: ArmSession) -> None:
    arm.put_group()
    vnet = f"{arm.group_id}/providers/Microsoft.Network/virtualNetworks/vnet"
    assert error(arm.ask("PUT", f"{vnet}/subnets/a", {"properties": {}})) == "ParentResourceNotFound"
    inline = {"name": "a", "properties": {"addressPrefix": "10.0.0.0/24"}}
    arm.put(vnet, {"location": "westeurope", "properties": {"subnets": [inline]}})
    arm.put(f"{vnet}/subnets/b", {"properties": {"addressPrefix": "10.0.1.0/24"}})
    shown = arm.get(vnet)["properties"]["subnets"]
    assert [subnet["id"] for subnet in shown] == [f"{vnet}/subnets/a", f"{vnet}/subnets/b"]
    assert arm.get(f"{vnet}/subnets/a")["properties"]["addressPrefix"] == "10.0.0.0/24"
    arm.put(vnet, {"location": "westeurope", "properties": {}})
    assert len(arm.get(vnet)["properties"]["subnets"]) == 2
    arm.put(vnet, {"location": "westeurope", "properties": {"subnets": [inline]}})
    assert [subnet["name"] for subnet in arm.get(f"{vnet}/subnets")["value"]] == ["a"]


def test_any_other_resource_is_stored_and_shown(arm: ArmSession) -> None:
    arm.put_group()
    setting = f"{arm.group_id}/providers/Microsoft.Insights/autoscaleSettings/auto"
    created = arm.put(setting, {"location": "westeurope", "properties": {"enabled": True}})
    assert created.status_code == 201
    expected = {"id": setting, "name": "auto", "type": "Microsoft.Insights/autoscaleSettings", "location": "westeurope"}
    assert arm.get(setting) == {**expected, "properties": {"enabled": True, "provisioningState": "Succeeded"}}
    assert [item["name"] for item in arm.get(setting.removesuffix("/auto"))["value"]] == ["auto"]
    assert arm.ask("DELETE", setting).status_code == 200
    assert arm.ask("DELETE", setting).status_code == 204


def test_a_set_is_created_updated_and_deleted_as_operations(arm: ArmSession) -> None:
    arm.put_group()
    created = arm.put(arm.set_id, scale_set_body(extensions=("cse",)))
    assert (created.status_code, created.json()["properties"]["provisioningState"]) == (201, "Creating")
    assert arm.finish(created)["status"] == "Succeeded"
    model = arm.get(arm.set_id)
    assert (model["etag"], model["properties"]["provisioningState"]) == ('"1"', "Succeeded")
    updated = arm.put(arm.set_id, scale_set_body(size="B2s", extensions=("cse",)))
    assert (updated.status_code, updated.headers["ETag"]) == (200, '"2"')
    assert arm.finish(updated)["status"] == "Succeeded"
    assert arm.finish(arm.ask("DELETE", arm.set_id))["status"] == "Succeeded"
    assert arm.ask("DELETE", arm.set_id).status_code == 204


def test_a_recreated_set_has_the_same_etag_and_another_unique_id(arm: ArmSession) -> None:
    arm.put_group()
    first = arm.put(arm.set_id, scale_set_body()).json()
    arm.ask("DELETE", arm.set_id)
    second = arm.put(arm.set_id, scale_set_body()).json()
    assert first["etag"] == second["etag"]
    assert first["properties"]["uniqueId"] != second["properties"]["uniqueId"]


def test_what_was_read_can_be_put_back_without_changing_anything(arm: ArmSession) -> None:
    arm.put_group()
    body = scale_set_body()
    secret = extension("cse", protectedSettings={"script": "Canary-2!"})
    body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"] = [secret]
    arm.finish(arm.put(arm.set_id, body))
    again = arm.put(arm.set_id, arm.get(arm.set_id))
    assert (again.headers["ETag"], again.json()["properties"]["provisioningState"]) == ('"1"', "Updating")
    assert arm.finish(again)["status"] == "Succeeded"


def test_passwords_and_protected_settings_are_never_shown(arm: ArmSession) -> None:
    arm.put_group()
    body = scale_set_body()
    secret = extension("cse", protectedSettings={"script": "Canary-2!"})
    body["properties"]["virtualMachineProfile"]["extensionProfile"] = {"extensions": [secret]}
    arm.finish(arm.put(arm.set_id, body))
    for path in (arm.set_id, f"{arm.set_id}/virtualMachines", f"{arm.set_id}/extensions/cse"):
        assert "Canary" not in str(arm.get(path))


def test_a_stale_etag_is_refused(arm: ArmSession) -> None:
    arm.put_group()
    arm.put(arm.set_id, scale_set_body())
    url = f"{arm.azure.url}{arm.set_id}?api-version=2024-11-01"
    for headers in ({"If-Match": '"9"'}, {"If-None-Match": "*"}):
        refused = arm.session.put(url, json=scale_set_body(4), headers=headers)
        assert (refused.status_code, error(refused)) == (412, "PreconditionFailed")
    assert arm.session.put(url, json=scale_set_body(4), headers={"If-Match": '"1"'}).headers["ETag"] == '"2"'


def sent(arm: ArmSession, method: str, path: str, json: object = None, **headers: str) -> tuple[int, str | None]:
    url = f"{arm.azure.url}{path}?api-version=2024-05-01"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = arm.session.request(method, url, json=json, headers=names, timeout=10)
    return answer.status_code, error(answer) if answer.status_code >= 400 else None


@pytest.mark.parametrize("kind", ["Network/virtualNetworks", "Storage/storageAccounts"])
def test_a_stored_resource_is_held_to_its_etag_like_a_set(arm: ArmSession, kind: str) -> None:
    arm.put_group()
    own, body = f"{arm.group_id}/providers/Microsoft.{kind}/one", {"location": "westeurope"}
    refused = (412, "PreconditionFailed")
    assert sent(arm, "PUT", own, body, If_Match="*") == refused
    assert sent(arm, "PATCH", own, body, If_Match="*") == (404, "ResourceNotFound")
    assert sent(arm, "PUT", own, body, If_None_Match="*") == (201, None)
    before = arm.get(own)
    assert sent(arm, "PUT", own, body, If_None_Match="*") == refused
    for method in ("PUT", "PATCH", "DELETE"):
        assert sent(arm, method, own, {**body, "tags": {"a": "b"}}, If_Match='W/"stale"') == refused
    assert arm.get(own) == before
    assert sent(arm, "PATCH", own, {"tags": {"a": "b"}}, If_Match=before.get("etag", "*")) == (200, None)
    assert sent(arm, "DELETE", own, If_Match="*") == (200, None)
    assert sent(arm, "DELETE", own, If_Match="*") == (204, None)


def test_a_patch_changes_parts(arm: ArmSession) -> None:
    arm.put_group()
    arm.put(arm.set_id, scale_set_body())
    answer = arm.ask("PATCH", arm.set_id, {"sku": {"capacity": 5}})
    assert (answer.status_code, answer.json()["sku"]) == (200, {"name": "B1s", "capacity": 5})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"sku": {"capacity": 1}}, "LocationRequired"),
        ({"location": "westeurope"}, "InvalidParameter"),
        ({"location": "westeurope", "sku": {"capacity": -1}}, "InvalidParameter"),
        ([], "InvalidRequestContent"),
    ],
)
def test_a_body_that_is_no_scale_set_is_refused(arm: ArmSession, body: object, code: str) -> None:
    arm.put_group()
    answer = arm.ask("PUT", arm.set_id, body)
    assert (answer.status_code, error(answer)) == (400, code)


def test_an_extension_is_a_resource_of_its_own_and_part_of_the_model(arm: ArmSession) -> None:
    arm.put_group()
    arm.finish(arm.put(arm.set_id, scale_set_body()))
    own = f"{arm.set_id}/extensions/cse"
    created = arm.ask("PUT", own, {"properties": extension("cse")["properties"]})
    assert created.status_code == 201
    assert arm.finish(created)["status"] == "Succeeded"
    assert arm.get(own)["properties"]["type"] == "CustomScript"
    assert [one["name"] for one in arm.get(f"{arm.set_id}/extensions")["value"]] == ["cse"]
    summary = arm.get(f"{arm.set_id}/instanceView")["extensions"][0]
    assert (summary["name"], counts(summary["statusesSummary"])) == ("cse", {"creating": 3})
    arm.put(arm.set_id, {"location": "westeurope", "sku": {"name": "B1s"}, "properties": {"virtualMachineProfile": {}}})
    assert len(arm.get(f"{arm.set_id}/extensions")["value"]) == 1
    assert arm.finish(arm.ask("DELETE", own))["status"] == "Succeeded"
    assert arm.ask("GET", own).status_code == 404


def test_the_deletion_of_an_extension_can_be_followed_by_location(arm: ArmSession) -> None:
    own = f"{arm.azure.put_scale_set('web', capacity=1, extensions=['cse'])}/extensions/cse"
    deleted = arm.ask("DELETE", own)
    until(lambda: arm.ask("GET", deleted.headers["Location"]).status_code, lambda status: status == 200)
    assert arm.ask("GET", own).status_code == 404


def test_a_patch_changes_parts_of_an_extension(arm: ArmSession) -> None:
    arm.put_group()
    own = f"{arm.set_id}/extensions/cse"
    assert arm.ask("PATCH", own, {}).status_code == 404
    arm.finish(arm.put(arm.set_id, scale_set_body(1)))
    assert (arm.ask("PATCH", own, {}).status_code, arm.ask("GET", own).status_code) == (404, 404)
    arm.finish(arm.put(own, {"properties": extension("cse", settings={"a": 1, "b": 2})["properties"]}))
    before = arm.get(own)["properties"]
    patched = arm.ask("PATCH", own, {"properties": {"settings": {"b": 3}, "typeHandlerVersion": "2.2"}})
    assert patched.status_code == 200
    assert arm.finish(patched)["status"] == "Succeeded"
    assert arm.get(own)["properties"] == {**before, "settings": {"a": 1, "b": 3}, "typeHandlerVersion": "2.2"}
    assert arm.ask("PATCH", own, {"properties": [1]}).status_code == 400


def test_an_operation_that_fails_is_an_answer_with_status_200() -> None:
    event = {"at": "0s", "extension": "cse", "state": "failed/50", "message": "exit status 50"}
    with Emulator({"scale_sets": {"web": {"boot": "50ms", "events": [event]}}}) as azure:
        arm = ArmSession(azure)
        arm.put_group()
        body = arm.finish(arm.put(arm.set_id, scale_set_body(extensions=("cse",))))
        assert (body["status"], body["error"]["code"]) == ("Failed", "VMExtensionProvisioningError")
        assert "exit status 50" in body["error"]["message"]
        assert arm.get(arm.set_id)["properties"]["provisioningState"] == "Failed"
        arm.close()


def test_a_list_comes_in_pages() -> None:
    with Emulator(QUICK, page_size=2) as azure:
        arm = ArmSession(azure)
        path = azure.put_scale_set(capacity=5)
        page, ids = arm.get(f"{path}/virtualMachines", expand="instanceView"), []
        while True:
            ids += [vm["instanceId"] for vm in page["value"] if "instanceView" in vm["properties"]]
            if "nextLink" not in page:
                break
            page = arm.get(page["nextLink"])
        assert ids == ["0", "1", "2", "3", "4"]
        arm.close()


def test_an_instance_shows_its_state_and_only_its_view_its_health(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set(capacity=2, extensions=["cse"], health=True)
    view = until(
        lambda: arm.get(f"{path}/virtualMachines/1/instanceView"),
        lambda found: found["vmHealth"]["status"]["code"] == "HealthState/healthy",
    )
    assert [status["code"] for status in view["statuses"]] == ["ProvisioningState/succeeded", "PowerState/running"]
    assert [one["name"] for one in view["extensions"]] == ["cse", "health"]
    vm = arm.get(f"{path}/virtualMachines/1")
    assert (vm["instanceId"], vm["properties"]["latestModelApplied"]) == ("1", True)
    assert "instanceView" not in vm["properties"]
    assert arm.ask("GET", f"{path}/virtualMachines/7").status_code == 404
    assert error(arm.ask("GET", f"{path}/virtualMachines/web_1/instanceView")) == "InvalidParameter"


def test_sets_are_listed_in_a_group_and_in_the_subscription(arm: ArmSession) -> None:
    arm.azure.put_scale_set("web")
    arm.azure.put_scale_set("api", resource_group="other")
    collection = "providers/Microsoft.Compute/virtualMachineScaleSets"
    assert [one["name"] for one in arm.get(f"{arm.group_id}/{collection}")["value"]] == ["web"]
    subscription = f"/subscriptions/{arm.azure.subscription_id}"
    assert [one["name"] for one in arm.get(f"{subscription}/{collection}")["value"]] == ["web", "api"]
    assert arm.get(subscription)["subscriptionId"] == arm.azure.subscription_id
    assert len(arm.get("/subscriptions")["value"]) == 1


def test_operations_and_the_activity_log_can_only_be_read(arm: ArmSession) -> None:
    arm.put_group()
    subscription = arm.group_id.rpartition("/resourceGroups/")[0]
    log = f"{subscription}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01"
    operations = arm.put(arm.set_id, scale_set_body()).headers["Azure-AsyncOperation"]
    for path in (operations, arm.ask("DELETE", arm.group_id).headers["Location"], f"{arm.azure.url}{log}"):
        assert [arm.ask(method, path, {}).status_code for method in ("PUT", "DELETE")] == [405, 405]
        assert arm.ask("GET", path).status_code == 200


def test_a_method_that_makes_no_sense_is_refused(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set()
    refused = [
        arm.ask("POST", path),
        arm.ask("PUT", f"{path}/instanceView", {}),
        arm.ask("DELETE", f"{path}/virtualMachines"),
        arm.ask("POST", f"{path}/extensions/cse"),
        arm.ask("POST", arm.group_id),
        arm.ask("PATCH", f"{arm.group_id}/providers/Microsoft.Network/virtualNetworks", {}),
        arm.ask("POST", "/subscriptions", {}),
    ]
    assert {(answer.status_code, error(answer)) for answer in refused} == {(405, "HttpMethodNotAllowed")}


@pytest.mark.parametrize("below", ["extensions/none", "rollingUpgrades/latest", "virtualMachines/0/disks"])
def test_what_a_set_does_not_have_is_not_found(arm: ArmSession, below: str) -> None:
    answer = arm.ask("GET", f"{arm.azure.put_scale_set()}/{below}")
    assert (answer.status_code, error(answer)) == (404, "ResourceNotFound")


def test_an_instance_shows_the_model_that_it_runs(arm: ArmSession) -> None:
    arm.put_group()
    body = scale_set_body(1)
    profile = body["properties"]["virtualMachineProfile"]
    profile["storageProfile"] = {"imageReference": {"offer": "linux"}}
    profile["networkProfile"] = {"networkInterfaceConfigurations": [{"name": "nic"}]}
    arm.put(arm.set_id, body)
    vm = arm.get(f"{arm.set_id}/virtualMachines/0")["properties"]
    assert vm["storageProfile"]["imageReference"] == {"offer": "linux"}
    assert vm["networkProfileConfiguration"]["networkInterfaceConfigurations"] == [{"name": "nic"}]
    assert (vm["osProfile"]["computerName"], vm["osProfile"]["adminUsername"]) == ("web000000", "user")


REPAIRED = {"automaticRepairsPolicy": {"enabled": True}, "externalHealthPolicy": {"enabled": True}}
NETWORKED = {"networkProfile": {"networkInterfaceConfigurations": [{"name": "nic"}]}}


def changed(**properties: object) -> dict[str, Any]:
    body = scale_set_body(1)
    return {**body, "properties": {**body["properties"], **properties}}


WRONG_SETS: list[dict[str, Any]] = [
    {**scale_set_body(1), "properties": []},
    {**scale_set_body(1), "properties": "x"},
    {**scale_set_body(1), "sku": []},
    {**scale_set_body(1), "sku": "x"},
    {**scale_set_body(1), "sku": {"name": ["a"], "capacity": 1}},
    {**scale_set_body(1), "sku": {"capacity": {"a": 1}}},
    {**scale_set_body(1), "tags": ["a"]},
    {**scale_set_body(1), "zones": "12"},
    {**scale_set_body(1), "zones": [{}]},
    {**scale_set_body(1), "location": "a\nb"},
    changed(upgradePolicy="Manual"),
    changed(upgradePolicy={"mode": "Banana"}),
    changed(upgradePolicy={"mode": ["Manual"]}),
    changed(upgradePolicy={"mode": "Rolling", "rollingUpgradePolicy": [1]}),
    changed(upgradePolicy={"mode": "Rolling", "rollingUpgradePolicy": {"maxBatchInstancePercent": True}}),
    changed(upgradePolicy={"mode": "Rolling", "rollingUpgradePolicy": {"pauseTimeBetweenBatches": f"P{'9' * 400}D"}}),
    changed(automaticRepairsPolicy=[]),
    changed(upgradePolicy={"automaticOSUpgradePolicy": {"enableAutomaticOSUpgrade": "yes"}}),
    changed(orchestrationMode=["Uniform"]),
    changed(virtualMachineProfile=5),
    changed(virtualMachineProfile=[]),
    changed(virtualMachineProfile={"extensionProfile": []}),
    changed(virtualMachineProfile={"extensionProfile": {"extensions": {"a": {}}}}),
    changed(virtualMachineProfile={"extensionProfile": {"extensions": ["a"]}}),
    changed(virtualMachineProfile={"extensionProfile": {"extensions": [None]}}),
    changed(virtualMachineProfile={"extensionProfile": {"extensions": [{"name": 5}]}}),
    changed(virtualMachineProfile={"extensionProfile": {"extensions": [{"name": "a", "properties": [1]}]}}),
    changed(virtualMachineProfile={"networkProfile": [1]}),
    changed(virtualMachineProfile={"osProfile": "x"}),
    changed(externalHealthPolicy="on"),
    changed(externalHealthPolicy=[1]),
    changed(externalHealthPolicy={"enabled": "true"}),
    *(
        changed(virtualMachineProfile={"networkProfile": {"networkInterfaceConfigurations": cards}})
        for cards in (
            5,
            ["a"],
            [None],
            [{"name": ["n"]}],
            [{"name": "n", "properties": "x"}],
            [{"name": "n", "properties": {"primary": "yes"}}],
            [{"name": "n", "properties": {"ipConfigurations": 5}}],
            [{"name": "n", "properties": {"ipConfigurations": ["a"]}}],
            [{"name": "n", "properties": {"ipConfigurations": [{"name": "i", "properties": [1]}]}}],
        )
    ),
]


@pytest.mark.parametrize("body", WRONG_SETS, ids=itertools.count())
def test_a_set_of_the_wrong_shape_is_a_bad_request_that_changes_nothing(arm: ArmSession, body: dict[str, Any]) -> None:
    arm.put_group()
    assert arm.ask("PUT", arm.set_id, body).status_code == 400
    assert arm.ask("GET", arm.set_id).status_code == 404
    arm.finish(arm.put(arm.set_id, scale_set_body(1)))
    for method in ("PUT", "PATCH"):
        refused = arm.ask(method, arm.set_id, body)
        assert refused.status_code == 400, (method, refused.text)
        assert error(refused) in ("InvalidParameter", "LocationNotAvailableForResourceType")
    assert arm.get(arm.set_id)["etag"] == '"1"'


def test_the_refusal_of_a_shape_names_the_place_and_what_belongs_there(arm: ArmSession) -> None:
    arm.put_group()
    told = arm.ask("PUT", arm.set_id, changed(virtualMachineProfile={"extensionProfile": {"extensions": ["a"]}})).json()
    place = "properties.virtualMachineProfile.extensionProfile.extensions[0]"
    assert told["error"]["target"] == place
    assert told["error"]["message"] == f"{place}: an object is needed here, not a text."


def test_null_says_nothing(arm: ArmSession) -> None:
    arm.put_group()
    body = changed(upgradePolicy=None, automaticRepairsPolicy=None, virtualMachineProfile={"networkProfile": None})
    arm.finish(arm.put(arm.set_id, {**body, "zones": None, "tags": None, "identity": None}))
    found = arm.get(arm.set_id)
    assert found["properties"]["upgradePolicy"] == {"mode": "Manual"}
    assert not {"zones", "tags", "identity"} & set(found)


def test_secrets_are_kept_beside_lists_of_anything(arm: ArmSession) -> None:
    arm.put_group()
    for listed in ([None, "a", {"name": "x"}], [{"name": "x"}, 5], [None]):
        profile = {"osProfile": {"adminPassword": "Canary-1!", "secrets": listed}}
        arm.finish(arm.put(arm.set_id, changed(virtualMachineProfile=profile)))
    assert "Canary-1!" not in str(arm.get(arm.set_id))


@pytest.mark.parametrize(
    ("below", "body"),
    [
        ("Compute/virtualMachineScaleSets/web/extensions/a", {"properties": [1]}),
        ("Compute/virtualMachineScaleSets/web/virtualMachines/0", {"properties": {"protectionPolicy": [1]}}),
        ("Network/virtualNetworks/net", {"properties": {"subnets": "x"}}),
        ("Network/virtualNetworks/net", {"properties": {"subnets": [1]}}),
        ("Network/virtualNetworks/net", {"properties": {"subnets": [{"name": "a/b"}]}}),
        ("Network/virtualNetworks/net", {"properties": {"subnets": [{}]}}),
        ("Network/virtualNetworks/net", {"properties": [1]}),
        ("Network/publicIPAddresses/ip", {"properties": [1]}),
        ("Network/publicIPAddresses/ip", {"tags": []}),
        ("Network/publicIPAddresses/ip", {"location": 5}),
        ("Network/publicIPAddresses/ip", {"identity": "SystemAssigned"}),
        ("Resources/tags/default", {"properties": {"tags": ["a"]}}),
    ],
)
def test_other_bodies_of_the_wrong_shape_are_bad_requests(arm: ArmSession, below: str, body: object) -> None:
    arm.azure.put_scale_set("web", capacity=1)
    assert arm.ask("PUT", f"{arm.group_id}/providers/Microsoft.{below}", body).status_code == 400


@pytest.mark.parametrize("ids", ["0", {"a": 1}, [0], [None]])
def test_instances_are_named_by_a_list_of_texts(arm: ArmSession, ids: object) -> None:
    arm.azure.put_scale_set("web", capacity=1)
    assert arm.ask("POST", f"{arm.set_id}/delete", {"instanceIds": ids}).status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"location": "westeurope", "x": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"location": "westeurope", "x": ' + b"9" * 5000 + b"}",
        b'{"location": "westeurope", "x": NaN}',
        b'{"location": "westeurope", "x": 1e999}',
        b"\xff",
        b"",
    ],
    ids=itertools.count(),
)
def test_content_that_is_no_json_object_is_a_bad_request(arm: ArmSession, content: bytes) -> None:
    url = f"{arm.azure.url}{arm.group_id}?api-version=2024-07-01"
    refused = arm.session.put(url, data=content, timeout=10)
    assert (refused.status_code, error(refused)) == (400, "InvalidRequestContent")


def test_half_a_surrogate_pair_is_given_back_as_it_came(arm: ArmSession) -> None:
    url = f"{arm.azure.url}{arm.group_id}?api-version=2024-07-01"
    assert arm.session.put(url, data=b'{"location": "westeurope", "tags": {"a": "\\ud83d"}}', timeout=10).ok
    assert arm.get(arm.group_id)["tags"] == {"a": "\ud83d"}


@pytest.mark.parametrize("number", ["9" * 5000, "٣", "-1", "1.5"])
def test_an_instance_id_that_cannot_be_one_is_a_bad_parameter(arm: ArmSession, number: str) -> None:
    arm.azure.put_scale_set("web", capacity=1)
    path = f"{arm.set_id}/virtualMachines"
    wrong = [arm.ask("GET", f"{path}/{number}"), arm.ask("GET", path, skiptoken=number)]
    assert [(answer.status_code, error(answer)) for answer in wrong] == [(400, "InvalidParameter")] * 2


def test_a_put_of_a_sku_alone_scales_the_set_and_keeps_all_else(arm: ArmSession) -> None:
    arm.put_group()
    body = changed(upgradePolicy={"mode": "Rolling"}, overprovision=False, **REPAIRED)
    body |= {"tags": {"a": "b"}, "zones": ["1"], "identity": {"type": "SystemAssigned"}}
    arm.finish(arm.put(arm.set_id, body))
    before = arm.get(arm.set_id)
    arm.finish(arm.put(arm.set_id, {"location": "westeurope", "sku": {"name": "B1s", "capacity": 2}}))
    found = arm.get(arm.set_id)
    assert found["sku"]["capacity"] == 2
    varying = ("sku", "etag")
    assert {key: found[key] for key in found if key not in varying} == {
        key: before[key] for key in before if key not in varying
    }


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"upgradePolicy": {"mode": "Rolling"}}, "upgradePolicy.mode Rolling"),
        ({"automaticRepairsPolicy": {"enabled": True}}, "automaticRepairsPolicy.enabled"),
        (
            {"upgradePolicy": {"automaticOSUpgradePolicy": {"enableAutomaticOSUpgrade": True}}},
            "automaticOSUpgradePolicy.enableAutomaticOSUpgrade",
        ),
    ],
)
def test_what_goes_by_the_health_of_vms_requires_a_source_of_it(
    arm: ArmSession, properties: dict[str, Any], named: str
) -> None:
    arm.put_group()
    refused = arm.ask("PUT", arm.set_id, changed(**properties))
    assert (refused.status_code, error(refused)) == (400, "BadRequest")
    assert named in refused.json()["error"]["message"]
    probe = {"networkProfile": {"healthProbe": {"id": "probe"}}}
    assert arm.put(arm.set_id, changed(**properties, virtualMachineProfile=probe)).status_code == 201


def test_a_patch_takes_away_what_it_says_is_null(arm: ArmSession) -> None:
    arm.put_group()
    body = changed(**REPAIRED) | {"tags": {"a": "b", "c": "d"}, "zones": ["1"]}
    arm.finish(arm.put(arm.set_id, body))
    patch = {"zones": None, "tags": {"c": None}, "properties": {"automaticRepairsPolicy": None}}
    arm.finish(arm.ask("PATCH", arm.set_id, patch))
    found = arm.get(arm.set_id)
    assert found["tags"] == {"a": "b"}
    assert "zones" not in found
    assert "automaticRepairsPolicy" not in found["properties"]


def test_groups_are_listed_by_their_tags(arm: ArmSession) -> None:
    for name, tags in (
        ("a", {"Env": "test", "team": "x"}),
        ("b", {"env": "live"}),
        ("c", {"team": "test"}),
        ("d", None),
    ):
        arm.put(arm.group_id.removesuffix("rg") + name, {"location": "westeurope", "tags": tags})
    groups = arm.group_id.removesuffix("/rg")
    for written, expected in (
        ("tagName eq 'env'", ["a", "b"]),
        ("tagname eq 'ENV' and tagvalue eq 'test'", ["a"]),
        ("tagName eq 'nope'", []),
    ):
        assert [group["name"] for group in arm.get(groups, filter=written)["value"]] == expected
    assert len(arm.get(groups)["value"]) == 4
    refused = arm.ask("GET", groups, filter="name eq 'a'")
    assert (refused.status_code, error(refused)) == (400, "InvalidFilterInQueryString")


def test_a_list_that_understands_no_filter_refuses_one_rather_than_tell_all(arm: ArmSession) -> None:
    arm.azure.put_scale_set("web", extensions=["cse"], properties={"virtualMachineProfile": NETWORKED})
    networks = "providers/Microsoft.Network/virtualNetworks"
    arm.put(f"{arm.group_id}/{networks}/net", {"location": "westeurope"})
    everywhere = f"/subscriptions/{arm.azure.subscription_id}"
    sets = "providers/Microsoft.Compute/virtualMachineScaleSets"
    for path in (
        f"{arm.group_id}/{sets}",
        f"{everywhere}/{sets}",
        f"{everywhere}/providers/Microsoft.Compute/locations/westeurope/virtualMachineScaleSets",
        f"{arm.set_id}/extensions",
        f"{arm.set_id}/networkInterfaces",
        f"{arm.set_id}/virtualMachines/0/networkInterfaces",
        f"{arm.group_id}/{networks}",
        f"{everywhere}/{networks}",
        f"{everywhere}/locations",
        f"{everywhere}/providers",
        "/subscriptions",
        "/providers",
        "/tenants",
    ):
        refused = arm.ask("GET", path, filter="name eq 'nope'")
        assert (refused.status_code, error(refused)) == (400, "InvalidFilterInQueryString"), path
        assert len(arm.get(path, filter="")["value"]) > 0


def test_an_empty_list_is_empty_under_any_filter(arm: ArmSession) -> None:
    arm.put_group()
    roles = f"{arm.group_id}/providers/Microsoft.Authorization/roleDefinitions"
    assert arm.get(roles, filter="roleName eq 'Reader'") == {"value": []}


@pytest.mark.parametrize("name", ["we b", "-", ".x", "_x", "w?b", "web\0", "web\n", "a" * 65])
def test_a_scale_set_is_not_made_under_a_name_that_none_can_have(arm: ArmSession, name: str) -> None:
    arm.put_group()
    refused = arm.ask("PUT", arm.set_id.removesuffix("web") + quote(name), scale_set_body(1))
    assert (refused.status_code, error(refused)) == (400, "InvalidResourceName")
    assert arm.get(arm.set_id.removesuffix("/web"))["value"] == []


@pytest.mark.parametrize("name", ["a b", "g.", "g@", "g\0", "x" * 91])
def test_a_group_is_not_made_under_a_name_that_none_can_have(arm: ArmSession, name: str) -> None:
    refused = arm.ask("PUT", arm.group_id.removesuffix("rg") + quote(name), {"location": "westeurope"})
    assert (refused.status_code, error(refused)) == (400, "InvalidResourceGroup")
    assert arm.get(arm.group_id.removesuffix("/rg"))["value"] == []


def test_names_may_be_as_long_and_odd_as_azure_allows(arm: ArmSession) -> None:
    group = arm.group_id.removesuffix("rg") + "_(x).-é" + "g" * 83
    arm.put(group, {"location": "westeurope"})
    arm.put(f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/0_.-{'a' * 60}", scale_set_body(1))
