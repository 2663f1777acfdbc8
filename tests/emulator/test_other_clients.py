"""What clients that nobody here wrote ask for: az, Terraform's providers, the SDKs of other languages."""

from __future__ import annotations

import json

import pytest
import requests
from tests.emulator.support import ArmSession, error, scale_set_body

from vmss_emulator import Emulator

OTHER = "/providers/Microsoft.Network/loadBalancers/lb"


def raw(arm: ArmSession, method: str, path: str, **headers: str) -> requests.Response:
    """Send a request as it is: a path with its query, or a whole URL; no api-version is added."""
    url = path if path.startswith("https://") else arm.azure.url + path
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return arm.session.request(method, url, headers=sent, timeout=10)


def test_a_poll_of_an_operation_asks_to_come_back_in_a_second(azure: Emulator, arm: ArmSession) -> None:
    azure.load("scale_sets: {'*': {boot: 1h}}")
    arm.put_group()
    begun = arm.ask("PUT", arm.set_id, scale_set_body())
    poll = raw(arm, "GET", begun.headers["Azure-AsyncOperation"])
    assert (poll.json()["status"], poll.headers["Retry-After"]) == ("InProgress", "1")


def test_post_and_delete_can_be_followed_by_location_alone(azure: Emulator, arm: ArmSession) -> None:
    azure.put_scale_set("web")
    for method, path in (("POST", f"{arm.set_id}/restart"), ("DELETE", arm.set_id)):
        begun = arm.ask(method, path)
        where = begun.headers["Location"]
        assert "monitor=true" in where
        while (poll := raw(arm, "GET", where)).status_code == 202:
            assert poll.headers["Retry-After"] == "1"
        assert (poll.status_code, poll.content) == (200, b"")


def test_the_cloud_describes_itself_as_whole_as_azure(azure: Emulator, arm: ArmSession) -> None:
    found = raw(arm, "GET", "/metadata/endpoints?api-version=2022-09-01").json()
    assert found["microsoftGraphResourceId"] == found["resourceManager"] == azure.url
    assert {"storage", "keyVaultDns", "acrLoginServer", "sqlServerHostname"} <= found["suffixes"].keys()
    assert all(suffix.endswith(".invalid") for suffix in found["suffixes"].values())
    assert raw(arm, "GET", "/metadata/endpoints?api-version=2019-05-01").json() == [found]


def test_a_url_may_end_in_a_slash(arm: ArmSession) -> None:
    assert raw(arm, "GET", "//metadata/endpoints?api-version=2022-09-01").status_code == 200
    assert raw(arm, "GET", "/subscriptions/?api-version=2022-12-01").json()["value"]


@pytest.mark.parametrize(
    "path",
    [
        "/tenants",
        "/providers",
        "/subscriptions",
        "{subscription}/locations",
        "{subscription}/providers",
        "{subscription}/resources",
        "{group}/resources",
    ],
)
def test_lists_of_what_stands_around_the_resources_are_there(azure: Emulator, arm: ArmSession, path: str) -> None:
    azure.put_scale_set("web")
    path = path.format(subscription=f"/subscriptions/{azure.subscription_id}", group=arm.group_id)
    found = raw(arm, "GET", f"{path}?api-version=2022-09-01")
    assert found.status_code == 200
    assert found.json()["value"]
    assert raw(arm, "DELETE", f"{path}?api-version=2022-09-01").status_code in (404, 405)


def test_resources_are_listed_without_their_properties_and_by_type(azure: Emulator, arm: ArmSession) -> None:
    azure.put_scale_set("web")
    arm.ask("PUT", arm.group_id + OTHER, {"location": "westeurope"})
    url = f"{arm.group_id}/resources"
    assert [one["name"] for one in arm.ask("GET", url).json()["value"]] == ["web", "lb"]
    only = arm.ask("GET", url, filter="resourceType eq 'Microsoft.Network/loadBalancers'").json()["value"]
    assert [(one["name"], "properties" in one) for one in only] == [("lb", False)]
    assert arm.ask("GET", url, filter="tagName eq 'x'").status_code == 400


def test_a_provider_tells_the_versions_of_the_types_that_there_are(arm: ArmSession) -> None:
    arm.put_group()
    arm.ask("PUT", f"{arm.group_id}/providers/Microsoft.Cache/redis/fast", {"location": "westeurope"})
    subscription = arm.group_id.rpartition("/resourceGroups/")[0]
    for name, kind in (("Microsoft.Compute", "virtualMachineScaleSets"), ("microsoft.cache", "redis")):
        found = arm.ask("GET", f"{subscription}/providers/{name}").json()
        assert found["registrationState"] == "Registered"
        assert [one["apiVersions"] for one in found["resourceTypes"] if one["resourceType"] == kind] != []
    assert arm.ask("POST", f"{subscription}/providers/Microsoft.Cache/register").status_code == 200


@pytest.mark.parametrize("scope", ["", "{group}", "{set}", "{vnet}"])
@pytest.mark.parametrize(
    "kind", ["Microsoft.Authorization/locks", "Microsoft.Insights/diagnosticSettings", "Microsoft.Authorization/x"]
)
def test_what_extends_a_resource_lies_below_any_of_them(
    azure: Emulator, arm: ArmSession, scope: str, kind: str
) -> None:
    set_id = azure.put_scale_set("web")
    vnet = f"{arm.group_id}/providers/Microsoft.Network/virtualNetworks/net"
    arm.ask("PUT", vnet, {"location": "westeurope"})
    below = scope.format(group=arm.group_id, set=set_id, vnet=vnet) or f"/subscriptions/{azure.subscription_id}"
    extension = f"{below}/providers/{kind}/one"
    assert arm.ask("PUT", extension, {"properties": {"level": "CanNotDelete"}}).status_code == 201
    found = arm.ask("GET", extension).json()
    assert (found["id"], found["type"], found["name"]) == (extension, kind, "one")
    assert [one["name"] for one in arm.ask("GET", extension.rpartition("/")[0]).json()["value"]] == ["one"]
    assert arm.ask("DELETE", extension).status_code == 200
    assert arm.ask("GET", extension).status_code == 404


def test_what_extends_a_scale_set_goes_with_it_and_cannot_extend_one_that_is_not_there(
    azure: Emulator, arm: ArmSession
) -> None:
    lock = f"{azure.put_scale_set('web')}/providers/Microsoft.Authorization/locks/keep"
    arm.ask("PUT", lock, {"properties": {"level": "CanNotDelete"}})
    arm.ask("DELETE", arm.set_id)
    assert error(arm.ask("PUT", lock, {"properties": {}})) == "ResourceNotFound"
    azure.put_scale_set("web")
    assert arm.ask("GET", lock).status_code == 404


def test_instances_are_filtered_and_narrowed_as_azure_documents_it(azure: Emulator, arm: ArmSession) -> None:
    azure.put_scale_set("web", capacity=2)
    azure.put_scale_set("web", capacity=2, extensions=["cse"])  # Manual: nobody applies it
    vms = f"{arm.set_id}/virtualMachines"
    for latest, count in (("true", 0), ("false", 2)):
        wanted = f"properties/latestModelApplied eq {latest}"
        assert len(arm.ask("GET", vms, filter=wanted).json()["value"]) == count
    narrow = arm.ask("GET", vms, expand="instanceView", select="instanceView/statuses").json()["value"]
    assert [list(one["properties"]["instanceView"]) for one in narrow] == [["statuses"], ["statuses"]]
    assert error(arm.ask("GET", vms, filter="name eq 'x'")) == "InvalidParameter"
    assert error(arm.ask("GET", vms, select="name")) == "InvalidParameter"


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("POST", "/restart"), ("DELETE", "")])
def test_a_stale_etag_of_an_instance_is_refused(azure: Emulator, arm: ArmSession, method: str, path: str) -> None:
    azure.put_scale_set("web", capacity=1)
    vm = f"{arm.set_id}/virtualMachines/0"
    if not path:
        arm.session.headers["If-Match"] = '"99"'
        assert error(arm.ask(method, vm, {} if method == "PUT" else None)) == "PreconditionFailed"
    arm.session.headers["If-Match"] = arm.ask("GET", vm).json()["etag"]
    assert arm.ask(method, vm + path, {} if method == "PUT" else None).status_code in (200, 202)


def test_a_star_does_not_match_what_is_not_there(arm: ArmSession) -> None:
    arm.put_group()
    arm.session.headers["If-Match"] = "*"
    assert error(arm.ask("PUT", arm.set_id, scale_set_body())) == "PreconditionFailed"


def test_head_says_whether_something_is_there(azure: Emulator, arm: ArmSession) -> None:
    azure.put_scale_set("web")
    for path, status in ((arm.set_id, 204), (arm.group_id, 204), (f"{arm.set_id}x", 404), (f"{arm.group_id}x", 404)):
        answer = arm.ask("HEAD", path)
        assert (answer.status_code, answer.content) == (status, b"")


def test_a_clients_own_request_id_comes_back_when_it_asks_for_it(arm: ArmSession) -> None:
    path = "/subscriptions?api-version=2022-12-01"
    assert "x-ms-client-request-id" not in raw(arm, "GET", path, x_ms_client_request_id="mine").headers
    told = raw(arm, "GET", path, x_ms_client_request_id="mine", x_ms_return_client_request_id="true")
    assert told.headers["x-ms-client-request-id"] == "mine"


@pytest.mark.parametrize(
    ("path", "version", "code"),
    [
        ("{set}", "2016-04-30-preview", None),
        ("{set}", "2026-04-01", None),
        ("{set}", "2015-05-01", "NoRegisteredProviderFound"),
        ("{set}", "2024-02-02", "NoRegisteredProviderFound"),
        ("{set}", "2077-01-01", "NoRegisteredProviderFound"),
        ("{set}", "2021-13-45", "InvalidApiVersionParameter"),
        ("{set}", "2025-04-01,2024-01-01", "InvalidApiVersionParameter"),
        ("{group}", "2015-01-01", None),
        ("{group}", "2077-01-01", "InvalidApiVersionParameter"),
        ("/subscriptions", "2014-04-01", None),
        ("{group}/providers/microsoft.insights/eventtypes/management/values", "2015-04-01", None),
    ],
)
def test_an_api_version_must_be_one_that_azure_has(
    azure: Emulator, arm: ArmSession, path: str, version: str, code: str | None
) -> None:
    set_id = azure.put_scale_set("web")
    answer = arm.ask("GET", path.format(set=set_id, group=arm.group_id), version=version)
    assert (error(answer) if code else answer.status_code) == (code or 200)


def test_an_instance_has_the_network_interfaces_of_its_model(azure: Emulator, arm: ArmSession) -> None:
    subnet = {"id": f"{arm.group_id}/providers/Microsoft.Network/virtualNetworks/net/subnets/machines"}
    addresses = [{"name": "ip", "properties": {"subnet": subnet}}]
    card = {"name": "nic", "properties": {"primary": True, "ipConfigurations": addresses}}
    profile = {"networkProfile": {"networkInterfaceConfigurations": [card]}}
    azure.put_scale_set("web", capacity=2, properties={"virtualMachineProfile": profile})
    (found,) = arm.ask("GET", f"{arm.set_id}/virtualMachines/1/networkInterfaces").json()["value"]
    assert found["id"] == f"{arm.set_id}/virtualMachines/1/networkInterfaces/nic"
    assert found["properties"]["ipConfigurations"][0]["properties"]["subnet"] == subnet
    assert len(arm.ask("GET", f"{arm.set_id}/networkInterfaces").json()["value"]) == 2


def test_identities_have_principals_that_stay_and_a_body_can_be_put_back(azure: Emulator, arm: ArmSession) -> None:
    arm.put_group()
    own = f"{arm.group_id}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker"
    worker = arm.ask("PUT", own, {"location": "westeurope"}).json()["properties"]
    identity = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {own: {}}}
    arm.ask("PUT", arm.set_id, {**scale_set_body(), "identity": identity})
    found = arm.ask("GET", arm.set_id).json()
    assert (len(found["identity"]["principalId"]), found["identity"]["tenantId"]) == (36, azure.tenant_id)
    principal = {key: worker[key] for key in ("principalId", "clientId")}
    assert found["identity"]["userAssignedIdentities"] == {own: principal}
    assert arm.ask("PUT", arm.set_id, found).headers["ETag"] == found["etag"]


def test_the_activity_log_tells_of_a_failed_operation(azure: Emulator, arm: ArmSession) -> None:
    state = "{put: 1, at: 0s, extension: cse, state: failed/50, message: exit status 50}"
    azure.load(f"scale_sets: {{web: {{boot: 1ms, extension: 1ms, events: [{state}]}}}}")
    azure.put_scale_set("web", extensions=["cse"])
    azure.put_scale_set("other")
    while arm.ask("GET", arm.set_id).json()["properties"]["provisioningState"] == "Creating":
        pass
    subscription = arm.group_id.rpartition("/resourceGroups/")[0]
    log = f"{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    found = arm.ask("GET", log, version="2015-04-01", filter=f"resourceUri eq '{arm.set_id}'").json()["value"]
    (event,) = found
    assert (event["level"], event["status"]["value"], event["resourceId"]) == ("Error", "Failed", arm.set_id)
    assert event["operationName"]["value"] == "Microsoft.Compute/virtualMachineScaleSets/write"
    assert "exit status 50" in json.loads(event["properties"]["statusMessage"])["error"]["message"]


def test_a_group_can_be_patched(azure: Emulator, arm: ArmSession) -> None:
    azure.put_scale_set("web")
    assert arm.ask("PATCH", arm.group_id, {"tags": {"a": "b"}}).json()["tags"] == {"a": "b"}
    assert arm.ask("GET", arm.group_id).json()["location"] == "westeurope"


def test_the_activity_log_keeps_what_was_done_to_a_set_that_is_gone(azure: Emulator, arm: ArmSession) -> None:
    def told(name: str) -> list[tuple[str, str]]:
        log = f"/subscriptions/{azure.subscription_id}/providers/Microsoft.Insights/eventtypes/management/values"
        events = arm.ask("GET", log, version="2015-04-01", filter=f"resourceUri eq '{name}'").json()["value"]
        return [(event["operationName"]["value"].partition("/")[2], event["status"]["value"]) for event in events]

    webs = [azure.put_scale_set("web"), azure.put_scale_set("web", resource_group="other")]
    arm.finish(arm.ask("DELETE", webs[0]))
    arm.ask("DELETE", webs[1].partition("/providers/")[0])
    for web in webs:
        deleted, written = told(web)
        assert deleted == ("virtualMachineScaleSets/delete", "Succeeded")
        assert written[0] == "virtualMachineScaleSets/write"


def test_any_resource_can_be_patched_and_tags_are_merged_replaced_and_removed(arm: ArmSession) -> None:
    arm.put_group()
    balancer = arm.group_id + OTHER
    arm.ask("PUT", balancer, {"location": "westeurope", "properties": {"a": 1}})
    patched = arm.ask("PATCH", balancer, {"properties": {"b": 2}}).json()["properties"]
    assert (patched["a"], patched["b"]) == (1, 2)
    tags = f"{balancer}/providers/Microsoft.Resources/tags/default"
    assert arm.ask("GET", tags).json()["properties"]["tags"] == {}
    for operation, given, left in (
        ("Merge", {"a": "1", "b": "2"}, {"a": "1", "b": "2"}),
        ("Delete", {"a": "1"}, {"b": "2"}),
        ("Replace", {"c": "3"}, {"c": "3"}),
    ):
        body = {"operation": operation, "properties": {"tags": given}}
        assert arm.ask("PATCH", tags, body).json()["properties"]["tags"] == left
    for operation in ("Merge", "Delete", "Replace"):
        for wrong in ([1], {"tags": ["c"]}):
            assert arm.ask("PATCH", tags, {"operation": operation, "properties": wrong}).status_code == 400
    assert arm.ask("GET", tags).json()["properties"]["tags"] == {"c": "3"}


SET, VM = "{group}/providers/Microsoft.Compute/virtualMachineScaleSets/web", "/virtualMachines/0"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", SET + "/simulateEviction"),
        ("POST", SET + "/performMaintenance"),
        ("POST", SET + "/redeploy"),
        ("GET", SET + "/skus"),
        ("GET", SET + "/osUpgradeHistory"),
        ("GET", SET + "/publicIPAddresses"),
        ("POST", SET + VM + "/runCommand"),
        ("POST", SET + VM + "/retrieveBootDiagnosticsData"),
        ("GET", SET + VM + "/runCommands"),
        ("PUT", SET + VM + "/runCommands/r"),
        ("GET", SET + VM + "/publicIPAddresses"),
        ("GET", SET + VM + "/networkInterfaces/nic"),
        ("GET", SET + VM + "/networkInterfaces/nic/ipConfigurations/ip/publicIPAddresses"),
        ("GET", SET + VM + "/extensions"),
        ("GET", SET + VM + "/extensions/cse"),
        ("PUT", "{group}/providers/Microsoft.Resources/deployments/d"),
        ("POST", "{group}/providers/Microsoft.Resources/deployments/d/validate"),
        ("POST", "{group}/providers/Microsoft.Storage/storageAccounts/a/listKeys"),
        ("GET", "{subscription}/providers/Microsoft.Compute/locations/westeurope/usages"),
        ("GET", "{subscription}/providers/Microsoft.Network/locations/westeurope/usages"),
        ("GET", "{subscription}/providers/Microsoft.Compute/skus"),
    ],
)
def test_what_azure_can_do_and_the_emulator_cannot_is_refused_as_such(
    azure: Emulator, arm: ArmSession, method: str, path: str
) -> None:
    azure.put_scale_set("web", capacity=1)
    arm.ask("PUT", f"{arm.group_id}/providers/Microsoft.Storage/storageAccounts/a", {"location": "westeurope"})
    where = path.format(group=arm.group_id, subscription=f"/subscriptions/{azure.subscription_id}")
    answer = arm.ask(method, where, {} if method != "GET" else None)
    assert (answer.status_code, error(answer)) == (501, "NotEmulated")
    assert "docs/emulator.md" in answer.json()["error"]["message"]


def test_the_sets_of_a_location_are_listed(azure: Emulator, arm: ArmSession) -> None:
    azure.put_scale_set("web")
    url = f"/subscriptions/{azure.subscription_id}/providers/Microsoft.Compute/locations/{{}}/virtualMachineScaleSets"
    found = [len(arm.ask("GET", url.format(place)).json()["value"]) for place in ("westeurope", "eastus")]
    assert found == [1, 0]
