"""Every way to an identity, and what it says when there is none. No secret in any word."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests
from tests.clocks import within
from tests.provider.conftest import AT_ONCE, vms

from pulumi_vmss_health import ConfigurationError, CredentialError, InstanceViewError, ScaleSetId
from vmss_emulator import Emulator
from vmss_instance_view.azure.cloud import CHINA, PUBLIC, US_GOVERNMENT, find_cloud, name_of
from vmss_instance_view.azure.credential import WAYS
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure
from vmss_instance_view.reading.reader import ScaleSetReader

CANARY = "planted-secret-that-nobody-may-see"

# Sources of the default credential that no offline test can take, and why. Which one is asked, a variable chooses.
NOT_EXERCISED = {
    "BrokerCredential": "needs the operating system's account broker",
    "FailedDACCredential": "stands for a source whose package is not installed",
    "InteractiveBrowserCredential": "needs a browser and a person",
    "SharedTokenCacheCredential": "needs a cache that another Microsoft tool has filled",
    "VisualStudioCodeCredential": "needs the editor's extension, signed in",
    "AzurePowerShellCredential": "needs PowerShell with the Az module, signed in",
    "AzureDeveloperCliCredential": "needs azd, signed in; as the az CLI, which is exercised with a stub",
    "WorkloadIdentityCredential": "a federated token in a file, which is exercised as OIDC",
}


def reader(azure: Emulator, environment: Mapping[str, str]) -> ScaleSetReader:
    return Azure(Settings(environment)).reader(ScaleSetId.parse(azure.put_scale_set("web")))


def environment_of(azure: Emulator, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The settings that choose a way, all of which work on the emulator."""
    if way == "the client secret":
        return azure.environment
    if way == "the client certificate":
        return azure.certificate_environment
    if way == "OIDC":
        return azure.oidc_environment
    if way == "the managed identity":
        for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
            monkeypatch.setenv(name, azure.managed_identity_environment[name])
        return azure.managed_identity_environment
    if way == "the az CLI":
        monkeypatch.setenv("PATH", f"{stub_az(azure, tmp_path)}:{os.environ['PATH']}")
        return {
            key: value for key, value in azure.environment.items() if key not in ("ARM_CLIENT_ID", "ARM_CLIENT_SECRET")
        }
    assert way == "the default credential"
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    monkeypatch.setenv("AZURE_TENANT_ID", azure.tenant_id)
    monkeypatch.setenv("AZURE_CLIENT_ID", azure.client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", azure.client_secret)
    cloud = {key: value for key, value in azure.environment.items() if key != "ARM_CLIENT_SECRET"}
    return {**cloud, "ARM_USE_DEFAULT_AZURE_CREDENTIAL": "true"}


def stub_az(azure: Emulator, folder: Path) -> Path:
    """An az that is signed in: it prints a token of the emulator's as the real one does."""
    form = {"grant_type": "client_credentials", "client_id": azure.client_id, "client_secret": azure.client_secret}
    url = f"{azure.url}/{azure.tenant_id}/oauth2/v2.0/token"
    token = requests.post(url, data={**form, "scope": f"{azure.url}/.default"}, timeout=10).json()["access_token"]
    answer = {"accessToken": token, "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    (folder / "token.json").write_text(json.dumps(answer))
    (folder / "az").write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\ncat {folder}/token.json\n')
    (folder / "az").chmod(0o755)
    return folder


@pytest.mark.parametrize("way", [way.name for way in WAYS])
def test_a_way_gives_a_token_that_azure_accepts(
    azure: Emulator, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vms(reader(azure, environment_of(azure, way, tmp_path, monkeypatch)).view(within(20))) == 3
    assert azure.tokens


@pytest.mark.parametrize("subscription", [None, "11111111-2222-4333-8444-555555555555"])
def test_az_is_asked_for_the_configured_subscription_and_for_no_tenant(
    azure: Emulator, subscription: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes one of the two; a managed identity and Cloud Shell take no tenant."""
    given = {**environment_of(azure, "the az CLI", tmp_path, monkeypatch), "ARM_TENANT_ID": azure.tenant_id}
    given = {**given, "ARM_SUBSCRIPTION_ID": subscription or ""}
    assert vms(reader(azure, given).view(within(20))) == 3
    asked = (tmp_path / "asked").read_text().split()
    assert "--tenant" not in asked
    assert ("--subscription" in asked, asked[-1] == subscription) == ((True, True) if subscription else (False, False))


def test_every_source_of_the_default_credential_is_exercised_or_says_why_not() -> None:
    from azure import identity

    exercised = {"EnvironmentCredential", "ManagedIdentityCredential", "AzureCliCredential"}
    chain = vars(identity.DefaultAzureCredential(exclude_interactive_browser_credential=False))["credentials"]
    known = exercised | set(NOT_EXERCISED)
    assert {type(each).__name__ for each in chain} <= known


def test_the_default_credential_takes_the_identity_of_its_own_variables_and_not_azure_natives(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment_of(azure, "the managed identity", tmp_path, monkeypatch)
    given = environment_of(azure, "the default credential", tmp_path, monkeypatch)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    monkeypatch.setenv("AZURE_CLIENT_ID", "its-own")
    assert vms(reader(azure, {**given, "ARM_CLIENT_ID": "azure-natives"}).view(within(20))) == 3
    (asked,) = [each.query for each in azure.requests if each.path == "/msi/token"]
    assert "client_id=its-own" in asked


@pytest.mark.parametrize("source", ["token", "file"])
def test_a_federated_token_may_be_given_as_it_is_or_in_a_file(azure: Emulator, source: str, tmp_path: Path) -> None:
    service = azure.oidc_environment
    answer = requests.get(
        service["ACTIONS_ID_TOKEN_REQUEST_URL"],
        params={"audience": "api://AzureADTokenExchange"},
        headers={"Authorization": f"Bearer {service['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        timeout=10,
    )
    token = answer.json()["value"]
    base = {key: value for key, value in service.items() if not key.startswith("ACTIONS_")}
    if source == "file":
        (tmp_path / "token").write_text(token + "\n")
        given = {"ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "token")}
    else:
        given = {"ARM_OIDC_TOKEN": token}
    assert vms(reader(azure, {**base, **given}).view(within(10))) == 3


@pytest.mark.parametrize(
    ("given", "audience"), [({}, "api://AzureADTokenExchange"), ({"ARM_OIDC_AUDIENCE": "api://ours"}, "api://ours")]
)
def test_a_pipeline_is_asked_for_one_audience_which_may_be_configured(
    azure: Emulator, given: dict[str, str], audience: str
) -> None:
    service = azure.oidc_environment
    url = service["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=others"
    with suppress(CredentialError):  # the emulator trusts the usual one alone
        reader(azure, {**service, **given, "ACTIONS_ID_TOKEN_REQUEST_URL": url}).view(within(10))
    (asked,) = [parse_qs(each.query) for each in azure.requests if each.path == "/oidc/token"]
    assert asked == {"api-version": ["2.0"], "audience": [audience]}


ORDER = [
    ("useDefaultAzureCredential", "true", "the default credential"),
    ("clientCertificatePath", "/nowhere", "the client certificate"),
    ("clientSecret", "s", "the client secret"),
    ("useOidc", "true", "OIDC"),
    ("useMsi", "true", "the managed identity"),
]


@pytest.mark.parametrize("first", range(len(ORDER) + 1))
def test_the_first_way_that_is_set_wins(first: int) -> None:
    config = {f"azure-native:{key}": value for key, value, _ in ORDER[first:]}
    chosen = next(way.name for way in WAYS if way.meant(Settings({}, config.get)))
    assert chosen == (ORDER[first][2] if first < len(ORDER) else "the az CLI")
    assert Settings({}, config.get).asks_az is (chosen == "the az CLI")


@pytest.mark.parametrize("value", ["True", "TRUE", "1", "yes", ""])
def test_a_switch_is_on_for_exactly_true(value: str) -> None:
    assert not Settings({"ARM_USE_MSI": value}).is_true("useMsi")


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        (None, PUBLIC), ("public", PUBLIC), ("AzureCloud", PUBLIC), ("usgovernment", US_GOVERNMENT), ("china", CHINA),
        ("usgov", US_GOVERNMENT), ("USGovernmentL4", US_GOVERNMENT), ("AzureUSGovernment", US_GOVERNMENT),
        ("AzureChinaCloud", CHINA),
    ],
)  # fmt: skip
def test_a_cloud_is_found_by_its_name(name: str | None, cloud: object) -> None:
    assert find_cloud(Settings({"ARM_ENVIRONMENT": name} if name else {}), within(1)) is cloud


def az_set_to(name: str, folder: Path) -> dict[str, str]:
    (folder / "config").write_text(f"[core]\nx = %(y)s\n[cloud]\nname = {name}\n")
    return {"AZURE_CONFIG_DIR": str(folder)}


def test_where_az_gives_the_token_its_own_cloud_is_read(tmp_path: Path) -> None:
    az = az_set_to("AzureUSGovernment", tmp_path)
    assert find_cloud(Settings(az), within(1)) is US_GOVERNMENT
    assert name_of(Settings(az)) == US_GOVERNMENT.resource_manager
    assert find_cloud(Settings({**az, "AZURE_CLOUD_NAME": "AzureChinaCloud"}), within(1)) is CHINA
    for given in ({"ARM_ENVIRONMENT": "public"}, {"ARM_CLIENT_SECRET": "s"}, {"ARM_USE_MSI": "true"}):
        assert find_cloud(Settings({**az, **given}), within(1)) is PUBLIC


@pytest.mark.parametrize("content", [b"", b"[cloud]", b"name = x", b"\xff"])
def test_a_file_of_az_that_names_no_cloud_leaves_the_public_one(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(content)
    assert find_cloud(Settings({"AZURE_CONFIG_DIR": str(tmp_path)}), within(1)) is PUBLIC
    assert find_cloud(Settings({"AZURE_CONFIG_DIR": str(tmp_path / "nowhere")}), within(1)) is PUBLIC


def test_a_cloud_of_az_that_is_not_known_is_refused_with_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        find_cloud(Settings(az_set_to("MyStack", tmp_path)), within(1))
    for words in ("the az CLI is set to the cloud 'MyStack'", "ARM_METADATA_HOSTNAME", "ARM_ENVIRONMENT"):
        assert words in str(refused.value)


def test_a_metadata_host_may_be_given_as_its_address(azure: Emulator) -> None:
    host = azure.environment["ARM_METADATA_HOSTNAME"]
    given = {**azure.environment, "ARM_METADATA_HOSTNAME": f"https://{host}/"}
    assert vms(reader(azure, given).view(within(10))) == 3
    assert name_of(Settings(given)) == host


def test_government_tokens_are_for_the_core_host() -> None:
    assert US_GOVERNMENT.scope == "https://management.core.usgovcloudapi.net/.default"


@pytest.mark.parametrize("way", ["the client secret", "OIDC", "the client certificate"])
def test_a_tenant_that_is_not_there_is_told_in_the_words_of_the_sign_in_service(
    azure: Emulator, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**environment_of(azure, way, tmp_path, monkeypatch), "ARM_TENANT_ID": "no-such-tenant"}
    with pytest.raises(CredentialError, match=rf"no token from {way}: AADSTS90002: Tenant 'no-such-tenant' not found"):
        reader(azure, environment).view(within(20))


@pytest.mark.parametrize("way", ["the client secret", "OIDC", "the client certificate"])
@pytest.mark.parametrize("tenant", ["contoso/v2.0", "contoso?x=1", "https://contoso", "con toso", "../contoso"])
def test_what_is_no_tenant_is_refused_before_anything_is_asked(
    azure: Emulator, way: str, tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**environment_of(azure, way, tmp_path, monkeypatch), "ARM_TENANT_ID": tenant}
    with pytest.raises(CredentialError, match=r"ARM_TENANT_ID must be the id of a tenant, or its domain, not '.+'"):
        reader(azure, environment).view(within(20))
    assert not azure.token_requests


def test_a_claims_challenge_is_answered_once_with_its_claims(azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": "GET */instanceView", "claims": True}]})
    web = reader(azure, azure.environment)
    assert vms(web.view(within(10))) == 3
    assert len(azure.tokens) == 2
    assert vms(web.view(within(10))) == 3
    assert len(azure.tokens) == 2


def test_az_is_asked_again_after_a_claims_challenge_that_only_a_new_sign_in_answers(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = reader(azure, environment_of(azure, "the az CLI", tmp_path, monkeypatch))
    challenge = {"match": "GET */instanceView", "claims": True, "times": 2}
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [challenge]})
    for _ in range(2):
        with pytest.raises(CredentialError, match="az login --claims-challenge"):
            web.view(within(20))
    assert vms(web.view(within(20))) == 3  # whoever runs it has signed in anew


def test_two_hundred_threads_ask_for_one_token_and_keep_their_connections(
    azure: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    web, errors = reader(azure, azure.environment), []
    seen: list[int] = []
    ready = threading.Barrier(200)

    def work() -> None:
        ready.wait()
        for _ in range(2):
            try:
                seen.append(vms(web.view(within(60))))
            except InstanceViewError as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert seen == [3] * 400
    assert len(azure.tokens) == 1
    made = [record for record in caplog.records if "Starting new HTTPS connection" in record.getMessage()]
    reads = [request for request in azure.requests if request.path.endswith("/instanceView")]
    assert len(reads) == 400
    assert len(made) <= 210, "each thread needs one connection at most, for both of its reads"


@pytest.mark.parametrize(
    "broken", ["secret", "tenant", "certificate", "oidc", "oidc token", "identity", "identity, broken line"]
)
def test_no_word_about_a_failure_holds_a_secret(
    azure: Emulator, broken: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "cert.pem").write_text(CANARY)
    environment = {
        "secret": {**azure.environment, "ARM_CLIENT_SECRET": CANARY},
        "tenant": {**azure.environment, "ARM_CLIENT_SECRET": CANARY, "ARM_TENANT_ID": "no-such-tenant"},
        "certificate": {
            **azure.certificate_environment,
            "ARM_CLIENT_CERTIFICATE_PATH": str(tmp_path / "cert.pem"),
            "ARM_CLIENT_CERTIFICATE_PASSWORD": CANARY,
        },
        "oidc": {**azure.oidc_environment, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": CANARY},
        "oidc token": {**azure.oidc_environment, "ARM_OIDC_TOKEN": CANARY},
        "identity": azure.managed_identity_environment,
        "identity, broken line": azure.managed_identity_environment,
    }[broken]
    if broken.startswith("identity"):
        monkeypatch.setenv("IDENTITY_ENDPOINT", azure.managed_identity_environment["IDENTITY_ENDPOINT"])
        monkeypatch.setenv("IDENTITY_HEADER", CANARY if broken == "identity" else f"{CANARY}\nx")
    settings = Settings(environment)
    with pytest.raises((CredentialError, ConfigurationError)) as refused:
        Azure(settings).reader(ScaleSetId.parse(azure.put_scale_set("web"))).view(within(20))
    words = "\n".join(
        [
            *traceback.format_exception(refused.value),
            repr(refused.value),
            repr(settings),
            *(record.getMessage() for record in caplog.records),
            *(str(record.exc_info) for record in caplog.records),
        ]
    )
    assert CANARY not in words
    for secret in (azure.client_secret, *azure.tokens):
        assert secret not in words


def test_no_word_about_a_refused_request_holds_the_token(azure: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": "GET */instanceView", "status": 403}]})
    web = reader(azure, azure.environment)
    with pytest.raises(InstanceViewError) as refused:
        web.view(within(5))
    words = "\n".join(
        [*traceback.format_exception(refused.value), repr(refused.value), repr(web), repr(vars(web)), caplog.text]
    )
    gc.collect()
    assert azure.tokens
    for secret in (azure.client_secret, *azure.tokens):
        assert secret not in words


ASK = """
from vmss_instance_view.connection import Azure
from vmss_instance_view.clock import Deadline, SystemClock
from vmss_instance_view.errors import InstanceViewError
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.azure.settings import Settings
import os, sys

try:
    Azure(Settings(os.environ)).reader(ScaleSetId.parse(sys.argv[1])).view(Deadline(20, SystemClock()))
except InstanceViewError as error:
    print(type(error).__name__)
"""


def test_an_authority_that_answers_with_a_page_is_told_by_an_error_and_nobody_prints_the_page(azure: Emulator) -> None:
    page = "<html>\n::error::no\n##vso[task.complete]\x1b[31m</html>"
    azure.load(
        {"faults": [{"match": "POST */token", "status": 200, "body": page, "headers": {"content-type": "text/html"}}]}
    )
    # In a process of its own: here pytest has handlers, and Python prints what nobody handles.
    asked = subprocess.run(
        [sys.executable, "-c", ASK, azure.put_scale_set("web")],
        env={**os.environ, **azure.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (asked.stdout, asked.stderr) == ("CredentialError\n", "")
