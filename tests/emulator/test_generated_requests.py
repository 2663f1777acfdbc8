"""Requests that nobody would send: whatever comes, the emulator answers, and never with an error of its own.

Valid bodies and timelines are broken in a few places, sent, and everything that follows from them is read. REQUESTS is
the number of examples; a soak takes more.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.emulator.support import ArmSession, FakeClock, extension, scale_set_body

from vmss_emulator import Emulator

REQUESTS = int(os.environ.get("REQUESTS", "10"))
THOROUGH = settings(
    max_examples=REQUESTS, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

POLICY = {"maxBatchInstancePercent": 50, "pauseTimeBetweenBatches": "PT1S"}
INTERFACE = {
    "name": "nic",
    "properties": {"primary": True, "ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": "net"}}}]},
}
BODY = scale_set_body(3, extensions=("cse",), health=True)
BODY = {
    **BODY,
    "tags": {"a": "b"},
    "zones": ["1", "2"],
    "identity": {"type": "SystemAssigned"},
    "properties": {
        **BODY["properties"],
        "orchestrationMode": "Uniform",
        "overprovision": True,
        "upgradePolicy": {"mode": "Rolling", "rollingUpgradePolicy": POLICY},
        "automaticRepairsPolicy": {"enabled": True, "gracePeriod": "PT10M"},
        "externalHealthPolicy": {"enabled": True},
        "virtualMachineProfile": {
            **BODY["properties"]["virtualMachineProfile"],
            "networkProfile": {"healthProbe": {"id": "probe"}, "networkInterfaceConfigurations": [INTERFACE]},
            "storageProfile": {"osDisk": {"createOption": "FromImage"}},
            "priority": "Spot",
            "evictionPolicy": "Delete",
        },
    },
}
NETWORK = {"location": "westeurope", "properties": {"subnets": [{"name": "a", "properties": {"addressPrefix": "x"}}]}}
LIFE = {
    "boot": "1s",
    "extensions": {"cse": "2s"},
    "list_carries": ["health"],
    "standby": 1,
    "surplus": 1,
    "pause": "1s",
    "omit_mode": True,
    "events": [
        {"put": 1, "at": "1s", "instances": [1], "health": "unhealthy"},
        {"put": 1, "at": "2s", "extension": "cse", "state": "failed/50", "message": "exit status 50"},
        {"at": "3s", "instances": [0], "evict": True},
        {"at": "4s", "upgrade": True},
    ],
}
FAULTS = [
    {"match": "GET */instanceView", "query": "*x*", "after": 1, "times": 2, "status": 503, "retry_after": "3s"},
    {"match": "* */web", "headers": {"A": "b", "C": ["d", 5]}},
    {"match": "GET */x", "body": {"value": []}},
    {"match": "GET */y", "bomb": "1MB"},
    {"match": "GET */z", "trickle": "5s"},
]

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 10**30, 1e308, 0.5, "", "x", "\ud800", "a\nb", "é" * 50, "Flexible", "PT9999999H", "2s", [], {}]
)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    ODD | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def places(value: object, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """All places in a body."""
    if way:
        yield way
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*way, key))


@st.composite
def broken(draw: st.DrawFn, body: Any) -> Any:
    """A body with other values, fewer or more keys in a few places."""
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(0, 3))):
        known = list(places(body))
        if not known:
            break
        *way, last = draw(st.sampled_from(known))
        inner = body
        for key in way:
            inner = inner[key]
        match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
            case "replace":
                inner[last] = draw(ODD | JSON)
            case "remove":
                del inner[last]
            case _ if isinstance(inner, dict):
                inner[draw(TEXT)] = draw(JSON)
    return body


SET = "providers/Microsoft.Compute/virtualMachineScaleSets/web"
ACTIONS = ["restart", "manualupgrade", "reimage", "delete", "deallocate", "start", "osRollingUpgrade", "nonsense"]
ALL = {"instanceIds": ["0", "2"]}
SERVICE = {"serviceName": "AutomaticRepairs", "action": "Suspend"}
WRITES = st.one_of(
    st.tuples(st.sampled_from(["PUT", "PATCH"]), st.just(SET), broken(BODY)),
    st.tuples(st.just("PATCH"), st.just(SET), broken({"sku": {"capacity": 2}, "tags": None})),
    st.tuples(st.just("PUT"), st.just(f"{SET}/extensions/cse"), broken({"properties": extension("x")["properties"]})),
    st.tuples(st.just("POST"), st.sampled_from(ACTIONS).map(lambda word: f"{SET}/{word}"), broken(ALL)),
    st.tuples(st.just("POST"), st.just(f"{SET}/setOrchestrationServiceState"), broken(SERVICE)),
    st.tuples(st.just("POST"), st.just(f"{SET}/rollingUpgrades/cancel"), st.none()),
    st.tuples(
        st.just("DELETE"), st.sampled_from([SET, f"{SET}/virtualMachines/1", f"{SET}/extensions/cse"]), st.none()
    ),
    st.tuples(
        st.just("PUT"),
        st.just(f"{SET}/virtualMachines/0"),
        broken({"properties": {"protectionPolicy": {"protectFromScaleIn": True}}}),
    ),
    st.tuples(st.just("PUT"), st.just("providers/Microsoft.Network/virtualNetworks/net"), broken(NETWORK)),
    st.tuples(st.just("PUT"), st.just("providers/Microsoft.Insights/autoscaleSettings/a"), broken(NETWORK)),
    st.tuples(st.just("PUT"), st.just(""), broken({"location": "westeurope", "tags": {"a": "b"}})),
)
READS = [
    *(SET, f"{SET}/instanceView", f"{SET}/virtualMachines", f"{SET}/virtualMachines?$expand=instanceView"),
    *(f"{SET}/virtualMachines/0", f"{SET}/virtualMachines/1/instanceView", f"{SET}/rollingUpgrades/latest"),
    *(f"{SET}/networkInterfaces", f"{SET}/virtualMachines/0/networkInterfaces"),
    *(
        f"{SET}/extensions",
        "providers/Microsoft.Compute/virtualMachines",
        "",
        "providers/Microsoft.Network/virtualNetworks",
    ),
]


@pytest.fixture(scope="module")
def arm() -> Iterator[ArmSession]:
    """One emulator for all examples, whose clock they move."""
    clock = FakeClock()
    with Emulator(clock=clock, token_lifetime=1e9) as azure:
        session = ArmSession(azure)
        yield session
        session.close()


def send(arm: ArmSession, method: str, below: str, content: bytes = b"") -> int:
    path, _, query = below.partition("?")
    url = f"{arm.azure.url}{arm.group_id}{'/' * bool(path)}{path}?api-version=2024-11-01&{query}"
    answer = arm.session.request(method, url, data=content, timeout=20)
    assert answer.status_code < 500, f"{method} {below} {content!r}: {answer.status_code} {answer.text[:200]}"
    if answer.status_code >= 400:
        assert answer.json()["error"]["code"]
    return answer.status_code


def begin(arm: ArmSession, timeline: object = None) -> None:
    """An empty resource group, and another timeline."""
    arm.azure.load(timeline)  # type: ignore[arg-type]
    send(arm, "DELETE", "")
    send(arm, "PUT", "", b'{"location": "westeurope"}')


def later(arm: ArmSession, seconds: float) -> None:
    clock = arm.azure._world.clock
    assert isinstance(clock, FakeClock)
    clock.advance(seconds)


def written(body: object) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


@THOROUGH
@given(st.lists(st.tuples(WRITES, st.sampled_from([0.0, 0.5, 3.0, 100.0])), min_size=1, max_size=4), st.booleans())
def test_any_body_of_a_change_has_an_answer_and_so_has_whatever_is_read_then(
    arm: ArmSession, writes: list[tuple[tuple[str, str, Any], float]], created: bool
) -> None:
    begin(arm)
    if created:
        assert send(arm, "PUT", SET, written(BODY)) == 201
    for (method, below, body), seconds in writes:
        send(arm, method, below, written(body))
        later(arm, seconds)
        for read in READS:
            send(arm, "GET", read)


KINDS = ["x", 5, [1], [None], {"a": 1}, [{"name": 5}]]


@pytest.mark.parametrize("way", list(places(BODY)), ids=lambda way: ".".join(map(str, way)))
def test_a_value_of_any_kind_at_any_place_is_refused_or_harms_nothing_later(
    arm: ArmSession, way: tuple[str | int, ...]
) -> None:
    begin(arm)
    for kind in KINDS:
        body = copy.deepcopy(BODY)
        inner: Any = body
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = kind
        if send(arm, "PUT", SET, written(body)) == 400:
            continue
        later(arm, 100.0)
        for read in READS:
            send(arm, "GET", read)
        send(arm, "DELETE", SET)


@THOROUGH
@given(st.sampled_from(["PUT", "PATCH", "POST"]), st.sampled_from([SET, f"{SET}/delete", "", f"{SET}/x"]), st.binary())
def test_any_content_has_an_answer(arm: ArmSession, method: str, below: str, content: bytes) -> None:
    begin(arm)
    assert send(arm, method, below, content) >= 400


@THOROUGH
@given(broken({"scale_sets": {"web": LIFE, "*": {"boot": "0s"}}, "quota": {"view": {"size": 9999}, "headers": True}}))
def test_any_timeline_is_taken_or_refused_and_what_follows_has_an_answer(arm: ArmSession, timeline: Any) -> None:
    begin(arm, "quota: {reads: {size: 100000000}, writes: {size: 100000000}}")
    taken = control(arm, written(timeline))
    assert send(arm, "PUT", SET, written(BODY)) in ((201,) if taken == 400 else (201, 429))
    for seconds in (0.0, 2.5, 4.0, 1000.0):
        later(arm, seconds)
        for read in READS:
            send(arm, "GET", read)
        send(arm, "PATCH", SET, written({"tags": {"a": str(seconds)}, "sku": {"name": str(seconds)}}))


@THOROUGH
@given(broken({"faults": FAULTS}) | TEXT | st.binary(), st.data())
def test_any_text_is_a_timeline_or_refused(arm: ArmSession, timeline: Any, data: st.DataObject) -> None:
    text = timeline if isinstance(timeline, bytes) else written(timeline)
    if text and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(text) - 1))
        text = (
            text[:place] + data.draw(st.sampled_from([b"&a ", b"*a", b"!!", b"[", b"{", b"\n- ", b": "])) + text[place:]
        )
    assert control(arm, text) in (204, 400)
    arm.azure.load(None)


def control(arm: ArmSession, content: bytes) -> int:
    url = f"{arm.azure.url}/emulator/timeline"
    allowed = {"Authorization": f"Bearer {arm.azure.control_token}"}
    answer = arm.session.put(url, data=content, headers=allowed, timeout=20)
    assert answer.status_code == 204 or len(answer.json()["error_description"]) < 600
    return answer.status_code
