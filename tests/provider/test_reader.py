"""Reading a scale set over real TLS, with real tokens, from an offline Azure."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import pytest
from tests.clocks import within
from tests.provider.conftest import AT_ONCE, trust, vms

from pulumi_vmss_health import (
    ConfigurationError,
    CredentialError,
    Forbidden,
    InstanceViewError,
    MalformedBody,
    Rejected,
    ScaleSetId,
    ScaleSetNotFound,
    Throttled,
    Unauthorized,
    Unavailable,
    get_instance_view,
)
from vmss_emulator import Emulator
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure
from vmss_instance_view.reading.reader import ScaleSetReader


def reader(azure: Emulator, environment: Mapping[str, str] | None = None) -> ScaleSetReader:
    scale_set = ScaleSetId.parse(azure.put_scale_set("web", capacity=5, extensions=["cse"], health=True))
    return Azure(Settings(environment or azure.environment)).reader(scale_set)


def fault(azure: Emulator, match: str = "GET */instanceView", **fault: object) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": match, **fault}]})


def test_the_view_the_model_and_every_page_of_instances_are_read(azure: Emulator) -> None:
    web = reader(azure)
    assert web.model(within(5)).capacity == 5
    assert vms(web.view(within(5))) == 5
    instances = web.instances(within(5))
    assert [each.instance_id for each in instances] == ["0", "1", "2", "3", "4"]
    assert all(each.view and each.view.vm_health and each.view.vm_health.state == "healthy" for each in instances)


def test_a_managed_identity_reads_without_any_secret(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = azure.managed_identity_environment
    assert "ARM_CLIENT_SECRET" not in environment
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environment[name])
    assert reader(azure, environment).model(within(5)).capacity == 5


def test_configuration_of_azure_native_wins_over_its_variables(azure: Emulator) -> None:
    right = {"azure-native:clientSecret": azure.client_secret}
    wrong = {**azure.environment, "ARM_CLIENT_SECRET": "wrong"}
    scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
    assert Azure(Settings(wrong, right.get)).reader(scale_set).view(within(5))
    with pytest.raises(CredentialError):
        Azure(Settings(azure.environment, {"azure-native:clientSecret": "wrong"}.get)).reader(scale_set).view(within(5))


def test_a_token_that_expires_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator({"scale_sets": {"*": AT_ONCE}}, token_lifetime=2) as azure:
        trust(azure, monkeypatch)
        web = reader(azure)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert vms(web.view(within(5))) == 5
        assert len(azure.tokens) > 1


@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (400, "InvalidParameter", Rejected, "HTTP 400 InvalidParameter"),
        (403, "AuthorizationFailed", Forbidden, "role Reader"),
        (404, "ResourceNotFound", ScaleSetNotFound, "check the subscription, the resource group and the name"),
        (409, "OperationNotAllowed", Unavailable, "another operation on the set is running"),
        (412, "PreconditionFailed", Unavailable, "the set has changed in the meantime"),
        (429, "TooManyRequests", Throttled, "is used up (all clients share it)"),
        (500, "InternalServerError", Unavailable, "HTTP 500"),
        (503, "ServiceUnavailable", Unavailable, "HTTP 503"),
    ],
)
def test_a_refusal_is_the_error_that_a_caller_would_act_on(
    azure: Emulator, status: int, code: str, error: type[InstanceViewError], words: str
) -> None:
    fault(azure, status=status, code=code, message="why it was refused")
    with pytest.raises(InstanceViewError) as refused:
        reader(azure).view(within(5))
    assert type(refused.value) is error
    text = str(refused.value)
    assert words in text
    assert "instance view of scale set web (resource group rg)" in text
    assert "why it was refused" in text
    assert "correlation id" in text


def test_what_azure_says_about_waiting_reaches_the_caller(azure: Emulator) -> None:
    fault(azure, status=429, code="TooManyRequests", retry_after=17)
    with pytest.raises(Throttled) as refused:
        reader(azure).view(within(5))
    assert refused.value.retry_after == 17


def test_a_token_that_azure_no_longer_accepts_is_asked_for_anew_once(azure: Emulator) -> None:
    fault(azure, status=401, code="ExpiredAuthenticationToken", times=1)
    assert vms(reader(azure).view(within(5))) == 5
    fault(azure, status=401, code="InvalidAuthenticationToken")
    with pytest.raises(Unauthorized, match="does not accept the token"):
        reader(azure).view(within(5))


@pytest.mark.parametrize("hang", ["headers", "body"])
def test_a_server_that_hangs_is_given_up_at_the_deadline(azure: Emulator, hang: str) -> None:
    fault(azure, hang=hang)
    web, began = reader(azure), time.monotonic()
    with pytest.raises(Unavailable, match="no complete answer in the time that was left"):
        web.view(within(1))
    assert time.monotonic() - began < 2


def test_a_connection_that_is_always_reset_is_unavailable(azure: Emulator) -> None:
    fault(azure, reset=True)
    with pytest.raises(Unavailable, match="no answer"):
        reader(azure).view(within(5))


def test_a_connection_that_was_reset_once_is_made_anew(azure: Emulator) -> None:
    fault(azure, reset=True, times=1)
    assert vms(reader(azure).view(within(5))) == 5


def test_a_certificate_of_an_unknown_authority_is_refused(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(ConfigurationError, match=r"certificate is not trusted .*set REQUESTS_CA_BUNDLE"):
        reader(azure)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"ARM_METADATA_HOSTNAME": "", "ARM_ENVIRONMENT": "mars", "VMSS_EMULATOR_URL": ""},
            "unknown cloud 'mars' in azure-native:environment",
        ),
        *(
            ({"ARM_METADATA_HOSTNAME": host, "VMSS_EMULATOR_URL": ""}, f"must be a host name, not {host!r}")
            for host in ("http://x", "https:/x", "x/y", "x?", "x#", "user@x", "x\\y", "x:", "x:port", ".x", "x y", "é")
        ),
    ],
)
def test_a_cloud_that_does_not_exist_is_refused_by_the_name_of_its_setting(
    azure: Emulator, changed: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        reader(azure, {**azure.environment, **changed})
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "words", "setting"),
    [
        ({"ARM_CLIENT_SECRET": "wrong"}, "AADSTS7000215", "ARM_TENANT_ID"),
        ({"ARM_TENANT_ID": ""}, "a client secret is set, but no tenantId: set azure-native:tenantId", "ARM_TENANT_ID"),
        ({"ARM_TENANT_ID": "00000000-0000-0000-0000-00000000dead"}, "no token from the client secret", "ARM_TENANT_ID"),
        ({"ARM_CLIENT_SECRET": ""}, "no token from the az CLI", "ARM_CLIENT_SECRET"),
    ],
)
def test_a_credential_that_gives_no_token_says_what_was_tried_and_what_to_set(
    azure: Emulator, changed: dict[str, str], words: str, setting: str
) -> None:
    with pytest.raises(CredentialError) as refused:
        reader(azure, {**azure.environment, **changed}).view(within(10))
    assert words in str(refused.value)
    assert setting in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_get_instance_view_reads_by_id_with_the_environments_credential(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)
    view = get_instance_view(azure.put_scale_set("web", capacity=2))
    assert vms(view) == 2


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        ("<html>login</html>", "$", "not JSON"),
        ('{"virtualMachine": {"statusesSumm', "$", "not JSON"),
        ("[]", "$", "an object belongs here"),
        (
            '{"virtualMachine": {"statusesSummary": [{"count": "x"}]}}',
            "$.virtualMachine.statusesSummary[0].count",
            "whole",
        ),
        ("[" * 100_000, "$", "nested too deeply"),
    ],
)
def test_a_body_that_is_no_instance_view_is_named_by_its_url_and_json_path(
    azure: Emulator, body: str, path: str, problem: str
) -> None:
    fault(azure, body=body)
    with pytest.raises(MalformedBody) as refused:
        reader(azure).view(within(5))
    assert refused.value.path == path
    assert problem in str(refused.value)
    assert f"{azure.url}/subscriptions/" in str(refused.value)
    assert "/instanceView?api-version=" in str(refused.value)


ERROR = '{"error": {"code": "ServerBusy", "message": "later"}}'


@pytest.mark.parametrize(
    ("match", "body", "problem"),
    [
        *(("GET */virtualMachines", body, r"at \$\.value: a list belongs here") for body in ("{}", '{"value": null}')),
        *(("GET */web", body, "no scale set") for body in ("{}", '{"sku": {"capacity": 3}}')),
        *((f"GET */{part}", ERROR, "an error: ServerBusy") for part in ("web", "instanceView", "virtualMachines")),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_malformed(
    azure: Emulator, match: str, body: str, problem: str
) -> None:
    web = reader(azure)
    fault(azure, match, body=body)
    with pytest.raises(MalformedBody, match=problem):
        [read(within(5)) for read in (web.model, web.view, web.instances)]


def test_a_list_that_points_to_another_host_is_not_followed(azure: Emulator) -> None:
    fault(azure, match="GET */virtualMachines", body='{"value": [], "nextLink": "https://example.org/next"}')
    with pytest.raises(Rejected, match="refused to follow a nextLink"):
        reader(azure).instances(within(5))


def test_a_list_that_goes_in_a_circle_ends(azure: Emulator) -> None:
    web = reader(azure)
    page = {"value": [], "nextLink": f"{azure.url}/subscriptions/s/virtualMachines?$skiptoken=1"}
    fault(azure, match="GET */virtualMachines", body=json.dumps(page))
    with pytest.raises(Rejected, match="the list did not end"):
        web.instances(within(5))
