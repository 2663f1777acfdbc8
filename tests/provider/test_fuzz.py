"""Whatever comes from outside, a parser gives what it should or raises what it documents. FUZZ=100000 looks longer."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from requests import PreparedRequest, Response
from tests.clocks import VirtualClock
from tests.hostile import harm
from urllib3 import HTTPHeaderDict, HTTPResponse

from pulumi_vmss_health import (
    ConfigurationError,
    CredentialError,
    InstanceViewError,
    InvalidScaleSetId,
    MalformedBody,
    ScaleSetId,
    Unavailable,
)
from vmss_instance_view.azure import sign_in
from vmss_instance_view.azure.arm import Arm, Question
from vmss_instance_view.azure.cloud import PUBLIC, Cloud, find_cloud
from vmss_instance_view.azure.credential import TokenSource
from vmss_instance_view.azure.refusal import claims_challenge, refusal, retry_after, throttled_by
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Answer, Https
from vmss_instance_view.clock import Deadline, SystemClock
from vmss_instance_view.connection import Azure, Connection
from vmss_instance_view.durations import parse_duration
from vmss_instance_view.limits.budget import Budget, remaining
from vmss_instance_view.limits.quota import LOW_COST, Charge
from vmss_instance_view.model import (
    Instance,
    InstanceView,
    RollingUpgrade,
    ScaleSet,
    VirtualMachineInstanceView,
)
from vmss_instance_view.reading.uniform import instances_of

EXAMPLES = int(os.environ.get("FUZZ", "40"))
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CLOCK = VirtualClock()
TEXT = st.text(st.characters(exclude_categories=()), max_size=30)  # half pairs, too
ID = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Compute"
WEB = ScaleSetId.parse(f"{ID}/virtualMachineScaleSets/web")
VM = f"{ID}/virtualMachines/web_0"

KEYS = [
    "value", "nextLink", "id", "instanceId", "name", "location", "properties", "instanceView", "virtualMachine",
    "statusesSummary", "statuses", "substatuses", "extensions", "extensionProfile", "virtualMachineProfile", "code",
    "count", "level", "time", "message", "displayStatus", "vmHealth", "vmAgent", "status", "sku", "capacity", "zones",
    "settings", "publisher", "type", "runningStatus", "progress", "policy", "orchestrationMode", "protectionPolicy",
    "error", "details", "target", "authentication", "audiences", "loginEndpoint", "resourceManager", "access_token",
    "expires_in", "expires_on", "error_description", "token_endpoint", "authorization_endpoint", "issuer",
    "accessToken",
    "tags", "timeCreated", "orchestrationServices", "latestModelApplied", "isVMInStandbyPool", "refresh_in",
    "token_type",
]  # fmt: skip
WORDS = [
    "Flexible", "Uniform", "ProvisioningState/succeeded", "PowerState/running", "HealthState/healthy",
    "TooManyRequests",
    "2026-01-01T00:00:00Z", "99999-99-99T99:99:99Z", "https://management.azure.com", "https://x", VM, f"@evil{VM}",
    "Microsoft.ManagedServices", "ApplicationHealthLinux", "ResourceNotFound", "3600", "PT5M", "token", "\ud83d", "",
    f"{PUBLIC.resource_manager}{ID}/x?api-version=1",
    "Operation 'A.GET' is not allowed on Virtual Machine Scale Set 'x'",
]  # fmt: skip
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from(WORDS)
JSON = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
        | st.dictionaries(TEXT, inner, max_size=2)
    ),
    max_leaves=25,
)


def packed(body: Any, encoding: str) -> bytes:
    return json.dumps(body).encode(encoding)


# JSON as Azure might send it, JSON cut or with a byte changed, and bytes.
BODY = st.one_of(
    st.builds(packed, JSON, st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32-le", "latin-1"])),
    st.builds(lambda body, end: packed(body, "utf-8")[:end], JSON, st.integers(0, 200)),
    st.builds(
        lambda body, place, byte: packed(body, "utf-8")[:place] + byte + packed(body, "utf-8")[place + 1 :],
        JSON, st.integers(0, 200), st.binary(max_size=2),
    ),
    st.binary(max_size=60),
    st.sampled_from([b"[" * 20_000, b'{"a":' * 20_000, b'{"value":' * 20_000, b"9" * 5000, b"\xef\xbb\xbf{}", b"NaN"]),
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Retry-After", "WWW-Authenticate", "x-ms-ratelimit-remaining-resource", "Content-Type", "x-ms-request-id",
            "x-ms-ratelimit-remaining-subscription-reads", "x-ms-correlation-request-id", "Location",
            "Content-Encoding",
        ]
    ),
    TEXT | st.sampled_from(
        [
            "7", "Mon, 01 Jan 2026 00:00:00 GMT", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "0", "9" * 400, "-1",
            'Bearer error="insufficient_claims", claims="e30="', "Microsoft.Compute/GetVMScaleSet;30,X;1", "gzip", "١٢",
            'Bearer error="insufficient_claims", claims="/////w=="', "application/json; charset=nonsense", "text/html",
        ]
    ),
    max_size=4,
)  # fmt: skip
STATUS = st.sampled_from([200, 200, 200, 400, 401, 403, 404, 409, 412, 429, 500, 503]) | st.integers(100, 999)


def check(error: Exception) -> None:
    """An error is one line that does no harm, and tells no secret."""
    assert harm(str(error)) is None
    assert len(str(error)) <= 2000
    assert "planted" not in str(error)


@fuzz
@given(st.one_of(LEAF, st.lists(st.sampled_from(["", "/", *f"{WEB}".split("/"), "\n", "é", ".."])).map("/".join)))
@example("/" * 100_000)
@example(f"{WEB}/" + "x" * 1_000_000)
def test_an_id_is_one_or_refused(value: Any) -> None:
    try:
        parsed = ScaleSetId.parse(value)
    except InvalidScaleSetId as error:
        check(error)
    else:
        assert ScaleSetId.parse(str(parsed)) == parsed
        assert str(parsed).startswith("/subscriptions/")


@fuzz
@given(LEAF | st.text("0123456789hms.+- \n", max_size=12))
@example("9" * 5000 + "h")
def test_a_duration_is_one_or_refused(value: Any) -> None:
    said = "hold must"
    try:
        assert parse_duration(value, "hold").total_seconds() >= 0
    except (ValueError, TypeError) as error:
        said = str(error)
    assert "hold must" in said


@fuzz
@given(HEADERS, BODY, STATUS)
def test_a_refusal_is_an_error_of_one_harmless_line(headers: Mapping[str, str], body: bytes, status: int) -> None:
    now = CLOCK.now()
    error = refusal("a read", status, headers, body, now)
    check(error)
    assert error.status == status
    wait = retry_after(headers, now)
    assert wait is None or 0 <= wait <= 24 * 3600
    claims = claims_challenge(headers)
    assert claims is None or isinstance(claims, str)
    throttled_by(headers, body)
    assert all(left >= 0 for left in remaining(headers).values())


@fuzz
@given(HEADERS, st.integers(0, 5))
def test_no_header_upsets_the_budget(headers: Mapping[str, str], seconds: int) -> None:
    budget, charge = Budget(), Charge(LOW_COST, str(WEB))
    budget.correct(charge, headers, seconds)
    budget.refused(charge, seconds, retry_after(headers, CLOCK.now()), throttled_by(headers, b"{}"))
    assert 0 <= budget.room([charge], seconds).fraction <= 1


MODELS = [InstanceView, VirtualMachineInstanceView, Instance, ScaleSet, RollingUpgrade]


class Told:
    """A wire that answers as it is told, the last answer again and again."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.urls: list[str] = []

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        del what, token, deadline
        self.urls.append(url)
        CLOCK.sleep(1)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Tokens:
    def token(self, deadline: Deadline) -> str:
        del deadline
        return "token"

    def refused(self, token: str, claims: str | None) -> None:
        pass


@pytest.mark.parametrize("kind", MODELS)
@fuzz
@given(body=BODY)
def test_a_body_is_a_model_or_malformed(kind: Any, body: bytes) -> None:
    arm = Arm(PUBLIC, Told([Answer(200, {}, body)]), Tokens(), Budget(), CLOCK)
    question = Question("a read", ID, Charge(LOW_COST, ID))
    deadline = Deadline(1000, CLOCK)
    try:
        assert isinstance(arm.get(question, kind.from_json, deadline), kind)
    except MalformedBody as error:
        check(error)
    try:
        for page in arm.pages(question, instances_of(deadline, lambda _vm: None), deadline):
            assert all(isinstance(each, Instance) for each in page)
    except InstanceViewError as error:
        check(error)


ANSWER = st.builds(Answer, STATUS, HEADERS, BODY)


@fuzz
@given(st.lists(ANSWER, min_size=1, max_size=6), st.lists(st.integers(0, 5), max_size=6))
def test_no_answers_make_a_reader_raise_anything_else_or_leave_the_cloud(
    answers: list[Answer], asks: list[int]
) -> None:
    wire = Told(answers)
    reader = Azure(Settings({}), CLOCK, Connection(PUBLIC, wire, Tokens())).reader(WEB)
    reads: list[Callable[[Deadline], object]] = [
        reader.model,
        reader.view,
        reader.instances,
        reader.rolling_upgrade,
        lambda deadline: reader.own_views(None, deadline, since=CLOCK.time),
        lambda deadline: reader.instances(deadline, since=CLOCK.time - 5, whole=False),
    ]
    for ask in [0, *asks]:
        try:
            reads[ask](Deadline(100, CLOCK))
        except InstanceViewError as error:
            check(error)
        assert reader.oldest <= float("inf")
    assert all(url.startswith(f"{PUBLIC.resource_manager}/") for url in wire.urls)


@fuzz
@given(ANSWER, st.none() | TEXT)
@example(Answer(200, {}, b'{"resourceManager": "https://x", "authentication": {"audiences": {}}}'), None)
def test_a_metadata_host_describes_a_cloud_or_is_named(answer: Answer, host: str | None) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Https, "fetch", lambda *_, **__: answer)
        try:
            found = find_cloud(Settings({"ARM_METADATA_HOSTNAME": host or "metadata.example"}), Deadline(9, CLOCK))
        except (ConfigurationError, Unavailable) as error:
            check(error)
        else:
            assert isinstance(found, Cloud)
            assert found.resource_manager.startswith("https://")


APPLICATION = {"ARM_TENANT_ID": "contoso.example", "ARM_CLIENT_ID": "client"}
WAYS: dict[str, dict[str, str]] = {
    "secret": {**APPLICATION, "ARM_CLIENT_SECRET": "planted"},
    "OIDC": {
        **APPLICATION,
        "ARM_USE_OIDC": "true",
        "ARM_OIDC_REQUEST_URL": "https://tokens.example/x",
        "ARM_OIDC_REQUEST_TOKEN": "planted",
    },
    "a federated token": {**APPLICATION, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": "planted"},
    "managed identity": {"ARM_USE_MSI": "true"},
    "az": APPLICATION,
}
CLOUD = Cloud("https://arm.example", "https://arm.example/.default", "https://sign-in.example")
DISCOVERY = json.dumps(
    {
        "token_endpoint": "https://sign-in.example/contoso.example/oauth2/v2.0/token",
        "authorization_endpoint": "https://sign-in.example/contoso.example/oauth2/v2.0/authorize",
        "issuer": "https://sign-in.example/contoso.example/v2.0",
    }
).encode()
TOKENS = st.fixed_dictionaries(
    {},
    optional={
        "access_token": LEAF | st.just("a-token"),
        "expires_in": LEAF | st.just(3600),
        "expires_on": LEAF,
        "token_type": LEAF,
        "refresh_in": LEAF,
        "error": LEAF,
        "error_description": LEAF,
        "value": LEAF | st.just("a-token"),
        "accessToken": LEAF | st.just("a-token"),
        "expiresOn": LEAF,
    },
).map(lambda body: json.dumps(body).encode())
GOOD = json.dumps({"access_token": "a-token", "expires_in": 3600, "value": "a-token"}).encode()


def at_once(clock: SystemClock, function: Callable[[], Any], seconds: float) -> Any:
    """A call on the thread that asks: thousands of threads would take longer than what they do."""
    del clock, seconds
    return function()


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Nothing of this machine's own identities is asked."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in os.environ:
            if name.startswith(("ARM_", "AZURE_", "IDENTITY_", "MSI_", "ACTIONS_")):
                monkeypatch.delenv(name)
        yield


@pytest.mark.parametrize("way", WAYS)
@fuzz
@given(
    answers=st.lists(
        st.builds(Answer, STATUS, HEADERS, TOKENS | BODY) | st.just(Answer(200, {}, GOOD)), min_size=1, max_size=3
    ),
    discovered=st.booleans(),
    claims=st.none() | TEXT | st.just('{"access_token": {"nbf": {"essential": true}}}'),
)
def test_no_answer_of_a_sign_in_service_makes_anything_but_a_token_or_a_documented_error(
    way: str, answers: list[Answer], discovered: bool, claims: str | None
) -> None:
    todo = [*answers]

    def answered() -> Answer:
        return todo.pop(0) if len(todo) > 1 else todo[0]

    def send(adapter: sign_in._Bounded, request: PreparedRequest, **_: Any) -> Response:
        is_discovery = discovered and "openid-configuration" in (request.url or "")
        answer = Answer(200, {}, DISCOVERY) if is_discovery else answered()
        sent = {name: value.encode("utf-8", "replace").decode("latin-1") for name, value in answer.headers.items()}
        headers = HTTPHeaderDict({"Content-Type": "application/json", **sent})
        return adapter.build_response(
            request, HTTPResponse(io.BytesIO(answer.content), headers, answer.status, preload_content=False)
        )

    def az(*_: Any, **__: Any) -> str:
        answer = answered()
        said = answer.content.decode("utf-8", "replace")
        if answer.status == 200:
            return said
        raise subprocess.CalledProcessError(1, "az", said, said)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sign_in._Bounded, "send", send)
        monkeypatch.setattr(Https, "fetch", lambda *_, **__: answered())
        monkeypatch.setattr(SystemClock, "call", at_once)
        monkeypatch.setattr(subprocess, "check_output", az)
        monkeypatch.setattr("shutil.which", lambda *_: "/usr/bin/az")
        source = TokenSource(Settings(WAYS[way]), CLOUD, SystemClock())
        for _ in range(2):
            try:
                token = source.token(Deadline(10, SystemClock()))
            except (CredentialError, Unavailable, ConfigurationError) as error:
                check(error)
                event(type(error).__name__)
            else:
                event("a token")
                assert token.isascii()
                assert token.isprintable()
                source.refused(token, claims)
