"""The object that tests hold: its start, its files, its memory, its faults."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.emulator.support import QUICK, ArmSession, error, scale_set_body
from tests.waiting import until

from vmss_emulator import Emulator, TimelineError
from vmss_emulator.web.mischief import Send
from vmss_emulator.web.wire import Guarded

VIEW = "GET */instanceView"


def test_importing_it_brings_no_web_server() -> None:
    script = "import sys, vmss_emulator, vmss_emulator.pytest_plugin\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"starlette", "uvicorn", "trustme", "yaml", "requests", "pulumi"} & set(loaded)


def test_a_client_that_does_not_know_the_authority_is_not_served(azure: Emulator) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{azure.url}/metadata/endpoints", timeout=5)
    assert azure.requests == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_certificate_is_for_loopback(azure: Emulator, host: str) -> None:
    url = azure.url.replace("127.0.0.1", host)
    assert requests.get(f"{url}/metadata/endpoints", verify=str(azure.ca_file), timeout=5).status_code == 200


def test_its_authority_joins_those_that_were_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    company = tmp_path / "company.pem"
    company.write_text("the company's own")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(company))
    monkeypatch.setenv("NO_PROXY", "intranet,127.0.0.1")
    with Emulator() as azure:
        bundle = Path(azure.environment["REQUESTS_CA_BUNDLE"]).read_text()
        assert "the company's own" in bundle
        assert azure.ca_file.read_text() in bundle
        assert azure.environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"


def test_it_leaves_no_file_behind() -> None:
    with Emulator() as azure:
        folder = azure.ca_file.parent
        assert folder.exists()
    assert not folder.exists()
    with pytest.raises(RuntimeError, match="does not run"):
        azure.ca_file  # noqa: B018 - reading it is the test


def test_it_cannot_be_started_twice_and_can_be_stopped_twice() -> None:
    azure = Emulator()
    azure.start()
    with pytest.raises(RuntimeError, match="runs already"):
        azure.start()
    azure.stop()
    azure.stop()


def test_a_taken_port_is_an_error() -> None:
    with Emulator() as azure, pytest.raises(OSError, match="in use"):
        Emulator(port=int(azure.url.rpartition(":")[2])).start()


def test_requests_are_recorded_while_they_hang_and_stopping_does_not_wait_for_them() -> None:
    with Emulator({**QUICK, "faults": [{"match": VIEW, "hang": "headers"}]}) as azure:
        arm = ArmSession(azure)
        path = azure.put_scale_set()
        thread = threading.Thread(target=hang, args=(arm, f"{path}/instanceView"))
        thread.start()
        request = until(lambda: azure.requests[-1], lambda found: found.path.endswith("/instanceView"))
        assert (request.method, request.status, request.ended) == ("GET", None, None)
        begun = time.monotonic()
        azure.stop()
        assert time.monotonic() - begun < 1
        thread.join(5)
        arm.close()
    assert azure.requests[-1].ended is not None


def test_stopping_leaves_no_thread_and_no_file_behind_however_many_connections_are_open() -> None:
    before = set(threading.enumerate())
    with Emulator(QUICK) as azure:
        arms = [ArmSession(azure) for _ in range(20)]
        path = azure.put_scale_set()
        assert {arm.ask("GET", f"{path}/instanceView").status_code for arm in arms} == {200}
        folder = azure.ca_file.parent
    assert set(threading.enumerate()) == before
    assert not folder.exists()
    for arm in arms:
        arm.close()


def test_a_client_that_is_killed_leaves_no_open_connection() -> None:
    """Python 3.10 warns of it when it clears up; later versions close it by themselves."""
    with Emulator(QUICK) as azure:
        context = ssl.create_default_context(cafile=str(azure.ca_file))
        host, port = azure.url.removeprefix("https://").split(":")
        with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as client:
            client.sendall(f"GET /metadata/endpoints HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # its end is a reset
        assert requests.get(f"{azure.url}/metadata/endpoints", verify=str(azure.ca_file), timeout=5).ok
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gc.collect()
    assert [each.message for each in told] == []


def hang(arm: ArmSession, path: str) -> None:
    with pytest.raises(requests.ConnectionError):
        arm.ask("GET", path)


def test_another_timeline_holds_from_now_on(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set(health=True, capacity=1)
    arm.azure.load({**QUICK, "scale_sets": {"web": {"events": [{"health": "unhealthy"}]}}})
    assert health(arm, path) == "HealthState/unhealthy"
    text = "scale_sets: {'*': {boot: 0s, extension: 0s, healthy: 0s}}"
    assert control(arm.azure, "PUT", "timeline", text).status_code == 204
    assert health(arm, path) == "HealthState/healthy"


def control(azure: Emulator, method: str, what: str, text: str = "", **headers: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {azure.control_token}", **headers}
    url, ca = f"{azure.url}/emulator/{what}", str(azure.ca_file)
    return requests.request(method, url, data=text.encode(), headers=headers, verify=ca, timeout=20)


@pytest.mark.parametrize("shown", ["", "Bearer wrong", "Basic {token}", "{token}"])
@pytest.mark.parametrize(("method", "what"), [("PUT", "timeline"), ("GET", "requests")])
def test_the_remote_control_obeys_only_who_knows_the_token(azure: Emulator, shown: str, method: str, what: str) -> None:
    answer = control(azure, method, what, "faults: 3", Authorization=shown.format(token=azure.control_token))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "VMSS_EMULATOR_TOKEN" in answer.json()["error_description"]
    assert azure.control_token not in answer.text


def test_each_emulator_has_a_token_of_its_own_among_its_variables(azure: Emulator) -> None:
    assert azure.environment["VMSS_EMULATOR_TOKEN"] == azure.control_token
    assert azure.managed_identity_environment["VMSS_EMULATOR_TOKEN"] == azure.control_token
    assert Emulator().control_token != azure.control_token


def health(arm: ArmSession, path: str) -> object:
    return arm.get(f"{path}/virtualMachines/0/instanceView")["vmHealth"]["status"]["code"]


def test_a_timeline_that_means_nothing_leaves_the_old_one(arm: ArmSession) -> None:
    with pytest.raises(TimelineError):
        arm.azure.load("scale_set: {}")
    answer = control(arm.azure, "PUT", "timeline", "faults: 3")
    assert answer.status_code == 400
    assert "faults" in answer.json()["error_description"]


def test_the_requests_can_be_read_from_outside(azure: Emulator) -> None:
    (first,) = control(azure, "GET", "requests").json()
    assert (first["method"], first["path"], first["ended"]) == ("GET", "/emulator/requests", None)


def test_a_set_can_be_made_and_changed_without_http(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set("web", capacity=2, extensions=["cse"], upgrade_mode="Automatic")
    assert arm.azure.put_scale_set("web", capacity=3, extensions=["cse"], upgrade_mode="Automatic") == path
    assert (arm.get(path)["sku"]["capacity"], arm.get(path)["etag"]) == (3, '"2"')


def test_what_is_there_stays_where_it_is_when_a_set_is_put_without_http(arm: ArmSession) -> None:
    arm.put(arm.group_id, {"location": "eastus", "tags": {"a": "b"}})
    arm.put(arm.set_id, {**scale_set_body(), "location": "eastus"})
    assert arm.azure.put_scale_set("web", capacity=2) == arm.set_id
    assert [arm.get(path)["location"] for path in (arm.group_id, arm.set_id)] == ["eastus", "eastus"]
    assert arm.get(arm.group_id)["tags"] == {"a": "b"}


def test_the_fixture_gives_a_running_emulator(vmss_emulator: Emulator) -> None:
    assert vmss_emulator.url.startswith("https://127.0.0.1:")


def test_its_variables_are_all_text_and_lead_to_it(azure: Emulator) -> None:
    environment = azure.environment
    assert environment["ARM_METADATA_HOSTNAME"] == azure.url.removeprefix("https://")
    assert environment["VMSS_EMULATOR_URL"] == azure.url
    assert environment["ARM_CLIENT_SECRET"] == azure.client_secret
    subprocess.run([sys.executable, "-c", ""], env={**os.environ, **environment}, check=True)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1", "", "0.0.0.0:{port}"]
)
def test_a_name_that_is_not_loopbacks_is_refused(azure: Emulator, host: str) -> None:
    for url in (f"{azure.url}/metadata/endpoints", f"{azure.identity_url}/metadata/identity/oauth2/token?resource=x"):
        headers = {"Host": host.format(port=url.split(":")[2].split("/")[0]), "Metadata": "true"}
        answer = requests.get(url, headers=headers, verify=str(azure.ca_file), timeout=5)
        assert (answer.status_code, answer.json()["error"]["code"]) == (421, "MisdirectedRequest")
    assert azure.tokens == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "LocalHost", "[::1]"])
def test_loopbacks_names_are_let_in(azure: Emulator, host: str) -> None:
    headers = {"Host": f"{host}:{azure.url.rpartition(':')[2]}"}
    url = f"{azure.url}/metadata/endpoints"
    assert requests.get(url, headers=headers, verify=str(azure.ca_file), timeout=5).status_code == 200


@pytest.mark.parametrize(("scheme", "port", "status"), [("https", 443, 200), ("http", 80, 200), ("https", 80, 421)])
def test_the_schemes_own_port_need_not_be_named(scheme: str, port: int, status: int) -> None:
    sent: list[Any] = []

    async def app(_scope: object, _receive: object, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"scheme": scheme, "server": ("127.0.0.1", port), "headers": [(b"host", b"localhost")], "path": "/"}
    asyncio.run(Guarded(app)(scope, receive, send))
    assert sent[0]["status"] == status


def test_a_body_over_4_mb_is_refused_and_one_of_4_mb_is_read(arm: ArmSession) -> None:
    arm.put_group()
    path = f"{arm.group_id}/providers/Microsoft.Network/publicIPAddresses/ip"
    small = {"location": "westeurope", "tags": {"a": "x" * (4 * 2**20 - 100)}}
    assert arm.ask("PUT", path, small).status_code == 201
    refused = arm.ask("PUT", path, {**small, "tags": {"a": "x" * (4 * 2**20)}})
    assert (refused.status_code, error(refused)) == (413, "RequestContentTooLarge")
    assert control(arm.azure, "PUT", "timeline", "#" * (64 * 2**20)).status_code == 413
