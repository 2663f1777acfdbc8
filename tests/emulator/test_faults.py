"""What goes wrong on the wire when the timeline says so, as a client feels it."""

from __future__ import annotations

import base64
import time
import zlib
from email.utils import parsedate_to_datetime

import pytest
import requests
from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ClientSecretCredential
from tests.emulator.support import QUICK, ArmSession, FakeClock, token
from tests.waiting import until

from vmss_emulator import Emulator

VIEW = "GET */instanceView"


def test_a_fault_answers_with_its_status_code_and_retry_after(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set()
    fault = {"match": VIEW, "times": 1, "status": 503, "code": "ServerBusy", "retry_after": 7}
    arm.azure.load({"faults": [fault]})
    answer = arm.ask("GET", f"{path}/instanceView")
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers["Retry-After"]) == (
        503,
        "ServerBusy",
        "7",
    )
    assert "x-ms-request-id" in answer.headers
    assert arm.ask("GET", f"{path}/instanceView").status_code == 200


def test_a_fault_may_answer_with_any_text(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set()
    faults = [{"match": VIEW, "times": 1, "body": '{"statuses": ['}, {"match": VIEW, "status": 502, "body": "<html>"}]
    arm.azure.load({"faults": faults})
    answers = [arm.ask("GET", f"{path}/instanceView") for _ in range(2)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, '{"statuses": ['), (502, "<html>")]


def test_a_fault_may_hang_in_the_middle_of_the_body(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set()
    arm.azure.load({"faults": [{"match": VIEW, "hang": "body"}]})
    url = f"{arm.azure.url}{path}/instanceView?api-version=2024-11-01"
    answer = arm.session.get(url, timeout=0.5, stream=True)
    assert (answer.status_code, int(answer.headers["Content-Length"]) > 100) == (200, True)
    with pytest.raises(requests.ConnectionError, match="timed out"):
        answer.json()
    answer.close()


def test_a_fault_may_reset_the_connection(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set()
    arm.azure.load({"faults": [{"match": VIEW, "reset": True, "times": 1}, {"match": "GET /msi/*", "reset": True}]})
    with pytest.raises(requests.ConnectionError):  # some builds of OpenSSL report a reset as an end
        arm.ask("GET", f"{path}/instanceView")
    assert arm.azure.requests[-1].status is None
    assert arm.ask("GET", f"{path}/instanceView").status_code == 200
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        requests.get(f"{arm.azure.identity_url}/msi/token", timeout=5)


def test_faults_concern_tokens_too(azure: Emulator) -> None:
    azure.load({"faults": [{"match": "POST */token", "status": 500}]})
    url = f"{azure.url}/{azure.tenant_id}/oauth2/v2.0/token"
    assert requests.post(url, verify=str(azure.ca_file), timeout=5).status_code == 500


def faulty(arm: ArmSession, **fault: object) -> str:
    """The path of a set's view, which that fault answers."""
    path = arm.azure.put_scale_set()
    arm.azure.load({**QUICK, "faults": [{"match": VIEW, **fault}]})
    return f"{path}/instanceView"


def test_a_fault_sends_headers_along_some_of_them_twice(arm: ArmSession) -> None:
    remaining = ["Microsoft.Compute/A;1", "Microsoft.Compute/B;2"]
    path = faulty(arm, status=429, headers={"x-ms-ratelimit-remaining-resource": remaining, "x-one": 1})
    answer = arm.ask("GET", path)
    assert answer.headers["x-ms-ratelimit-remaining-resource"] == ", ".join(remaining)
    assert answer.raw.headers.getlist("x-ms-ratelimit-remaining-resource") == remaining
    assert answer.headers["x-one"] == "1"


def test_headers_alone_are_added_to_the_true_answer(arm: ArmSession) -> None:
    answer = arm.ask("GET", faulty(arm, headers={"x-one": "1"}, retry_after=3))
    assert (answer.status_code, answer.headers["x-one"], answer.headers["Retry-After"]) == (200, "1", "3")
    assert "virtualMachine" in answer.json()


@pytest.mark.parametrize("effect", [{}, {"trickle_headers": "0s"}])
def test_headers_take_the_place_of_the_true_answers_own(arm: ArmSession, effect: dict[str, object]) -> None:
    answer = streamed(arm, faulty(arm, headers={"Content-Length": 9999, "cache-control": "private"}, **effect))
    assert answer.raw.headers.getlist("Content-Length") == ["9999"]
    assert answer.raw.headers.getlist("Cache-Control") == ["private"]
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="bytes read"):
        answer.json()


def test_retry_after_takes_the_place_of_the_true_answers_own(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set()
    arm.azure.load({"faults": [{"match": "DELETE *", "retry_after": 7}]})
    assert arm.ask("DELETE", path).raw.headers.getlist("Retry-After") == ["7"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_fault_leads_elsewhere(arm: ArmSession, status: int) -> None:
    url = f"{arm.azure.url}{faulty(arm, status=status, headers={'Location': '{url}/elsewhere?x=1'})}"
    answer = arm.session.get(f"{url}?api-version=2024-11-01", allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.content) == (status, b"")
    assert answer.headers["Location"] == f"{arm.azure.url}/elsewhere?x=1"


def test_a_body_may_be_written_as_yaml_and_name_the_emulator(arm: ArmSession) -> None:
    body: dict[str, object] = {"value": [], "nextLink": "{url}/next", "odd": None}
    assert arm.get(faulty(arm, body=body)) == {**body, "nextLink": f"{arm.azure.url}/next"}


def test_a_body_may_be_of_another_type(arm: ArmSession) -> None:
    answer = arm.ask("GET", faulty(arm, body="<html>", status=502, headers={"Content-Type": "text/html"}))
    assert (answer.text, answer.headers["Content-Type"]) == ("<html>", "text/html")


@pytest.mark.parametrize("written", ["1h", "Fri, 21 Nov 2031 07:28:00 GMT"])
def test_retry_after_may_be_a_date(written: str) -> None:
    clock = FakeClock()
    with Emulator(clock=clock) as azure:
        arm = ArmSession(azure)
        said = arm.ask("GET", faulty(arm, status=503, retry_after=written)).headers["Retry-After"]
        arm.close()
    assert said.endswith(" GMT")
    if written == "1h":
        assert parsedate_to_datetime(said).timestamp() == clock.now + 3600


def test_a_fault_may_concern_one_query_only(arm: ArmSession) -> None:
    path = arm.azure.put_scale_set()
    fault = {"match": "GET */virtualMachines", "query": "*$expand=instanceView*", "status": 503}
    arm.azure.load({"faults": [fault]})
    assert arm.ask("GET", f"{path}/virtualMachines").status_code == 200
    assert arm.ask("GET", f"{path}/virtualMachines", expand="instanceView").status_code == 503


def streamed(arm: ArmSession, path: str, **options: object) -> requests.Response:
    url = f"{arm.azure.url}{path}?api-version=2024-11-01"
    return arm.session.get(url, stream=True, **{"timeout": 5, **options})  # type: ignore[arg-type]  # of requests


def test_a_body_may_trickle(arm: ArmSession) -> None:
    answer = streamed(arm, faulty(arm, trickle="20ms"))
    begun = time.monotonic()
    parts = [answer.raw.read1(64) for _ in range(10)]
    assert b"".join(parts).startswith(b'{"virtual')
    assert 0.15 < time.monotonic() - begun < 3
    answer.close()


def test_a_body_that_trickles_is_whole_in_the_end(arm: ArmSession) -> None:
    assert "virtualMachine" in arm.get(faulty(arm, trickle="0s"))


def test_headers_may_trickle(arm: ArmSession) -> None:
    path = faulty(arm, trickle_headers="10ms", headers={"x-slow": "yes"})
    begun = time.monotonic()
    answer = arm.ask("GET", path)
    assert time.monotonic() - begun > 1
    assert (answer.status_code, answer.headers["x-slow"]) == (200, "yes")
    assert "virtualMachine" in answer.json()


@pytest.mark.parametrize("slow", ["trickle", "trickle_headers"])
def test_trickling_ends_when_the_client_leaves(arm: ArmSession, slow: str) -> None:
    path = faulty(arm, **{slow: "300ms"})
    with pytest.raises(requests.ConnectionError if slow == "trickle" else requests.Timeout):
        arm.session.get(f"{arm.azure.url}{path}?api-version=2024-11-01", timeout=0.1)
    arm.session.close()
    until(lambda: arm.azure.requests[-1].ended, seconds=2)


def test_a_body_may_be_cut_off(arm: ArmSession) -> None:
    answer = streamed(arm, faulty(arm, cut=True))
    promised = int(answer.headers["Content-Length"])
    assert promised > 100
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match=f"{promised // 2} bytes read"):
        answer.json()


def test_a_bomb_is_small_on_the_wire_and_large_when_unpacked(arm: ArmSession) -> None:
    answer = streamed(arm, faulty(arm, bomb="200MB"))
    assert answer.headers["Content-Encoding"] == "gzip"
    unpacker, packed, size, begin = zlib.decompressobj(wbits=31), 0, 0, b""
    while part := answer.raw.read(2**14, decode_content=False):
        packed += len(part)
        while part:
            blanks = unpacker.decompress(part, 2**20)
            begin, size, part = begin or blanks[:10], size + len(blanks), unpacker.unconsumed_tail
    assert (size, begin, packed < 2**21) == (200 * 2**20, b'{"value": ', True)


def test_a_small_bomb_is_an_empty_list(arm: ArmSession) -> None:
    assert arm.get(faulty(arm, bomb="64KB")) == {"value": []}


def test_a_client_that_leaves_stops_the_bomb(arm: ArmSession) -> None:
    answer = streamed(arm, faulty(arm, bomb="50GB"))
    answer.close()
    until(lambda: arm.azure.requests[-1].ended, seconds=5)


def test_a_list_may_never_end(arm: ArmSession) -> None:
    path = f"{arm.azure.put_scale_set(capacity=2)}/virtualMachines"
    arm.azure.load({"faults": [{"match": "GET */virtualMachines", "endless": True}]})
    page, links = arm.get(path, expand="instanceView"), set()
    for _ in range(5):
        assert [vm["instanceId"] for vm in page["value"] if "instanceView" in vm["properties"]] == ["0", "1"]
        assert page["nextLink"].startswith(f"{arm.azure.url}{path}?")
        links.add(page["nextLink"])
        page = arm.get(page["nextLink"])
    assert len(links) == 5


@pytest.mark.parametrize(("method", "status"), [("DELETE", 202), ("HEAD", 204)])
def test_an_answer_that_is_no_page_ends_though_lists_do_not(arm: ArmSession, method: str, status: int) -> None:
    path = arm.azure.put_scale_set()
    arm.azure.load({"faults": [{"match": f"{method} *", "endless": True, "headers": {"x-one": "1"}}]})
    answer = arm.ask(method, path)
    assert (answer.status_code, answer.content, answer.headers["x-one"]) == (status, b"", "1")


def test_a_claims_challenge_is_met_by_a_token_with_its_claims_only(arm: ArmSession) -> None:
    path = faulty(arm, claims=True)
    refused = arm.ask("GET", path)
    assert refused.status_code == 401
    challenge = refused.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    encoded = challenge.partition('claims="')[2].partition('"')[0]
    claims = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    for asked, status in ((None, 401), ('{"access_token": {}}', 401), ("no JSON", 401), (claims, 200)):
        bearer = token(arm.azure, **({} if asked is None else {"claims": asked}))
        arm.session.headers["Authorization"] = f"Bearer {bearer}"
        assert arm.ask("GET", path).status_code == status


def test_azure_core_meets_the_claims_challenge(arm: ArmSession) -> None:
    path, azure = faulty(arm, claims=True), arm.azure
    ca = str(azure.ca_file)
    options = {"authority": azure.url, "disable_instance_discovery": True, "connection_verify": ca}
    with ClientSecretCredential(azure.tenant_id, azure.client_id, azure.client_secret, **options) as credential:
        policy = BearerTokenCredentialPolicy(credential, f"{azure.url}/.default")
        client: PipelineClient[HttpRequest, HttpResponse]
        client = PipelineClient(azure.url, policies=[policy], connection_verify=ca)
        with client:
            before = azure.token_requests
            answer = client.send_request(HttpRequest("GET", f"{azure.url}{path}?api-version=2024-11-01"))
            assert "virtualMachine" in answer.json()
            assert azure.token_requests == before + 2


@pytest.mark.parametrize("path", ["/metadata/endpoints", "/oidc/token", "/{tenant}/oauth2/v2.0/token"])
def test_faults_concern_every_door(azure: Emulator, path: str) -> None:
    azure.load({"faults": [{"match": "* *", "status": 500, "headers": {"x-fault": "yes"}}]})
    url = azure.url + path.format(tenant=azure.tenant_id)
    answer = requests.post(url, verify=str(azure.ca_file), timeout=5)
    assert (answer.status_code, answer.headers["x-fault"]) == (500, "yes")
