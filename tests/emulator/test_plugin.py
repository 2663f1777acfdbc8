"""The stand-in for azure-native without an engine: its table, its bodies, its values, its client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental import provider as pulumi
from pulumi.runtime import rpc

from vmss_emulator import Emulator
from vmss_emulator.pulumi_plugin import kinds, sdk, values
from vmss_emulator.pulumi_plugin.client import ArmClient, AzureError, Settings
from vmss_emulator.pulumi_plugin.provider import AzureNative

SCALE_SET = "azure-native:compute:VirtualMachineScaleSet"
URN = f"urn:pulumi:dev::emulated::{SCALE_SET}::web"


@pytest.fixture(autouse=True)
def emulated(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under `exec`, but for the credentials."""
    for variable in ("VMSS_EMULATOR_URL", "REQUESTS_CA_BUNDLE", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, azure.environment[variable])


def settings(azure: Emulator, **changed: str) -> Settings:
    config = {
        "subscriptionId": azure.subscription_id,
        "tenantId": azure.tenant_id,
        "clientId": azure.client_id,
        "clientSecret": azure.client_secret,
        **changed,
    }
    return Settings.read(config)


def test_bodies_are_flat_in_the_sdk_and_wrapped_in_arm() -> None:
    flat: dict[str, Any] = {
        "location": "westeurope",
        "sku": {"name": "B1s", "capacity": 3},
        "virtualMachineProfile": {
            "extensionProfile": {"extensions": [{"name": "cse", "type": "CustomScript"}]},
            "networkProfile": {
                "networkInterfaceConfigurations": [
                    {"name": "nic", "primary": True, "ipConfigurations": [{"name": "ip", "subnet": {"id": "/s"}}]}
                ]
            },
        },
    }
    shape = kinds.find(SCALE_SET).shape
    body = shape.to_arm(flat)
    assert set(body) == {"location", "sku", "properties"}
    profile = body["properties"]["virtualMachineProfile"]
    assert profile["extensionProfile"]["extensions"] == [{"name": "cse", "properties": {"type": "CustomScript"}}]
    card = profile["networkProfile"]["networkInterfaceConfigurations"][0]
    assert card["properties"]["ipConfigurations"] == [{"name": "ip", "properties": {"subnet": {"id": "/s"}}}]
    assert shape.to_sdk(body) == flat


def test_an_older_version_of_a_type_is_the_same_type() -> None:
    assert kinds.find("azure-native:compute/v20241101:VirtualMachineScaleSet") == kinds.find(SCALE_SET)


def test_a_type_is_known_below_whatever_components_it_lies() -> None:
    assert kinds.find(f"acme:shop:Shop$acme:shop:Machines${SCALE_SET}") == kinds.find(SCALE_SET)


@pytest.mark.parametrize(
    ("token", "path", "version"),
    [
        (
            "compute:VirtualMachineScaleSet",
            "resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/virtualMachineScaleSets/{vmScaleSetName}",
            "2024-11-01",
        ),
        (
            "network:SecurityRule",
            "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/networkSecurityGroups"
            "/{networkSecurityGroupName}/securityRules/{securityRuleName}",
            "2024-05-01",
        ),
        (
            "web:WebApp",
            "resourceGroups/{resourceGroupName}/providers/Microsoft.Web/sites/{name}",
            "2025-05-01",
        ),
        (
            "authorization:RoleAssignment",
            "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
            "2022-04-01",
        ),
        (
            "servicebus:Subscription",
            "resourceGroups/{resourceGroupName}/providers/Microsoft.ServiceBus/namespaces/{namespaceName}"
            "/topics/{topicName}/subscriptions/{subscriptionName}",
            "2026-01-01",
        ),
        (
            "storage:BlobContainer",
            "resourceGroups/{resourceGroupName}/providers/Microsoft.Storage/storageAccounts/{accountName}"
            "/blobServices/default/containers/{containerName}",
            "2024-01-01",
        ),
    ],
)
def test_a_types_place_and_version_come_from_the_installed_sdk(token: str, path: str, version: str) -> None:
    kind = kinds.find(f"azure-native:{token}")
    assert (kind.path, kind.api_version) == (path, version)


def test_an_sdk_of_an_older_generator_tells_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.0 names no type tokens, and writes optional texts otherwise; some versions after it have `builtins.str`."""
    installed = sdk.root()
    assert installed is not None
    token, optional = "compute:VirtualMachineScaleSet", "pulumi.Input[Optional[_builtins.str]]"
    told = kinds.find(f"azure-native:{token}")
    text = (installed / "compute" / "virtual_machine_scale_set.py").read_text()
    assert optional in text
    for name in ("str", "builtins.str"):
        folder = tmp_path / name / "compute"
        folder.mkdir(parents=True)
        older = text.replace(f'@pulumi.type_token("azure-native:{token}")\n', "")
        older = older.replace(optional, f"Optional[pulumi.Input[{name}]]").replace("_builtins.str", name)
        (folder / "virtual_machine_scale_set.py").write_text(older)
        with monkeypatch.context() as patch:
            patch.setattr(sdk, "root", lambda folder=folder: folder.parent)
            sdk.module.cache_clear()
            kinds.find.cache_clear()
            assert kinds.find(f"azure-native:{token}") == told
        sdk.module.cache_clear()
        kinds.find.cache_clear()


def test_nearly_all_types_of_the_sdk_have_a_place() -> None:
    modules = ("authorization", "cdn", "compute", "containerservice", "keyvault", "monitor", "sql", "storage", "web")
    types = [f"azure-native:{module}:{name}" for module in modules for name in sdk.module(module)]
    placed = [one for one in types if _is_placed(one)]
    assert len(types) > 300
    assert len(placed) > 0.94 * len(types)


def _is_placed(token: str) -> bool:
    try:
        return bool(kinds.find(token).path)
    except LookupError:
        return False


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("azure-native:web:NoSuchType", "has no such type"),
        ("azure-native:sql:SensitivityLabel", "which of its inputs is its name"),
        ("aws:s3:Bucket", "not a resource type of azure-native"),
    ],
)
def test_a_type_that_cannot_be_placed_is_refused_with_its_name_and_where_to_read(token: str, why: str) -> None:
    urn = f"urn:pulumi:dev::emulated::acme:shop:Shop${token}::app"
    answer = asyncio.run(AzureNative().check(pulumi.CheckRequest(urn, {}, {}, b"")))
    assert answer.failures is not None
    assert f"cannot deploy {token}: " in answer.failures[0].reason
    assert why in answer.failures[0].reason
    assert "docs/emulator.md" in answer.failures[0].reason


def test_a_name_is_given_once_and_kept() -> None:
    given = values.from_json({"location": "westeurope"})
    fresh = asyncio.run(AzureNative().check(pulumi.CheckRequest(URN, {}, given, b"\x01\x02\x03\x04\x05"))).inputs
    assert fresh is not None
    assert values.to_json(fresh) == {
        "vmScaleSetName": "web01020304",
        "location": "westeurope",
        "azureApiVersion": "2024-11-01",
    }
    again = asyncio.run(AzureNative().check(pulumi.CheckRequest(URN, fresh, {}, b"\x09" * 5))).inputs
    assert again == fresh


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("compute:VirtualMachineScaleSetExtension", "app"),
        ("network:Subnet", "app"),
        ("network:VirtualNetwork", "app01020304"),
        ("authorization:RoleAssignment", "74f81fe1-67d9-4c97-8c4c-9c3a0e7e1c3a"),
    ],
)
def test_what_lies_below_another_resource_gets_no_random_suffix_and_a_role_assignment_a_uuid(
    token: str, name: str
) -> None:
    urn = f"urn:pulumi:dev::emulated::azure-native:{token}::app"
    given = values.from_json({"location": "westeurope"})
    answer = asyncio.run(AzureNative().check(pulumi.CheckRequest(urn, {}, given, b"\x01\x02\x03\x04\x05")))
    own = kinds.find(f"azure-native:{token}").own_name
    assert own is not None
    found = values.to_json(answer.inputs or {})[own]
    assert found == name or (own == "roleAssignmentName" and len(found) == len(name))


def connected(azure: Emulator) -> AzureNative:
    provider = AzureNative()
    config = {
        "metadataHost": azure.environment["ARM_METADATA_HOSTNAME"],
        "subscriptionId": azure.subscription_id,
        "tenantId": azure.tenant_id,
        "clientId": azure.client_id,
        "clientSecret": azure.client_secret,
    }
    asyncio.run(provider.configure(pulumi.ConfigureRequest({}, values.from_json(config), False, False)))
    return provider


def test_an_import_takes_its_inputs_from_what_azure_answers(azure: Emulator) -> None:
    resource_id = azure.put_scale_set("web", capacity=2, extensions=["cse"])
    answer = asyncio.run(connected(azure).read(pulumi.ReadRequest(URN, resource_id, {}, {})))
    inputs = values.to_json(answer.inputs or {})
    assert (inputs["resourceGroupName"], inputs["vmScaleSetName"], inputs["location"]) == ("rg", "web", "westeurope")
    assert inputs["sku"]["capacity"] == 2
    assert inputs["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["name"] == "cse"
    assert not {"etag", "uniqueId", "provisioningState", "id", "type", "timeCreated"} & inputs.keys()


def test_a_preview_of_a_change_knows_the_name_and_the_place_alone_of_what_azure_tells() -> None:
    old = {"name": "web", "location": "westeurope", "etag": '"1"', "uniqueId": "u", "type": "t", "sku": {"capacity": 2}}
    new = {"resourceGroupName": "rg", "vmScaleSetName": "web", "location": "westeurope", "sku": {"capacity": 3}}
    request = pulumi.UpdateRequest(URN, "/id", values.from_json(old), values.from_json(new), 60, [], True)
    found = values.to_json(asyncio.run(AzureNative().update(request)).properties or {})
    assert (found["name"], found["location"], found["sku"]) == ("web", "westeurope", {"capacity": 3})
    assert {found[key] for key in ("etag", "uniqueId", "type", "provisioningState")} == {rpc.UNKNOWN}


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"location": "northeurope"}, ["location"]),
        ({"location": "West Europe"}, []),
        ({"resourceGroupName": rpc.UNKNOWN}, ["resourceGroupName"]),
        ({"sku": {"capacity": 4}}, []),
    ],
)
def test_another_place_makes_another_resource(change: dict[str, Any], replaces: list[str]) -> None:
    old = {"resourceGroupName": "rg", "vmScaleSetName": "web", "location": "westeurope"}
    new = values.from_json({**old, **change})
    answer = asyncio.run(AzureNative().diff(pulumi.DiffRequest(URN, "/id", values.from_json(old), new, [])))
    assert (answer.replaces, answer.changes, answer.delete_before_replace) == (replaces, None, bool(replaces))


json_values = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@given(st.dictionaries(st.text(), json_values))
def test_values_survive_the_way_through_pulumi(found: dict[str, Any]) -> None:
    assert values.to_json(values.from_json(found)) == found


def test_without_an_emulator_it_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VMSS_EMULATOR_URL")
    with pytest.raises(AzureError, match="vmss-emulator exec"):
        Settings.read({})


@pytest.mark.parametrize("managed", [False, True])
def test_it_signs_in_with_a_secret_or_as_a_managed_identity(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch, managed: bool
) -> None:
    for variable, value in (azure.managed_identity_environment if managed else azure.environment).items():
        monkeypatch.setenv(variable, value)
    client = ArmClient(Settings.read({}))
    assert asyncio.run(client.get("resourceGroups/none", "2024-07-01")) is None
    assert len(azure.tokens) == 1


@pytest.mark.parametrize("host", ["login.stack.example", "127.0.0.1:1", "https://{own}", "{own}/x", "{own}@evil"])
@pytest.mark.parametrize("by_variable", [False, True])
def test_it_speaks_to_no_other_host(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch, host: str, by_variable: bool
) -> None:
    own = azure.url.removeprefix("https://")
    other = host.format(own=own)
    if by_variable:
        monkeypatch.setenv("ARM_METADATA_HOSTNAME", other)
    with pytest.raises(AzureError) as caught:
        Settings.read({} if by_variable else {"metadataHost": other})
    for word in ("ARM_METADATA_HOSTNAME" if by_variable else "metadataHost", repr(other), repr(own)):
        assert word in str(caught.value)


def test_a_managed_identity_is_asked_for_at_the_emulator_only(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://169.254.169.254/metadata/identity/oauth2/token")
    client = ArmClient(settings(azure, useMsi="true"))
    with pytest.raises(AzureError, match=r"IDENTITY_ENDPOINT is .*169\.254"):
        asyncio.run(client.get("resourceGroups/none", "2024-07-01"))


@pytest.mark.parametrize("managed", [False, True])
def test_it_never_reads_netrc(azure: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, managed: bool) -> None:
    (tmp_path / "netrc").write_text("default login planted password planted\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for variable, value in (azure.managed_identity_environment if managed else azure.environment).items():
        monkeypatch.setenv(variable, value)
    sent: list[str | None] = []
    send = requests.Session.send

    def noted(session: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        sent.append(request.headers.get("Authorization"))
        return send(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", noted)
    assert asyncio.run(ArmClient(Settings.read({})).get("resourceGroups/none", "2024-07-01")) is None
    assert sent == [None, None, f"Bearer {azure.tokens[0]}"]


def test_a_wrong_secret_is_told_in_entra_ids_words(azure: Emulator) -> None:
    client = ArmClient(settings(azure, clientSecret="wrong"))
    with pytest.raises(AzureError, match=r"invalid_client: AADSTS7000215.*HTTP 401"):
        asyncio.run(client.get("resourceGroups/none", "2024-07-01"))


def test_a_busy_azure_is_asked_again(azure: Emulator) -> None:
    azure.load(
        {"faults": [{"match": "PUT *", "times": 1, "status": 503}, {"match": "GET *rg", "times": 1, "reset": True}]}
    )
    client = ArmClient(settings(azure))

    async def create() -> dict[str, Any] | None:
        await client.put("resourceGroups/rg", "2024-07-01", {"location": "westeurope"})
        return await client.get("resourceGroups/rg", "2024-07-01")

    assert (asyncio.run(create()) or {})["name"] == "rg"


def test_cancelling_ends_the_waiting(azure: Emulator) -> None:
    azure.load({"faults": [{"match": "GET */resourceGroups/*", "status": 503}]})

    async def cancelled() -> None:
        client = ArmClient(settings(azure))
        asyncio.get_running_loop().call_later(0.2, client.cancel)
        await client.get("resourceGroups/rg", "2024-07-01")

    with pytest.raises(AzureError, match="cancelled"):
        asyncio.run(cancelled())


def test_it_answers_the_functions_of_the_types_that_it_knows(azure: Emulator) -> None:
    azure.put_scale_set("web", extensions=["cse"])
    provider = connected(azure)

    def invoke(function: str, **arguments: str) -> dict[str, Any]:
        request = pulumi.InvokeRequest(f"azure-native:{function}", values.from_json(arguments))
        return values.to_json(asyncio.run(provider.invoke(request)).return_value or {})

    assert invoke("authorization:getClientConfig")["subscriptionId"] == azure.subscription_id
    where = {"resourceGroupName": "rg", "vmScaleSetName": "web"}
    found = invoke("compute:getVirtualMachineScaleSet", **where)
    assert found["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["type"] == "CustomScript"
    with pytest.raises(AzureError, match="there is no"):
        invoke("resources:getResourceGroup", resourceGroupName="none")
