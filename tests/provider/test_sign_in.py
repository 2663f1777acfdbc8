"""Trouble of a sign-in service or a metadata host is no wrong credential: it passes, and costs little time."""

from __future__ import annotations

import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.clocks import VirtualClock, within
from tests.provider.conftest import AT_ONCE, trust, vms
from tests.provider.servers import TlsServer, drip
from tests.provider.test_credential import environment_of, reader
from tests.waiting import until

from pulumi_vmss_health import ConfigurationError, CredentialError, ScaleSetId, Unavailable
from vmss_emulator import Emulator
from vmss_instance_view import connection
from vmss_instance_view.azure import credential as credential_module
from vmss_instance_view.azure import wire
from vmss_instance_view.azure.cloud import PUBLIC, find_cloud
from vmss_instance_view.azure.credential import TokenSource
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.sign_in import SignIn
from vmss_instance_view.clock import Deadline, SystemClock
from vmss_instance_view.connection import Azure
from vmss_instance_view.reading.reader import ScaleSetReader

PASSING = [408, 429, 500, 502, 504]
VIRTUAL_MACHINE, ASKING = "the managed identity of a virtual machine", "OIDC, asking the pipeline"
# Each way to a token that asks a service, and the request by which it asks.
WAYS = {
    "the client secret": "POST */oauth2/v2.0/token",
    "the client certificate": "POST */oauth2/v2.0/token",
    "the managed identity": "GET /msi/token",
    VIRTUAL_MACHINE: "GET /metadata/identity/oauth2/token",
    "OIDC": "POST */oauth2/v2.0/token",
    ASKING: "GET /oidc/token",
}


def broken(azure: Emulator, match: str, **effect: Any) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": match, **effect}]})


def reader_by(azure: Emulator, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScaleSetReader:
    if way == VIRTUAL_MACHINE:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.identity_url)
        return reader(azure, azure.managed_identity_environment)
    return reader(azure, environment_of(azure, way.partition(",")[0], tmp_path, monkeypatch))


class Bound:
    """How long a token may take: inside of a `with` of it a second, else as long as for users."""

    seconds = 1.0
    late = 2.0  # by then it was kept, also on a busy machine

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._began = 0.0

    def __enter__(self) -> None:
        self._monkeypatch.setattr(credential_module, "TOKEN_WITHIN", self.seconds)
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        assert time.monotonic() - self._began < self.seconds + self.late
        self._monkeypatch.setattr(credential_module, "TOKEN_WITHIN", 10.0)


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> Bound:
    import_module("azure.identity")  # for which a token here has no time
    return Bound(monkeypatch)


@pytest.mark.parametrize(
    ("way", "status"),
    [
        *((way, 503) for way in WAYS),
        *((way, status) for way in ("the client secret", "the managed identity", ASKING) for status in PASSING),
        (VIRTUAL_MACHINE, 410),  # it is being updated
    ],
)
def test_a_status_that_says_nothing_of_the_credential_passes(
    azure: Emulator, way: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(azure, WAYS[way], status=status, times=1)
    web = reader_by(azure, way, tmp_path, monkeypatch)
    with pytest.raises(Unavailable, match=f"HTTP {status}") as passing:
        web.view(within(10))
    assert not isinstance(passing.value, CredentialError)
    assert vms(web.view(within(10))) == 3


@pytest.mark.parametrize("hang", ["headers", "body"])
@pytest.mark.parametrize("way", WAYS)
def test_a_token_request_that_hangs_passes_and_ends_in_its_time(
    azure: Emulator, way: str, hang: str, bound: Bound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(azure, WAYS[way], hang=hang, times=1)
    web = reader_by(azure, way, tmp_path, monkeypatch)
    with bound, pytest.raises(Unavailable, match=r"token|sign-in service") as passing:
        web.view(within(10))
    assert not isinstance(passing.value, CredentialError)
    assert vms(web.view(within(10))) == 3


def test_a_sign_in_host_without_an_address_passes(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked as localhost, whose address is not known at first."""
    elsewhere = azure.url.replace("127.0.0.1", "localhost")
    authentication = {"loginEndpoint": elsewhere, "audiences": [azure.url]}
    broken(azure, "GET /metadata/*", body={"resourceManager": azure.url, "authentication": authentication})
    known = socket.getaddrinfo

    def unknown(host: Any, *more: Any, **options: Any) -> Any:
        if host == "localhost":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return known(host, *more, **options)

    def no_ipv6(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        return known("127.0.0.1" if host == "localhost" else host, port, type=socket.SOCK_STREAM)

    web = reader(azure, azure.environment)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match=r"for now: .*name resolution"):
        web.view(within(10))
    monkeypatch.setattr(socket, "getaddrinfo", no_ipv6)
    assert vms(web.view(within(10))) == 3


def test_a_wrong_secret_is_told_each_time_and_never_taken_for_trouble(azure: Emulator) -> None:
    web = reader(azure, {**azure.environment, "ARM_CLIENT_SECRET": "wrong"})
    for _ in range(2):
        with pytest.raises(CredentialError, match="AADSTS7000215"):
            web.view(within(10))
    assert azure.token_requests == 2


@pytest.mark.parametrize("answer", [{"access_token": "x"}, {"expires_in": 3600}, {}])
def test_an_answer_that_is_no_token_is_told_as_that(azure: Emulator, answer: Mapping[str, object]) -> None:
    broken(azure, WAYS["the client secret"], body=answer)
    with pytest.raises(CredentialError, match="the answer has no token, or does not say how long it is good; check"):
        reader(azure, azure.environment).view(within(10))


@pytest.mark.parametrize("way", [way for way in WAYS if way not in (VIRTUAL_MACHINE, ASKING)])
def test_a_credential_asks_nobody_before_a_token_is_asked_for(
    azure: Emulator, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hangs would come back as the credential when another one has taken its place."""
    settings = Settings(environment_of(azure, way, tmp_path, monkeypatch))
    cloud = find_cloud(settings, within(5))
    before = len(azure.requests)
    made = next(each for each in credential_module.WAYS if each.meant(settings))
    assert made.name == way
    made.make(settings, cloud, SignIn(1.0, SystemClock()))
    assert len(azure.requests) == before


class LaterClock(SystemClock):
    """Real time; a test sets the time of day forward."""

    ahead = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An Azure whose tokens last 200 s: too short for MSAL to give one back that it has."""
    with Emulator({"scale_sets": {"*": AT_ONCE}}, token_lifetime=200) as azure:
        trust(azure, monkeypatch)
        yield azure


@pytest.mark.parametrize("effect", [{"status": 503}, {"hang": "headers"}, {"status": 401}], ids=str)
@pytest.mark.parametrize("way", ["the client secret", "the managed identity", "the client certificate"])
def test_a_token_that_is_still_good_outlives_trouble_at_its_renewal(
    brief: Emulator, way: str, effect: Mapping[str, Any], bound: Bound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = LaterClock()
    settings = Settings(environment_of(brief, way.partition(",")[0], tmp_path, monkeypatch))
    web = Azure(settings, clock).reader(ScaleSetId.parse(brief.put_scale_set("web")))
    assert vms(web.view(within(10))) == 3
    broken(brief, WAYS[way], **effect)
    clock.ahead = 150
    for _ in range(3):
        with bound:
            assert vms(web.view(within(10))) == 3
    asked = [each for each in brief.requests if each.path.endswith("/token") and each.status != 200]
    assert len(asked) == 1, "between two attempts passes some time"
    clock.ahead = 190
    with bound, pytest.raises((Unavailable, CredentialError)) as refused:
        web.view(within(10))
    assert isinstance(refused.value, CredentialError) is ("status" in effect and effect["status"] == 401)
    broken(brief, "GET /none", status=500)
    assert vms(web.view(within(10))) == 3


def test_while_a_good_token_is_renewed_nobody_else_waits(
    brief: Emulator, bound: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = LaterClock()
    web = Azure(Settings(brief.environment), clock).reader(ScaleSetId.parse(brief.put_scale_set("web")))
    assert vms(web.view(within(10))) == 3
    broken(brief, WAYS["the client secret"], hang="headers")
    clock.ahead = 150
    renewing = threading.Thread(target=lambda: web.view(within(10)))
    with bound:
        renewing.start()
        until(lambda: brief.token_requests == 2)
        assert vms(web.view(within(10))) == 3
        assert renewing.is_alive(), "the other one still waits"
        renewing.join()


def together(read: Callable[[], object], threads: int, apart: float = 0.0) -> tuple[list[Exception], float]:
    """What threads that read at the same time, or one after the other, raised; and how long all of them took."""
    errors: list[Exception] = []

    def work(number: int) -> None:
        time.sleep(number * apart)
        try:
            read()
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return errors, time.monotonic() - began


@pytest.mark.parametrize("apart", [0.0, 0.2])
def test_three_who_wait_for_one_hung_token_request_lose_its_time_together(
    azure: Emulator, bound: Bound, apart: float
) -> None:
    broken(azure, WAYS["the client secret"], hang="headers", times=1)
    web = reader(azure, azure.environment)
    with bound:
        errors, seconds = together(lambda: web.view(within(10)), 3, apart)
    assert [type(each) for each in errors] == [Unavailable] * 3
    assert all("token" in str(each) for each in errors)
    assert seconds < 2 * bound.seconds
    assert azure.token_requests == 1
    assert vms(web.view(within(10))) == 3


def test_who_has_less_time_than_the_token_request_says_what_it_waited_for(azure: Emulator) -> None:
    broken(azure, WAYS["the client secret"], hang="headers", times=1)
    web = reader(azure, azure.environment)
    first = threading.Thread(target=lambda: together(lambda: web.view(within(2)), 1))
    first.start()
    time.sleep(0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"no token came within .*: another read is waiting for it, too"):
        web.view(within(0.5))
    assert time.monotonic() - began < 1
    first.join()


def test_who_has_more_time_than_who_asks_for_the_token_asks_again(azure: Emulator) -> None:
    broken(azure, WAYS["the client secret"], hang="headers", times=1)
    web = reader(azure, azure.environment)
    failed: list[list[Exception]] = []
    first = threading.Thread(target=lambda: failed.append(together(lambda: web.view(within(1)), 1)[0]))
    first.start()
    time.sleep(0.3)
    assert vms(web.view(within(10))) == 3
    first.join()
    ((error,),) = failed
    assert str(error).startswith("the client secret gave no token within 1s")


def test_who_has_more_time_than_who_asks_for_the_clouds_description_asks_again(azure: Emulator) -> None:
    broken(azure, "GET /metadata/*", hang="headers", times=1)
    shared = Azure(Settings(azure.environment), SystemClock())
    failed: list[list[Exception]] = []
    first = threading.Thread(target=lambda: failed.append(together(lambda: shared.arm(within(1)), 1)[0]))
    first.start()
    time.sleep(0.3)
    assert shared.arm(within(10)).cloud.resource_manager == azure.url
    first.join()
    ((error,),) = failed
    assert "did not describe its cloud within 1s" in str(error)


def test_a_cloud_that_answers_when_the_time_is_over_is_told_as_late_whoever_notices_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = VirtualClock()

    def fetch(*_: object) -> wire.Answer:
        clock.sleep(1)
        raise wire.Silent

    monkeypatch.setattr(wire.Https, "fetch", fetch)
    shared = Azure(Settings({"ARM_METADATA_HOSTNAME": "metadata.example"}), clock)
    with pytest.raises(Unavailable, match=r"metadata host metadata\.example did not describe its cloud within 1s"):
        shared.arm(Deadline(1, clock))


@pytest.mark.parametrize("way", ["the client secret", "the managed identity", "OIDC"])
def test_a_token_that_azure_refuses_is_replaced_by_a_really_fresh_one(
    azure: Emulator, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(azure, "GET */instanceView", status=401, code="InvalidAuthenticationToken", times=1)
    assert vms(reader_by(azure, way, tmp_path, monkeypatch).view(within(10))) == 3
    assert len(set(azure.tokens)) == 2


STUBS = {
    "slow": ("sleep 3", Unavailable, "az did not answer within 1s|gave no token within 1s"),
    "without a network": (
        "echo \"ERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: "
        "/organizations (Caused by NameResolutionError('Failed to resolve login.microsoftonline.com'))\" >&2; exit 1",
        Unavailable,
        "for now: .*Max retries exceeded",
    ),
    "reset": ("echo \"('Connection aborted.', ConnectionResetError(104))\" >&2; exit 1", Unavailable, "for now"),
    "not signed in": ("echo 'ERROR: Please run az login to setup account.' >&2; exit 1", CredentialError, "az login"),
    "revoked": (
        "echo 'AADSTS50173: The grant was revoked; the session has timed out. Run az login.' >&2; exit 1",
        CredentialError,
        "AADSTS50173",
    ),
    "silent": ("exit 3", CredentialError, "Failed to invoke"),
    "broken": ("echo nonsense", CredentialError, "Unexpected output"),
}


@pytest.mark.parametrize("stub", STUBS)
def test_an_az_that_gives_no_token_is_told_by_its_cause(
    azure: Emulator, stub: str, bound: Bound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, kind, words = STUBS[stub]
    web = reader_by(azure, "the az CLI", tmp_path, monkeypatch)
    works = (tmp_path / "az").read_text()
    (tmp_path / "az").write_text(f"#!/bin/sh\n{script}\n")
    with bound if stub == "slow" else nullcontext(), pytest.raises((Unavailable, CredentialError), match=words) as told:
        web.view(within(10))
    assert type(told.value) is kind
    (tmp_path / "az").write_text(works)
    assert vms(web.view(within(10))) == 3


def test_a_machine_without_az_says_how_to_sign_in(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    left_out = ("ARM_CLIENT_SECRET", "ARM_CLIENT_ID")
    cloud = {key: value for key, value in azure.environment.items() if key not in left_out}
    with pytest.raises(CredentialError, match="sign in with `az login`, or set"):
        reader(azure, cloud).view(within(10))


def test_a_client_id_whose_secret_is_empty_is_told_where_az_does_not_help(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty variable is as good as none, and a pipeline sets one where its secret is missing."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CredentialError, match=r"ARM_CLIENT_ID is set, but no .*ARM_CLIENT_SECRET, .* beside it"):
        reader(azure, {**azure.environment, "ARM_CLIENT_SECRET": ""}).view(within(10))


def test_a_machine_without_a_managed_identity_is_a_wrong_credential(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{unused.getsockname()[1]}")
    with pytest.raises(CredentialError, match="check that this machine has one"):
        reader(azure, azure.managed_identity_environment).view(within(10))


def signed_in_at(azure: Emulator, server: TlsServer) -> ScaleSetReader:
    """A reader whose cloud has its sign-in service elsewhere."""
    authentication = {"loginEndpoint": server.url, "audiences": [azure.url]}
    broken(azure, "GET /metadata/*", body={"resourceManager": azure.url, "authentication": authentication})
    return reader(azure, azure.environment)


def test_a_missing_file_of_authorities_is_told_and_no_wrong_secret(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the public cloud the sign-in is what comes first."""
    tokens = TokenSource(Settings(azure.environment), PUBLIC, SystemClock())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match=r"No such file or directory: .*none\.pem; check REQUESTS_CA_BUNDLE"):
        tokens.token(within(5))


def test_a_sign_in_service_that_is_not_trusted_is_told_at_once(azure: Emulator) -> None:
    with TlsServer() as stranger:
        web = signed_in_at(azure, stranger)
        began = time.monotonic()
        with pytest.raises(ConfigurationError, match=r"sign-in service.*not trusted.*REQUESTS_CA_BUNDLE"):
            web.view(within(10))
        assert time.monotonic() - began < 3
        assert stranger.seen == []


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def test_a_sign_in_service_that_sends_a_byte_now_and_then_is_given_up(
    azure: Emulator, bound: Bound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    with TlsServer(lambda: drip(HEAD, 0.1, ended)) as slow:
        slow.trust(azure, tmp_path, monkeypatch)
        web = signed_in_at(azure, slow)
        with bound, pytest.raises(Unavailable, match=r"token|sign-in service"):
            web.view(within(10))
        ended.set()


@pytest.mark.parametrize("match", ["POST */token", "GET */openid-configuration"])
def test_a_token_answer_without_end_is_given_up_in_little_memory(azure: Emulator, match: str) -> None:
    broken(azure, match, bomb="600MB")
    web = reader(azure, azure.environment)
    with in_little_memory(), pytest.raises(CredentialError, match="larger than 1 MiB"):
        web.view(within(10))


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000, "[]", "5", "null", '"x"', "", "{}", "\x00", '{"access_token": 5, "expires_in": 3600}',
        '{"access_token": "a b", "expires_in": 3600}', '{"access_token": "a\\r\\nHost: x", "expires_in": 3600}',
        '{"access_token": "a", "expires_in": "soon"}', '{"access_token": "a", "expires_in": [[]]}',
        '{"access_token": "\\ud83d", "expires_in": 3600}', '{"access_token": "a", "expires_in": 1e400}',
        '{"error": {}}', '{"error": 5, "error_description": []}', '{"value": {"a": 1}}', '{"access_token": ""}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["the client secret", "the managed identity", ASKING])
def test_a_token_answer_of_any_shape_is_a_documented_error(
    azure: Emulator, way: str, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(azure, WAYS[way], body=body)
    with pytest.raises(CredentialError) as refused:
        reader_by(azure, way, tmp_path, monkeypatch).view(within(10))
    assert len(str(refused.value).splitlines()) == 1


@contextmanager
def in_little_memory() -> Iterator[None]:
    """Fails where more than 32 MiB were in use at any one time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20, f"{peak >> 20} MiB"


METADATA = "GET /metadata/endpoints"


@pytest.mark.parametrize("status", [*PASSING, 503])
def test_a_metadata_host_in_trouble_passes(azure: Emulator, status: int) -> None:
    broken(azure, METADATA, status=status, times=1)
    client, scale_set = Azure(Settings(azure.environment)), ScaleSetId.parse(azure.put_scale_set("web"))
    with pytest.raises(Unavailable, match=f"HTTP {status}"):
        client.reader(scale_set)
    assert vms(client.reader(scale_set).view(within(10))) == 3


@pytest.mark.parametrize("effect", [{"hang": "headers"}, {"hang": "body"}, {"trickle": "100ms"}], ids=str)
def test_three_who_wait_for_a_metadata_host_that_hangs_lose_its_time_together(
    azure: Emulator, effect: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "METADATA_WITHIN", 1.0)
    broken(azure, METADATA, times=1, **effect)
    client, scale_set = Azure(Settings(azure.environment)), ScaleSetId.parse(azure.put_scale_set("web"))
    errors, seconds = together(lambda: client.reader(scale_set), 3, 0.2)
    assert [type(each) for each in errors] == [Unavailable] * 3
    assert all("metadata host" in str(each) for each in errors)
    assert seconds < 1.7
    assert vms(client.reader(scale_set).view(within(10))) == 3


def without_end() -> Iterator[bytes]:
    yield HEAD
    for _ in range(600):
        yield b" " * 2**20


@pytest.mark.parametrize("pack", ["gzip", "plain"])
def test_a_metadata_host_that_sends_600_mb_is_refused_in_little_memory(
    azure: Emulator, pack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {key: value for key, value in azure.environment.items() if key != "VMSS_EMULATOR_URL"}
    scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
    broken(azure, METADATA, bomb="600MB")
    with TlsServer(without_end) as large:
        large.trust(azure, tmp_path, monkeypatch)
        host = large.host if pack == "plain" else environment["ARM_METADATA_HOSTNAME"]
        client = Azure(Settings({**environment, "ARM_METADATA_HOSTNAME": host}))
        began = time.monotonic()
        with (
            in_little_memory(),
            pytest.raises(ConfigurationError, match="larger than 1 MiB; check azure-native:metadata"),
        ):
            client.reader(scale_set)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"a":' * 100_000, "[]", "null", "5", "{}", "", "<html>", '{"x": 1e999}']
)
def test_a_metadata_host_that_describes_no_cloud_is_named(azure: Emulator, body: str) -> None:
    broken(azure, METADATA, body=body)
    with pytest.raises(ConfigurationError, match="does not describe a cloud"):
        Azure(Settings(azure.environment)).reader(ScaleSetId.parse(azure.put_scale_set("web")))


def test_a_request_that_hangs_is_asked_again_on_a_new_connection_within_the_look(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BEGINS_WITHIN", 0.4)
    broken(azure, "GET */instanceView", hang="headers", times=2)
    began = time.monotonic()
    assert vms(reader(azure, azure.environment).view(within(10))) == 3
    assert 0.8 <= time.monotonic() - began < 3
    views = [each for each in azure.requests if each.path.endswith("/instanceView")]
    assert [each.status for each in views] == [None, None, 200]


def test_every_request_of_ours_says_whose_it_is_and_takes_no_credentials_from_a_netrc_file(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four kinds of requests, each to a server that would see them."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password planted\ndefault login x password y\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with TlsServer() as server:
        server.trust(azure, tmp_path, monkeypatch)
        oidc = {**azure.oidc_environment, "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/oidc?x=1"}
        elsewhere = {key: value for key, value in azure.environment.items() if key != "VMSS_EMULATOR_URL"}
        scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
        described = {"loginEndpoint": server.url, "audiences": [azure.url]}
        asks: list[Callable[[], object]] = [
            lambda: Azure(Settings({**elsewhere, "ARM_METADATA_HOSTNAME": server.host})).reader(scale_set),
            lambda: reader(azure, oidc).view(within(10)),
            lambda: signed_in_at(azure, server).view(within(10)),
        ]
        for ask in asks:
            with pytest.raises(Unavailable):
                ask()
        arm = {"resourceManager": server.url, "authentication": {**described, "loginEndpoint": azure.url}}
        arm["authentication"] = {"loginEndpoint": azure.url, "audiences": [server.url]}
        broken(azure, METADATA, body=arm)
        with pytest.raises(Unavailable):
            Azure(Settings(azure.environment)).reader(scale_set).view(within(10))
    assert len(server.seen) == 4, server.seen
    assert all("user-agent: pulumi-vmss-health" in head.lower() for head in server.seen)
    assert "Basic" not in "".join(server.seen)
    authorized = [head for head in server.seen if "authorization:" in head.lower()]
    assert len(authorized) == 2, "of the pipeline's token service and of the Resource Manager"
    assert all("Bearer" in head for head in authorized)
    assert os.environ["NETRC"]
