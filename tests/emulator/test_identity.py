"""Who gets a token: by hand, and with Microsoft's own client."""

from __future__ import annotations

import base64
import json

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from tests.emulator.support import ArmSession, FakeClock, ask_for_token, token

from vmss_emulator import Emulator


def claims(jwt: str) -> dict[str, object]:
    part = jwt.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_a_token_looks_like_azures_and_is_remembered(azure: Emulator) -> None:
    found = token(azure)
    assert claims(found)["tid"] == azure.tenant_id
    assert claims(found)["appid"] == azure.client_id
    assert found in azure.tokens


def test_a_wrong_secret_is_refused_as_entra_id_does(azure: Emulator) -> None:
    answer = ask_for_token(azure, client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_description"].startswith("AADSTS7000215: ")
    assert azure.tokens == ()


def test_an_unknown_tenant_or_application_is_refused(azure: Emulator) -> None:
    assert "AADSTS90002" in ask_for_token(azure, tenant="contoso").json()["error_description"]
    assert "AADSTS700016" in ask_for_token(azure, client_id="nobody").json()["error_description"]
    assert ask_for_token(azure, grant_type="password").json()["error"] == "unsupported_grant_type"


def test_an_assertion_stands_for_a_secret(azure: Emulator) -> None:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    answer = ask_for_token(azure, client_secret="", client_assertion="x.y.z", client_assertion_type=kind)
    assert answer.json()["access_token"] in azure.tokens


@pytest.mark.parametrize("path", ["adfs/.well-known", "adfs/v2.0/.well-known", "{tenant}/v2.0/.well-known"])
def test_discovery_leads_to_the_token_endpoint(azure: Emulator, path: str) -> None:
    url = f"{azure.url}/{path.format(tenant=azure.tenant_id)}/openid-configuration"
    found = requests.get(url, verify=str(azure.ca_file), timeout=5).json()
    form = {"grant_type": "client_credentials", "client_id": azure.client_id, "client_secret": azure.client_secret}
    answer = requests.post(found["token_endpoint"], data=form, verify=str(azure.ca_file), timeout=5)
    assert answer.json()["token_type"] == "Bearer"
    assert found["issuer"].startswith(azure.url)


def test_the_cloud_describes_itself_as_one_object_on_its_own_host(azure: Emulator) -> None:
    url = f"{azure.url}/metadata/endpoints?api-version=2022-09-01"
    found = requests.get(url, verify=str(azure.ca_file), timeout=5).json()
    assert found["resourceManager"] == azure.url
    assert found["authentication"]["loginEndpoint"] == azure.url
    assert found["authentication"]["audiences"][0] == azure.url


def test_a_token_ends_with_its_lifetime() -> None:
    clock = FakeClock()
    with Emulator(token_lifetime=60, clock=clock) as azure:
        arm = ArmSession(azure)
        assert arm.ask("GET", "/subscriptions").status_code == 200
        clock.advance(61)
        assert arm.ask("GET", "/subscriptions").status_code == 401
        arm.close()


@pytest.mark.parametrize("tenant", ["adfs", None])
def test_azure_identity_signs_in_with_a_secret(azure: Emulator, tenant: str | None) -> None:
    with ClientSecretCredential(
        tenant or azure.tenant_id,
        azure.client_id,
        azure.client_secret,
        authority=azure.url,
        disable_instance_discovery=True,
        connection_verify=str(azure.ca_file),
    ) as credential:
        assert credential.get_token(f"{azure.url}/.default").token in azure.tokens


def test_azure_identity_tells_a_wrong_secret(azure: Emulator) -> None:
    with (
        ClientSecretCredential(
            azure.tenant_id,
            azure.client_id,
            "wrong",
            authority=azure.url,
            disable_instance_discovery=True,
            connection_verify=str(azure.ca_file),
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token(f"{azure.url}/.default")


def test_azure_identity_signs_in_as_a_managed_identity(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in azure.managed_identity_environment.items():
        monkeypatch.setenv(variable, value)
    with ManagedIdentityCredential() as credential:
        assert credential.get_token(f"{azure.url}/.default").token in azure.tokens


def test_managed_identity_has_no_secret_and_demands_its_header(azure: Emulator) -> None:
    environment = azure.managed_identity_environment
    assert azure.client_secret not in str(environment)
    query = {"api-version": "2019-08-01", "resource": azure.url}
    refused = requests.get(environment["IDENTITY_ENDPOINT"], params=query, timeout=5)
    assert refused.status_code == 401
    older = {"secret": environment["IDENTITY_HEADER"]}
    assert (
        "access_token" in requests.get(environment["IDENTITY_ENDPOINT"], params=query, headers=older, timeout=5).json()
    )


def test_the_instance_metadata_service_answers_who_says_that_it_knows(azure: Emulator) -> None:
    url = f"{azure.identity_url}/metadata/identity/oauth2/token"
    query = {"api-version": "2018-02-01", "resource": azure.url}
    assert requests.get(url, params=query, timeout=5).status_code == 400
    found = requests.get(url, params=query, headers={"Metadata": "true"}, timeout=5).json()
    assert found["access_token"] in azure.tokens
    assert int(found["expires_in"]) == 3600
