"""A capture holds nothing that tells whose it is, and judges as the set that it was made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.clocks import VirtualClock
from tests.gate.oracle import Azure as Oracle
from tests.gate.oracle import History
from tests.gate.test_single_looks import TIMEOUT, Scene, scenes
from tests.gate.worlds import gate_policy
from tests.metered import Tokens

from pulumi_vmss_health import GatePolicy, Snapshot, evaluate
from pulumi_vmss_health.capturing.folder import Folder
from pulumi_vmss_health.capturing.mask import MASKED, Mask
from pulumi_vmss_health.capturing.playback import snapshot_in
from pulumi_vmss_health.capturing.reads import Reads
from pulumi_vmss_health.capturing.scrub import without_secrets
from pulumi_vmss_health.capturing.take import Capture, Ended
from pulumi_vmss_health.judging.snapshot import Ask
from pulumi_vmss_health.telling.status import counts_of
from pulumi_vmss_health.waiting.look import Looker
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.azure.recording import Recording
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.clock import Deadline
from vmss_instance_view.connection import Azure, Connection
from vmss_instance_view.scale_set_id import ScaleSetId

SUBSCRIPTION = "c0ffee00-2222-4333-8444-555555555555"
SET = ScaleSetId.parse(
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/CanaryGroup/providers/Microsoft.Compute"
    "/virtualMachineScaleSets/CanarySet"
)
# None of these may be in any file of a capture, in any case of its letters.
CANARIES = ("canary", "c0ffee00", "10.11.12.13", "fe80::c0")
TOLD = (
    "VM CanarySet_0 on canaryset000001 (10.11.12.13, fe80::c0:1) of canarygroup: password=canary1 token: 'canary 2' "
    "https://canary3.blob.core.windows.net/c?sig=canary4%3D AccountKey=canary5==;x Authorization: Bearer canary6 "
    "canary7@contoso.example db.canary8.internal:5432 /home/canary9/x --api-key canary10 user CanaryAdmin "
    f"{SUBSCRIPTION} Canary0123456789abcdefABCDEF= as canaryadmin"
)


@dataclass
class Planted:
    """An Azure in memory whose sets and bodies are full of canaries."""

    oracle: Oracle

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        asked = url.replace("CanarySet", "web").replace("/CanaryGroup/", "/rg/")
        asked = asked.replace(SUBSCRIPTION, "11111111-2222-4333-8444-555555555555")
        answer = self.oracle.metered.get(what, asked, token, deadline)
        text = answer.content.decode().replace("/rg/", "/canarygroup/").replace("web", "CanarySet")
        text = text.replace("11111111-2222-4333-8444-555555555555", SUBSCRIPTION)
        body = planted(json.loads(text)) if answer.status == 200 else json.loads(text)
        return Answer(answer.status, answer.headers, json.dumps(body).encode())


def planted(body: Any) -> Any:
    """A body with canaries wherever Azure or a user could have put some."""
    if isinstance(body, list):
        return [planted(each) for each in body]
    if not isinstance(body, dict):
        return body
    found = {key: planted(value) for key, value in body.items()}
    if "code" in found and "count" not in found and not str(found["code"]).startswith("ComponentStatus"):
        found["message"] = f"{found.get('message') or ''} {TOLD}"
    if "properties" in found:
        found["tags"] = {**found.get("tags", {}), "canary": "canary"}
        found["systemData"] = {"createdBy": "canary"}
        found["futureField"] = {"canaryKey": ["canary", {"another": "Canary"}], "count": 3}
        found["identity"] = {"userAssignedIdentities": {f"{SET}/canary": {"clientId": "canary"}}}
    if "publisher" in found:
        found["settings"] = {**found.get("settings", {}), "fileUris": ["https://canary"], "canary": "canary"}
        found["protectedSettings"] = {"commandToExecute": "canary"}
    if "properties" in found:
        names = {"adminUsername": "CanaryAdmin", "computerNamePrefix": "canaryset", "adminPassword": "canary"}
        of_system = {**names, "customData": "canary", "linuxConfiguration": {"ssh": "canary"}}
        found["properties"]["osProfile"] = of_system
        found["properties"]["storageProfile"] = {"osDisk": {"name": "canary", "vhd": {"uri": "https://canary"}}}
    return found


@dataclass(frozen=True)
class Judged:
    """What is to be the same of a set and of its capture."""

    state: str
    codes: tuple[tuple[str, str], ...]
    unjudged: tuple[str, ...]
    counts: tuple[tuple[int, int], ...]
    passes: bool

    @classmethod
    def of(cls, seen: Snapshot, policy: GatePolicy) -> Judged:
        verdict = evaluate(seen, policy)
        codes = sorted((reason.code, reason.state.name) for reason in verdict.reasons)
        counts = tuple(sorted((each.done, each.total) for each in counts_of(seen, policy.capacity)))
        unjudged = tuple(each.replace("logs", "masked-extension-1") for each in verdict.unjudged)
        return cls(verdict.state.name, tuple(codes), unjudged, counts, verdict.passes)


def azure_of(scene: Scene, reads: Reads | None = None, page: int = 2) -> Azure:
    oracle = Oracle.of(History(((0.0, scene.world),)), bare=scene.bare, tells_pool=scene.tells_pool)
    oracle.metered.sets["web"] = replace(oracle.metered.sets["web"], page=page)
    wire = Planted(oracle)
    recording = Recording(wire, oracle.clock, reads.keep) if reads else wire
    return Azure(Settings({}), oracle.clock, Connection(PUBLIC, recording, Tokens()))


def captured(azure: Azure, reads: Reads, folder: Path, seconds: float = 0.0) -> Ended:
    mask = Mask(SET)
    written = Folder(folder, mask, azure.clock.monotonic())
    ended = Capture(azure, SET, reads, written, lambda _line: None).run(seconds)
    written.close({"ended": ended.value, "scale_set": mask.path(str(SET))}, lambda _captured: [])
    return ended


def leaks(folder: Path) -> Iterator[str]:
    for file in folder.iterdir():
        text = file.read_text().lower()
        yield from (f"{file.name}: {text[text.index(each) - 80 :][:160]}" for each in CANARIES if each in text)


@given(scenes())
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_capture_holds_no_canary_and_judges_as_the_set_did(scene: Scene) -> None:
    policy = gate_policy(scene.policy, TIMEOUT)
    with TemporaryDirectory() as place:
        folder, reads = Path(place) / "capture", Reads()
        ended = captured(azure_of(scene, reads), reads, folder)
        assert list(leaks(folder)) == []
        if scene.world.lost in ("unavailable", "throttled"):
            assert ended is Ended.UNREADABLE
            with pytest.raises(ValueError, match="no look of this capture is complete"):
                snapshot_in(folder, VirtualClock())
            return
        assert ended is Ended.COMPLETE
        live = Looker(azure_of(scene), SET, GatePolicy(capacity=1))(60, Ask())  # a capture reads all, too
        assert Judged.of(snapshot_in(folder, VirtualClock()), pseudonymous(policy)) == Judged.of(live, policy)


def pseudonymous(policy: GatePolicy) -> GatePolicy:
    """The same policy of a person who has the capture alone: `logs` is the one extension that not everybody has."""
    given = {"extensions": policy.extensions, "ignore_extensions": policy.ignore_extensions}
    named = {
        key: ["masked-extension-1" if each == "logs" else each for each in names]
        for key, names in given.items()
        if not isinstance(names, str)
    }
    return replace(policy, **named)  # type: ignore[arg-type]


def test_the_same_name_becomes_the_same_pseudonym_whatever_its_case() -> None:
    mask = Mask(SET)
    one, other = (mask.body({"id": f"{SET}/virtualMachines/7", "name": name}) for name in ("Node_A", "node_a"))
    assert one == other
    assert one["id"].endswith("/virtualMachineScaleSets/masked-set-1/virtualMachines/7")  # type: ignore[index]
    assert mask.body({"name": "node_b"}) != {"name": one["name"]}  # type: ignore[index]
    assert (
        mask.path(str(SET).upper().replace("/SUBSCRIPTIONS", "/subscriptions")).lower() == mask.path(str(SET)).lower()
    )


def test_a_field_that_nobody_knows_shows_numbers_flags_times_and_codes_alone() -> None:
    future = {"word": "Succeeded", "n": 3, "is": True, "at": "2026-01-01T00:00:00Z", "code": "PowerState/running"}
    shown = Mask(SET).body({"properties": {"future": future, "provisioningState": "Succeeded", "shy": "x"}})
    kept = {"field1": MASKED, "field2": 3, "field3": True, "field4": future["at"], "field5": "PowerState/running"}
    assert shown == {"properties": {"future": kept, "provisioningState": "Succeeded", "shy": MASKED}}


def test_a_text_is_masked_again_once_a_name_in_it_is_known() -> None:
    mask = Mask(SET)
    early = mask.body({"statuses": [{"code": "ProvisioningState/failed", "message": "masked-set-1: Barnaby failed"}]})
    mask.body({"value": [{"name": "Barnaby"}]})
    assert mask.again(early) == {
        "statuses": [{"code": "ProvisioningState/failed", "message": "masked-set-1: masked-vm-1 failed"}]
    }


def test_a_code_is_masked_again_once_a_name_in_its_detail_is_known() -> None:
    mask = Mask(SET)
    early = mask.body({"statuses": [{"code": "ProvisioningState/failed/x/CanarySet Barnaby"}, {"code": "a guest's"}]})
    mask.body({"value": [{"name": "Barnaby"}, {"name": "masked"}]})
    codes = [{"code": "ProvisioningState/failed/x/masked-set-1 masked-vm-1"}, {"code": MASKED}]
    assert mask.again(early) == {"statuses": codes}


@pytest.mark.parametrize(
    ("target", "is_kept"),
    [
        ("HighCostGetVMScaleSet30Min", True),
        ("HighCostGet", True),
        ("GetVMScaleSetResource", True),
        ("CanarySet", False),
        ("canary_0a1b2c3d", False),
        ("10.11.12.13", False),
    ],
)
@pytest.mark.parametrize("drops_messages", [False, True])
def test_of_what_an_error_is_about_the_name_of_a_quota_alone_stays(
    target: str, is_kept: bool, drops_messages: bool
) -> None:
    error = {"error": {"details": [{"code": "TooManyRequests", "target": target}]}}
    kept = {"error": {"details": [{"code": "TooManyRequests", "target": target if is_kept else MASKED}]}}
    assert Mask(SET, drops_messages=drops_messages).body(error) == kept


def test_messages_can_be_left_out_as_a_whole_and_metrics_still_say_what_is_judged() -> None:
    judged = '{"rollingUpgrade": {"SkipUpgrade": "true"}}'
    metrics = {"code": "ComponentStatus/CustomMetrics/succeeded", "message": judged}
    sent = {**metrics, "message": '{"ours": {"orders": 5}, "rollingUpgrade": {"SkipUpgrade": "true", "why": "x"}}'}
    said = {"code": "ProvisioningState/failed/1", "message": "a secret that looks like a word"}
    mask = Mask(SET, drops_messages=True)
    assert mask.body({"statuses": [said, sent]}) == {"statuses": [{**said, "message": MASKED}, metrics]}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("exit status 1: No such file: /opt/app/run.sh", None),
        ("Provisioning of VM extension app has timed out at 10:00:00", None),
        (
            "see https://aka.ms/VMExtensionCSELinuxTroubleshoot?x=y",
            "see https://aka.ms/VMExtensionCSELinuxTroubleshoot",
        ),
        ("Microsoft.Azure.Extensions.CustomScript-2.1.10 failed", None),
        ('{"pwd": "a \\" b", "n": 1}', '{"pwd": (secret), "n": 1}'),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- then", "(secret) then"),
        (
            "Server=tcp:x.database.windows.net;User ID=u;Password=p w;",
            "Server=tcp:(host);User ID=u;Password=(secret);",
        ),
        ("mac 00:0d:3a:12:34:56 ip 2001:db8::1 and 10.0.0.4", "mac (mac) ip (ipv6) and (ipv4)"),
        ("System.Net.WebException: System.IO.IOException", None),
        ("The Resource 'Microsoft.Compute/virtualMachineScaleSets/masked-set-1' was not found", None),
        ("pwd=p,w, user=u", "pwd=(secret), user=u"),
    ],
)
def test_secrets_and_addresses_go_and_the_cause_of_a_failure_stays(text: str, left: str | None) -> None:
    assert without_secrets(text) == (text if left is None else left)


PIECES = ["a", "_", "a-", "a.", "1a", ":", "key:", "key: 'a", "-----BEGIN ", "@a.", "--key", "/home/", "a;", "ecdsa-"]
PIECES += ['key=\\"', "key=<", "<key>", "key,value:", "cookie: ", "f:", "f::", "key=a,", 'key="', "key:{"]


SECRETS = [
    r"{\"user\":\"sa\",\"password\":\"canary\"}",
    r"--password=\"canary two\"",
    "PASSWORD=<canary>",
    "<password>canary</password>",
    '{"name": "DB_PASSWORD", "value": "canary"}',
    "Authorization: Token canary",
    'curl -H "Proxy-Authorization: NTLM canary"',
    '"Authorization": "Token canary"',
    "Cookie: a=b; session=canary",
    'password: "the canary that is cut off',
    "password: 'the canary that is cut off",
    r"{\"password\": \"a canary that is cut off",
    '{"adminPassword": {"value": "canary"}}',
    "<password><![CDATA[canary]]></password>",
    "password=a,canary",
    "Microsoft.Compute/virtualMachineScaleSets/masked-set-1/canary0123456789",
    "bearer canary",
]
BEGINNINGS = [
    "",
    *(rf"it said:{escape}" for escape in (r"\n", r"\r\n", r"\t", r"\u000a")),  # JSON in a text of JSON
    *(f"it said: {colour}" for colour in ("\x1b[m", "\x1b[31m", "\x1b[1;38;5;9m", r"\u001b[31m")),  # as for a terminal
]


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_out_of_what_programs_write_around_it(secret: str, beginning: str) -> None:
    text = beginning + secret
    assert "(secret)" in without_secrets(text)
    assert "canary" not in without_secrets(text)


ADDRESSES = [
    "fe80::1",
    "[fd00::5]:443",
    "api.canary.ai",
    "api.canary.co",
    "api.canary.systems",
    "10.0.0.4",
    "10.0.0.4v1",
    "_10.0.0.4",
    "10.0.0.4...3 times",
    "00:0d:3a:12:34:56",
    "2001:db8::1_",
    "canary@contoso",
    "https://canary/x",
]


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_and_hosts_are_taken_out(address: str, beginning: str) -> None:
    assert not re.search(r"canary|fe80|fd00|10\.0|3a:12|db8", without_secrets(beginning + address))


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_short_names_are_masked_and_pseudonyms_stay(beginning: str) -> None:
    mask = Mask(ScaleSetId.parse(str(SET).replace("CanarySet", "web").replace("CanaryGroup", "set")))
    (masked,) = mask.body({"message": f"{beginning}web {beginning}set {beginning}masked-vm-12"}).values()  # type: ignore[attr-defined]
    assert masked == f"{beginning}masked-set-1 {beginning}masked-group-1 {beginning}masked-vm-12"
    assert mask.again({"message": masked}) == {"message": masked}


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.timeout(60)
def test_no_message_of_a_guest_keeps_the_mask_busy(piece: str) -> None:
    assert without_secrets(piece * 5_000)
