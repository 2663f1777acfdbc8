"""Who gets a token: by hand, and with Microsoft's own client."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.emulator.support import ArmSession, FakeClock, ask_for_token, token

from vmss_emulator import Emulator
from vmss_emulator.entra import jwts


def claims(jwt: str) -> dict[str, object]:
    part = jwt.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_a_token_looks_like_azures_and_is_remembered(azure: Emulator) -> None:
    found = token(azure)
    assert claims(found)["tid"] == azure.tenant_id
    assert claims(found)["appid"] == azure.client_id
    assert found in azure.tokens


def test_a_secret_never_reads_as_an_option_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: "-" * size)
    assert not Emulator().client_secret.startswith("-")


def test_a_request_is_recorded_with_whom_its_token_was_issued_to_and_never_with_the_token(azure: Emulator) -> None:
    shown = token(azure)
    url = f"{azure.url}/subscriptions?api-version=2022-12-01"
    for authorization in (f"Bearer {shown}", f"bearer {shown}", f"Basic {shown}", "Bearer other", ""):
        requests.get(url, headers={"Authorization": authorization}, verify=str(azure.ca_file), timeout=10)
    asked = [each for each in azure.requests if each.path == "/subscriptions"]
    assert [each.client_id for each in asked] == [azure.client_id, azure.client_id, None, None, None]
    assert shown not in str([each.to_json() for each in asked])


def test_a_wrong_secret_is_refused_as_entra_id_does(azure: Emulator) -> None:
    answer = ask_for_token(azure, client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_description"].startswith("AADSTS7000215: ")
    assert azure.tokens == ()


def test_an_unknown_tenant_or_application_is_refused(azure: Emulator) -> None:
    assert "AADSTS90002" in ask_for_token(azure, tenant="contoso").json()["error_description"]
    assert "AADSTS700016" in ask_for_token(azure, client_id="nobody").json()["error_description"]
    assert ask_for_token(azure, grant_type="password").json()["error"] == "unsupported_grant_type"


def test_azure_identity_signs_in_with_a_certificate(azure: Emulator) -> None:
    environment = azure.certificate_environment
    assert azure.client_secret not in str(environment)
    with CertificateCredential(
        azure.tenant_id, azure.client_id, environment["ARM_CLIENT_CERTIFICATE_PATH"], **trusted(azure)
    ) as credential:
        assert credential.get_token(f"{azure.url}/.default").token in azure.tokens
    assert azure.certificate_environment == environment


def test_azure_identity_signs_in_with_a_pipelines_token(azure: Emulator) -> None:
    environment = azure.oidc_environment
    assert azure.client_secret not in str(environment)

    def workflow() -> str:
        return str(ask_for_oidc_token(azure, audience="api://AzureADTokenExchange").json()["value"])

    with ClientAssertionCredential(azure.tenant_id, azure.client_id, workflow, **trusted(azure)) as credential:
        assert credential.get_token(f"{azure.url}/.default").token in azure.tokens
    assert azure.token_requests == 1


def trusted(azure: Emulator) -> dict[str, Any]:
    return {
        "authority": azure.url,
        "disable_instance_discovery": True,
        "connection_verify": str(azure.ca_file),
    }


def ask_for_oidc_token(azure: Emulator, bearer: str | None = None, **query: str) -> requests.Response:
    environment = azure.oidc_environment
    headers = {"Authorization": f"Bearer {bearer or environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
    return requests.get(url, params=query, headers=headers, verify=str(azure.ca_file), timeout=5)


def test_the_token_service_demands_its_request_token(azure: Emulator) -> None:
    assert ask_for_oidc_token(azure, "wrong").status_code == 401
    found = claims(ask_for_oidc_token(azure, audience="any").json()["value"])
    assert (found["aud"], str(found["sub"]).startswith("repo:")) == ("any", True)
    assert claims(azure.federated_token())["aud"] == "api://AzureADTokenExchange"


def own(azure: Emulator, **changed: object) -> str:
    """What an application with a certificate signs."""
    return jwts.encode({"iss": azure.client_id, "sub": azure.client_id, "aud": azure.url, **changed})


def test_an_assertion_is_taken_for_what_it_says(azure: Emulator) -> None:
    for assertion in (own(azure), own(azure, exp=int(time.time()) + 60), azure.federated_token()):
        answer = ask_with(azure, assertion)
        assert answer.json()["access_token"] in azure.tokens


def ask_with(azure: Emulator, assertion: str) -> requests.Response:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return ask_for_token(azure, client_secret="", client_assertion=assertion, client_assertion_type=kind)


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"sub": "another"}, 700021),
        ({"iss": "another"}, 700021),
        ({"iss": 1}, 50027),
        ({"exp": 1}, 700024),
        ({"exp": "soon"}, 700024),
        ({"iss": "https://issuer", "sub": "repo:x"}, 700212),
        ({"iss": "https://issuer", "sub": "repo:x", "aud": ["other"]}, 700212),
    ],
)
def test_an_assertion_that_says_something_else_is_refused(
    azure: Emulator, changed: dict[str, object], number: int
) -> None:
    assert ask_with(azure, own(azure, **changed)).json()["error_codes"] == [number]
    assert azure.tokens == ()


@pytest.mark.parametrize("assertion", ["", "x.y.z", "a.b", "e30.W10.x", "e30.!!.x", "e30.e30.x", "eyJ.e30.x"])
def test_an_assertion_that_is_no_token_is_refused(azure: Emulator, assertion: str) -> None:
    assert ask_with(azure, assertion).json()["error_codes"] == [50027]


@given(st.text())
def test_no_text_breaks_the_reading_of_tokens(text: str) -> None:
    with pytest.raises(ValueError, match=r"token|parts"):
        jwts.decode(text)


def test_every_request_for_a_token_counts_and_none_for_a_pipelines(azure: Emulator) -> None:
    ask_for_token(azure, client_secret="wrong")
    token(azure)
    ask_for_oidc_token(azure)
    query = {"api-version": "2018-02-01", "resource": azure.url}
    requests.get(f"{azure.identity_url}/metadata/identity/oauth2/token", params=query, timeout=5)
    assert azure.token_requests == 3


@pytest.mark.parametrize("path", ["adfs/.well-known", "adfs/v2.0/.well-known", "{tenant}/v2.0/.well-known"])
def test_discovery_leads_to_the_token_endpoint(azure: Emulator, path: str) -> None:
    url = f"{azure.url}/{path.format(tenant=azure.tenant_id)}/openid-configuration"
    found = requests.get(url, verify=str(azure.ca_file), timeout=5).json()
    form = {"grant_type": "client_credentials", "client_id": azure.client_id, "client_secret": azure.client_secret}
    answer = requests.post(found["token_endpoint"], data=form, verify=str(azure.ca_file), timeout=5)
    assert answer.json()["token_type"] == "Bearer"
    assert found["issuer"].startswith(azure.url)
    assert found["jwks_uri"].startswith(azure.url)


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
    forwarded = {"Metadata": "true", "X-Forwarded-For": "203.0.113.7"}
    assert requests.get(url, params=query, headers=forwarded, timeout=5).status_code == 400
    assert len(azure.tokens) == 1
