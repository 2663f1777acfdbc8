"""Where a token may go: to the cloud's own Resource Manager, whatever a body, a header or a setting names.

Whoever is named instead is a real server with a certificate that this process trusts: it must see no request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.clocks import within
from tests.provider.conftest import AT_ONCE, vms
from tests.provider.servers import TlsServer

from pulumi_vmss_health import ConfigurationError, InstanceViewError, Rejected, ScaleSetId, Unavailable
from vmss_emulator import Emulator
from vmss_instance_view.azure import cloud as cloud_module
from vmss_instance_view.azure.arm import Arm
from vmss_instance_view.azure.cloud import CHINA, PUBLIC, US_GOVERNMENT, Cloud, find_cloud
from vmss_instance_view.azure.credential import TokenSource
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Answer, Https
from vmss_instance_view.clock import SystemClock
from vmss_instance_view.connection import Azure
from vmss_instance_view.limits.budget import Budget
from vmss_instance_view.model import Instance
from vmss_instance_view.reading.flexible import FlexibleReader
from vmss_instance_view.reading.reader import ScaleSetReader
from vmss_instance_view.reading.uniform import UniformReader

Found = Callable[[Any, Any, Any], Cloud]


@pytest.fixture
def stranger(azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    """Another host: the process trusts its certificate."""
    with TlsServer() as server:
        server.trust(azure, tmp_path, monkeypatch)
        yield server


def broken(azure: Emulator, match: str, **effect: Any) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": match, **effect}]})


def reader(azure: Emulator, environment: Mapping[str, str] | None = None, **wanted: Any) -> ScaleSetReader:
    scale_set = ScaleSetId.parse(azure.put_scale_set("web", health=True, **wanted))
    return Azure(Settings(environment or azure.environment)).reader(scale_set)


def paths(azure: Emulator) -> set[str]:
    """What was asked of the Resource Manager, besides what a reader asks for by itself."""
    own = ("/virtualMachineScaleSets/web", "/virtualMachineScaleSets/web/virtualMachines", "/virtualMachines")
    asked = (each.path for each in azure.requests if each.path.startswith("/subscriptions/"))
    return {path for path in asked if not path.endswith(own)}


def vm_ids(azure: Emulator, host: str) -> list[str]:
    mine = azure.subscription_id
    vm = f"/subscriptions/{mine}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web_0"
    foreign = "00000000-0000-0000-0000-00000000dead"
    return [
        f"@{host}/x", f".{host}/x", f":pw@{host}{vm}", "/../x?y=z#", f"//{host}/x", f"\\@{host}/x", f"https://{host}/x",
        f"/\\{host}", f"{vm}/../../../../x", f"{vm}?x=1#", f"{vm}#", f"{vm}%2f..%2f", f"{vm}\r\nHost: {host}",
        f"{vm} x",
        vm.replace(mine, foreign), vm.replace("/rg/", "/../"), vm.replace("web_0", ".."), vm.replace("web_0", "."),
        vm.replace("Microsoft.Compute", "Microsoft.KeyVault"), f"{vm}/", vm[1:], "", "/", "5",
    ]  # fmt: skip


def test_no_id_of_a_vm_leads_a_request_elsewhere(azure: Emulator, stranger: TlsServer) -> None:
    web = reader(azure, orchestration_mode="Flexible")
    assert web.model(within(5)).is_flexible
    before = paths(azure)
    ids = vm_ids(azure, stranger.host)
    for one in ids:
        page = {"value": [{"name": "web_0", "id": one, "properties": {"vmId": "7"}}]}
        broken(azure, "GET */Microsoft.Compute/virtualMachines", body=page)
        assert len(web.instances(within(5))) == 1
        assert len(web.own_views(["web_0"], within(5), since=0)) == 1
    assert stranger.seen == []
    assert paths(azure) == before


INSTANCE_IDS = [
    "../../x", "..", ".", "%2e%2e", "0/../1", "0?x=1", "0#x", "@{host}/x", "0@{host}", "//{host}", "\\{host}", "0 1",
    "0\r\nHost: {host}", "é", "0;x", "", "0%2f..%2f1", "https://{host}/", "0" * 65,
]  # fmt: skip


def test_no_id_of_an_instance_leads_a_request_elsewhere(azure: Emulator, stranger: TlsServer) -> None:
    web = reader(azure)
    assert web.model(within(5)).reports_health
    before = paths(azure)
    for one in INSTANCE_IDS:
        bare = {"instanceId": one.replace("{host}", stranger.host), "properties": {"vmId": "7"}}
        broken(azure, "GET */virtualMachines", body={"value": [bare]})
        assert len(web.instances(within(5))) == 1
        assert len(web.own_views([one], within(5), since=0)) == 1
    assert stranger.seen == []
    assert paths(azure) == before


def test_a_question_that_leads_elsewhere_is_not_sent_whoever_asks_it(azure: Emulator, stranger: TlsServer) -> None:
    """The last line of defence, where the readers' own checks are taken away."""
    clock, settings = SystemClock(), Settings(azure.environment)
    cloud = find_cloud(settings, within(5))
    arm = Arm(cloud, Https(), TokenSource(settings, cloud, clock), Budget(), clock)
    scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
    question = UniformReader(arm, scale_set).own_view(Instance("0"))
    assert question is not None
    for path in (f"@{stranger.host}/x", f".{stranger.host}/x", f":1@{stranger.host}/x", "", "x"):
        object.__setattr__(question, "path", path)
        with pytest.raises(Rejected, match="refused to send a token to"):
            arm.get(question, dict, within(5))
    assert (stranger.seen, azure.tokens) == ([], ())


def links(azure: Emulator, host: str) -> list[str]:
    own = azure.url.removeprefix("https://")
    return [
        f"https://{host}/x", f"http://{own}/x", f"https://{own}@{host}/x", f"https://{own}.{host}/x", f"//{host}/x",
        f"https://{own}\\@{host}/x", f"https:{host}/x", f"https:///{host}/x", f"\\\\{host}", f" https://{host}/x",
        f"https://{own}:443@{host}/", f"https://{own}:443.{host}/", f"javascript:{host}", f"/{host}", f"{host}/x",
        f"https://{own}", f"https://{own}?x", f"https://{own}#@{host}/", f"https://{own}\r\n{host}/",
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_no_next_link_leads_a_request_elsewhere(azure: Emulator, stranger: TlsServer, mode: str) -> None:
    web = reader(azure, orchestration_mode=mode)
    assert web.model(within(5)).capacity == 3
    for link in links(azure, stranger.host):
        broken(azure, "GET */virtualMachines", body={"value": [], "nextLink": link})
        with pytest.raises(Rejected, match="refused to follow a nextLink"):
            web.instances(within(5))
    assert stranger.seen == []


@pytest.mark.parametrize("link", [5, True, ["x"], {"a": 1}, 0, False, [], {}])
def test_a_next_link_that_is_no_text_is_refused(azure: Emulator, link: object) -> None:
    broken(azure, "GET */virtualMachines", body={"value": [], "nextLink": link})
    with pytest.raises(Rejected, match="refused to follow a nextLink"):
        reader(azure).instances(within(5))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("match", ["GET */instanceView", "GET /metadata/*", "POST */token", "GET /oidc/token"])
def test_no_redirect_is_followed(azure: Emulator, stranger: TlsServer, match: str, status: int) -> None:
    broken(azure, match, status=status, body="", headers={"Location": f"{stranger.url}/x"})
    environment = azure.oidc_environment if "oidc" in match else azure.environment
    with pytest.raises(InstanceViewError):
        reader(azure, environment).view(within(5))
    assert stranger.seen == []


@pytest.mark.parametrize("url", ["http://{host}/x", "//{host}/x", "{host}/x", "ftp://{host}/", "HTTPS://{host}/x", ""])
def test_the_pipelines_token_service_is_asked_over_https_alone(azure: Emulator, stranger: TlsServer, url: str) -> None:
    where = {"ACTIONS_ID_TOKEN_REQUEST_URL": url.replace("{host}", stranger.host)}
    with pytest.raises(InstanceViewError, match=r"oidcRequestUrl"):
        reader(azure, {**azure.oidc_environment, **where}).view(within(5))
    assert stranger.seen == []


def test_the_pipelines_request_token_cannot_add_a_header(azure: Emulator) -> None:
    token = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "planted\r\nX-Evil: 1"}
    with pytest.raises(ConfigurationError, match=r"oidcRequestToken .*is not a token") as refused:
        reader(azure, {**azure.oidc_environment, **token}).view(within(5))
    assert "planted" not in str(refused.value)


def test_claims_of_a_refused_token_go_to_the_sign_in_service_alone(azure: Emulator, stranger: TlsServer) -> None:
    """They may hold whatever they like; what they say is sent there as it is, or refused as no JSON."""
    for claims in (f"https://{stranger.host}/", "{}", "[" * 5000, '{"access_token": {"x": null}}', "\r\nHost: x", ""):
        challenge = (
            f'Bearer authorization_uri="{stranger.url}/authorize", resource_id="{stranger.url}", '
            f'error="insufficient_claims", claims="{base64.b64encode(claims.encode()).decode()}"'
        )
        broken(azure, "GET */instanceView", status=401, headers={"WWW-Authenticate": challenge})
        with pytest.raises(InstanceViewError):
            reader(azure).view(within(5))
    assert stranger.seen == []


def described(manager: object, audience: object, sign_in: object) -> bytes:
    authentication = {"loginEndpoint": sign_in, "audiences": [audience]}
    return json.dumps({"resourceManager": manager, "authentication": authentication}).encode()


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """The cloud that a metadata host describes by its Resource Manager, audience and sign-in."""

    def find(manager: Any, audience: Any, sign_in: Any) -> Cloud:
        answer = Answer(200, {}, described(manager, audience, sign_in))
        monkeypatch.setattr(cloud_module, "_ask", lambda *_: answer)
        return find_cloud(Settings({"ARM_METADATA_HOSTNAME": "metadata.example"}), within(5))

    return find


OWN = "https://arm.example"
KNOWN = [PUBLIC, US_GOVERNMENT, CHINA]
SPELLINGS = ["{}", "{}/", "{}:443", "{}.", "{}.:443/", "{}//", "UPPER"]


def spelled(url: str, spelling: str) -> str:
    return f"https://{url[8:].upper()}" if spelling == "UPPER" else spelling.format(url)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("known", KNOWN, ids=lambda cloud: cloud.resource_manager)
def test_nobody_else_gets_the_tokens_of_a_known_cloud(found: Found, known: Cloud, spelling: str) -> None:
    manager, sign_in = known.resource_manager, known.authority
    for name in sorted(known.names):
        with pytest.raises(ConfigurationError, match="are not of one cloud"):
            found(OWN, spelled(f"https://{name}", spelling), OWN)
        with pytest.raises(ConfigurationError, match="are not of one cloud"):
            found(OWN, OWN, spelled(f"https://{name}", spelling))
        with pytest.raises(ConfigurationError, match="are not of one cloud"):
            found(f"{manager}.evil.example", spelled(f"https://{name}", spelling), sign_in)
    with pytest.raises(ConfigurationError, match="are not of one cloud"):
        found(spelled(manager, spelling), manager, OWN)
    with pytest.raises(ConfigurationError, match="are not of one cloud"):
        found(f"{manager}:8443", manager, sign_in)
    assert found(spelled(manager, spelling), manager, f"{sign_in}/").authority == sign_in


@pytest.mark.parametrize(
    ("manager", "audience"),
    [
        ("https://evil.example", "https://vault.azure.net"),
        ("https://evil.example", "https://graph.microsoft.com"),
        ("https://evil.westeurope.cloudapp.azure.com", "https://storage.azure.com"),
        ("https://evil.blob.core.windows.net", "https://graph.windows.net"),
        ("https://evil.example", "https://other.example.org"),
        ("https://10.0.0.1", "https://10.0.0.2"),
        ("https://10.0.0.1:8443", "https://10.0.0.1:8444"),
        ("https://localhost:1", "https://localhost:2"),
    ],
)
def test_nobody_gets_the_tokens_of_another_audience(found: Found, manager: str, audience: str) -> None:
    with pytest.raises(ConfigurationError, match="are not of one cloud"):
        found(manager, audience, "https://sign-in.example")


@pytest.mark.parametrize(
    ("manager", "audience", "sign_in"),
    [
        ("https://management.azure.com/", "https://management.core.windows.net/", "https://login.microsoftonline.com/"),
        (
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
            "https://login.microsoftonline.us",
        ),
        (
            "https://management.chinacloudapi.cn",
            "https://management.core.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
        ),
        (
            "https://management.azure.eaglex.example",
            "https://management.core.eaglex.example/",
            "https://login.microsoftonline.eaglex.example",
        ),
        ("https://arm.corp", "https://arm.corp", "https://adfs.corp/adfs"),
        ("https://[::1]:8443", "https://[::1]:8443/app-7", "https://sign-in.corp"),
    ],
)
def test_a_cloud_that_is_one_is_taken(found: Found, manager: str, audience: str, sign_in: str) -> None:
    cloud = found(manager, audience, sign_in)
    assert cloud.resource_manager == manager.rstrip("/")
    assert cloud.scope == audience.rstrip("/") + "/.default"


@pytest.mark.parametrize(
    "url",
    [
        "http://x", "https://", "https://x@y", "https://x\\@y", "https://x\\.y", "https://x?y", "https://x#y", "//x",
        "x",
        "https://x:y", "https://x:99999", "https://x y", "https://x\r\ny", "https://é", "https://x/../?y", "https://.x",
        "https://x%2ey", "https://[x]", "https:/x", "https:///x", "https://" + "x" * 5000, 5, None, ["https://x"], {},
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_address_that_parsers_could_read_differently_describes_no_cloud(found: Found, url: Any, place: int) -> None:
    addresses: list[Any] = [OWN] * 3
    addresses[place] = url
    with pytest.raises(ConfigurationError, match="does not describe a cloud"):
        found(*addresses)


@pytest.mark.parametrize("host", ["stranger", "unset"])
def test_beside_an_emulator_no_other_cloud_is_spoken_to(azure: Emulator, stranger: TlsServer, host: str) -> None:
    """Under `vmss-emulator exec` a stack's configuration may name a real cloud, and hold its secret."""
    config = {"azure-native:metadataHost": stranger.host, "azure-native:clientSecret": "planted"}
    environment = dict(azure.environment)
    if host == "unset":
        del environment["ARM_METADATA_HOSTNAME"]
        config = {"azure-native:environment": "public"}
    with pytest.raises(ConfigurationError, match=r"only the vmss-emulator at .* is spoken to"):
        find_cloud(Settings(environment, config.get), within(5))
    assert stranger.seen == []


def test_the_emulators_own_address_may_be_configured(azure: Emulator) -> None:
    config = {"azure-native:metadataHost": azure.environment["ARM_METADATA_HOSTNAME"]}
    client = Azure(Settings(azure.environment, config.get))
    assert vms(client.reader(ScaleSetId.parse(azure.put_scale_set("web"))).view(within(5))) == 3


def test_a_stranger_would_have_seen_a_request(azure: Emulator, stranger: TlsServer) -> None:
    """Else the tests above would show nothing."""
    environment = {**azure.environment, "ARM_METADATA_HOSTNAME": stranger.host, "VMSS_EMULATOR_URL": ""}
    with pytest.raises(Unavailable, match="HTTP 503"):
        find_cloud(Settings(environment), within(5))
    assert stranger.seen[0].startswith("GET /metadata/endpoints")


def test_the_view_of_a_vm_in_the_sets_subscription_is_asked_for(azure: Emulator) -> None:
    web = reader(azure, orchestration_mode="Flexible")
    assert web.model(within(5)).is_flexible
    flexible = FlexibleReader(web._arm, ScaleSetId.parse(azure.put_scale_set("web")))
    for vm in (each for each in web.instances(within(5))):
        question = flexible.own_view(vm)
        assert question is not None
        assert question.path == f"{vm.id}/instanceView"
