"""The stand-in for azure-native without an engine: its table, its bodies, its values, its client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental import provider as pulumi
from pulumi.runtime import rpc

from vmss_emulator import Emulator
from vmss_emulator.pulumi_plugin import kinds, values
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
    assert kinds.find("azure-native:compute/v20241101:VirtualMachineScaleSet") is kinds.find(SCALE_SET)


def test_an_unknown_type_is_told_with_how_to_add_it() -> None:
    urn = "urn:pulumi:dev::emulated::azure-native:web:WebApp::app"
    answer = asyncio.run(AzureNative().check(pulumi.CheckRequest(urn, {}, {}, b"")))
    assert answer.failures is not None
    assert "azure-native:web:WebApp" in answer.failures[0].reason
    assert "kinds.py" in answer.failures[0].reason


def test_a_name_is_given_once_and_kept() -> None:
    fresh = asyncio.run(AzureNative().check(pulumi.CheckRequest(URN, {}, {}, b"\x01\x02\x03\x04\x05"))).inputs
    assert fresh is not None
    assert values.to_json(fresh) == {"vmScaleSetName": "web01020304"}
    again = asyncio.run(AzureNative().check(pulumi.CheckRequest(URN, fresh, {}, b"\x09" * 5))).inputs
    assert again == fresh


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
    provider = AzureNative()

    async def invoke(function: str, **arguments: str) -> dict[str, Any]:
        args = values.from_json(
            {
                "metadataHost": azure.environment["ARM_METADATA_HOSTNAME"],
                "subscriptionId": azure.subscription_id,
                "tenantId": azure.tenant_id,
                "clientId": azure.client_id,
                "clientSecret": azure.client_secret,
            }
        )
        await provider.configure(pulumi.ConfigureRequest({}, args, False, False))
        answer = await provider.invoke(pulumi.InvokeRequest(f"azure-native:{function}", values.from_json(arguments)))
        return values.to_json(answer.return_value or {})

    assert asyncio.run(invoke("authorization:getClientConfig"))["subscriptionId"] == azure.subscription_id
    where = {"resourceGroupName": "rg", "vmScaleSetName": "web"}
    found = asyncio.run(invoke("compute:getVirtualMachineScaleSet", **where))
    assert found["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["type"] == "CustomScript"
    with pytest.raises(AzureError, match="there is no"):
        asyncio.run(invoke("resources:getResourceGroup", resourceGroupName="none"))
