"""What an offline Azure holds, kept in a file from which the next one goes on."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.commands import execute
from tests.emulator.support import ArmSession, FakeClock, extension

from vmss_emulator import Emulator
from vmss_emulator.running.kept import KeptError

LIFE = {"scale_sets": {"*": {"boot": "10s", "extension": "10s", "healthy": "10s"}}}
LATER = 86_400.0 * 365.1234
SECRET = {"protectedSettings": {"commandToExecute": "Canary-2!"}}


def again(
    file: Path, live: Callable[[ArmSession, FakeClock], None], timeline: Any = None, later: float = LATER
) -> tuple[Emulator, FakeClock]:
    """What came of an Azure that lived, was kept, and is read on another clock; to be started."""
    clock = FakeClock()
    with Emulator(LIFE if timeline is None else timeline, clock=clock) as azure:
        arm = ArmSession(azure)
        live(arm, clock)
        arm.close()
        azure.save(file)
    clock.advance(later)
    found = Emulator(LIFE if timeline is None else timeline, clock=clock)
    found.restore(file)
    return found, clock


def put(arm: ArmSession, clock: FakeClock) -> None:
    arm.azure.put_scale_set("web", capacity=2, extensions=["app"], health=True)
    clock.advance(25)


def states(arm: ArmSession) -> list[str]:
    vms = arm.get(f"{arm.set_id}/virtualMachines", expand="instanceView")["value"]
    return [vm["properties"]["instanceView"]["vmHealth"]["status"]["code"].rpartition("/")[2] for vm in vms]


@pytest.mark.parametrize("later", [LATER, 0.0, -LATER])
def test_time_stands_still_while_nothing_runs(tmp_path: Path, later: float) -> None:
    found, clock = again(tmp_path / "azure.json", put, later=later)
    with found:
        arm = ArmSession(found)
        clock.advance(4)
        assert states(arm) == ["initializing"] * 2
        clock.advance(2)
        assert states(arm) == ["healthy"] * 2
        arm.close()


def everything(arm: ArmSession, clock: FakeClock) -> None:
    """Many kinds of deeds and what there can be beside a set."""
    vnet = {"location": "westeurope", "tags": {"a": "b"}, "properties": {"subnets": [{"name": "one"}]}}
    azure, networks = arm.azure, f"{arm.group_id}/providers/Microsoft.Network/virtualNetworks"
    script = {**extension("app"), "properties": {**extension("app")["properties"], **SECRET}}
    policy = {"upgradePolicy": {"mode": "Rolling", "rollingUpgradePolicy": {"maxSurge": True}}}
    azure.put_scale_set("web", capacity=5, extensions=[script], health=True, properties=policy)
    azure.put_scale_set("flex", orchestration_mode="Flexible", zones=["1", "2"])
    azure.put_scale_set("gone")
    arm.put(f"{networks}/net", vnet)
    clock.advance(60)
    azure.put_scale_set("web", capacity=6, extensions=[script, "second"], health=True, properties=policy)
    clock.advance(40)
    protected = {"properties": {"protectionPolicy": {"protectFromScaleIn": True}}}
    asked = [
        arm.ask("POST", f"{arm.set_id}/rollingUpgrades/cancel"),
        arm.ask("PUT", f"{arm.set_id}/virtualMachines/1", protected),
        arm.ask("POST", f"{arm.set_id}/deallocate", {"instanceIds": ["2"]}),
        arm.ask("POST", f"{arm.set_id}/delete", {"instanceIds": ["3"]}),
        arm.ask("DELETE", arm.set_id.replace("web", "gone")),
    ]
    assert {answer.status_code for answer in asked} <= {200, 202}
    clock.advance(15)


PATHS = [
    "{group}",
    "{group}/resources",
    "{group}/providers/Microsoft.Network/virtualNetworks/net",
    "{group}/providers/Microsoft.Compute/virtualMachineScaleSets",
    "{group}/providers/Microsoft.Compute/virtualMachines",
    "{set}",
    "{set}/instanceView",
    "{set}/virtualMachines?$expand=instanceView",
    "{set}/rollingUpgrades/latest",
    "/subscriptions",
    "/tenants",
]


def answers(arm: ArmSession) -> list[Any]:
    return [arm.get(path.format(group=arm.group_id, set=arm.set_id)) for path in PATHS]


def test_what_is_asked_next_is_answered_as_if_nothing_had_happened(tmp_path: Path) -> None:
    before: list[Any] = []

    def live(arm: ArmSession, clock: FakeClock) -> None:
        everything(arm, clock)
        before.extend(answers(arm))

    found, clock = again(tmp_path / "azure.json", live, later=0.0)
    with found:
        arm = ArmSession(found)
        assert answers(arm) == before
        assert found.scale_sets == ("web", "flex", "gone")
        clock.advance(500)
        assert arm.get(arm.set_id)["properties"]["provisioningState"] == "Succeeded"
        arm.close()


def test_the_same_body_put_again_is_no_change_secrets_included(tmp_path: Path) -> None:
    script = {**extension("app"), "properties": {**extension("app")["properties"], **SECRET}}

    def live(arm: ArmSession, clock: FakeClock) -> None:
        arm.azure.put_scale_set("web", extensions=[script])
        clock.advance(60)

    file = tmp_path / "azure.json"
    found, _ = again(file, live)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    with found:
        arm = ArmSession(found)
        etag = arm.get(arm.set_id)["etag"]
        found.put_scale_set("web", extensions=[script])
        assert arm.get(arm.set_id)["etag"] == etag
        arm.close()


def test_an_operation_that_failed_stays_failed_under_a_timeline_that_knows_no_failure(tmp_path: Path) -> None:
    ill = {"scale_sets": {"web": {"events": [{"at": "1s", "instances": [0], "state": "failed/NoLuck"}]}}}
    again(tmp_path / "azure.json", put, timeline=ill)
    found = Emulator(LIFE, clock=FakeClock())
    found.restore(tmp_path / "azure.json")
    with found:
        arm = ArmSession(found)
        assert arm.get(arm.set_id)["properties"]["provisioningState"] == "Failed"
        arm.close()


def test_what_runs_already_is_not_replaced(tmp_path: Path) -> None:
    again(tmp_path / "azure.json", put)
    with Emulator() as azure, pytest.raises(RuntimeError, match="before it starts"):
        azure.restore(tmp_path / "azure.json")


def broken(text: str, **changed: object) -> str:
    return json.dumps({**json.loads(text), **changed})


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda text: text[: len(text) // 2], "not JSON"),
        (lambda _: "", "not JSON"),
        (lambda _: "[" * 100_000, "not JSON"),
        (lambda _: "\udcff", "not JSON"),
        (lambda _: "[]", "no version"),
        (lambda _: "{}", "no version"),
        (lambda text: broken(text, **{"vmss-emulator": 2}), "version 2 is in it, and this emulator reads version 1"),
        (lambda text: broken(text, scale_sets=[{}]), "damaged (KeyError)"),
        (lambda text: broken(text, groups=3), "damaged (TypeError)"),
        (lambda text: broken(text, resources={"a": {}}), "damaged (KeyError)"),
        (lambda text: text.replace('"put"', '"fly"'), "damaged (KeyError)"),
    ],
)
def test_a_broken_file_is_refused_and_nothing_of_it_holds(
    tmp_path: Path, break_it: Callable[[str], str], told: str
) -> None:
    file = tmp_path / "azure.json"
    again(file, put)
    file.write_bytes(break_it(file.read_text()).encode(errors="surrogateescape"))
    azure = Emulator()
    with pytest.raises(KeptError) as caught:
        azure.restore(file)
    assert str(file) in str(caught.value)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert azure.scale_sets == ()


ASK = (
    "import os, sys, requests\n"
    "url, s = os.environ['VMSS_EMULATOR_URL'], os.environ['ARM_SUBSCRIPTION_ID']\n"
    "form = {'grant_type': 'client_credentials', 'client_id': os.environ['ARM_CLIENT_ID'],\n"
    "        'client_secret': os.environ['ARM_CLIENT_SECRET'], 'scope': url + '/.default'}\n"
    "token = requests.post(f\"{url}/{os.environ['ARM_TENANT_ID']}/oauth2/v2.0/token\", data=form).json()\n"
    "ask = {'headers': {'Authorization': 'Bearer ' + token['access_token']}, 'params': {'api-version': '2024-11-01'}}\n"
    "group = f'{url}/subscriptions/{s}/resourceGroups/rg'\n"
    "web = f'{group}/providers/Microsoft.Compute/virtualMachineScaleSets/web'\n"
)
MAKE = ASK + (
    "requests.put(group, json={'location': 'l'}, **ask)\n"
    "print(requests.put(web, json={'location': 'l', 'sku': {'capacity': 1}}, **ask).status_code)\n"
)
LOOK = ASK + "print(requests.get(web, **ask).status_code)\n"


def test_exec_goes_on_with_the_azure_of_the_last_run(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert execute("--state", state, "--", sys.executable, "-c", MAKE).stdout == "201\n"
    assert stat.S_IMODE((state / "azure.json").stat().st_mode) == 0o600
    assert execute("--state", state, "--", sys.executable, "-c", LOOK).stdout == "200\n"
    assert execute("--", sys.executable, "-c", LOOK).stdout == "404\n"


def test_exec_keeps_what_there_was_also_when_the_command_fails(tmp_path: Path) -> None:
    failed = execute("--state", tmp_path, "--", sys.executable, "-c", MAKE + "sys.exit(3)")
    assert failed.returncode == 3
    assert execute("--state", tmp_path, "--", sys.executable, "-c", LOOK).stdout == "200\n"


def test_exec_refuses_a_broken_file_before_it_runs_anything_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "azure.json"
    file.write_text("{")
    told = execute("--state", tmp_path, "--", sys.executable, "-c", "print('ran')")
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)
    assert f"exec: --state: {file}: " in told.stderr
    assert "remove it" in told.stderr
    assert file.read_text() == "{"
