"""The ready timelines, the published schema, and what the command says about a timeline."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.commands import COMMAND, ran
from tests.emulator.support import ArmSession, FakeClock

from vmss_emulator import Emulator, Timeline
from vmss_emulator.protocol.quota import DOCUMENTED
from vmss_emulator.script import events, faults, library, timeline

READY = [
    "extension-fails",
    "flapping",
    "healthy",
    "os-provisioning-fails",
    "region-outage",
    "rolling-upgrade-faulted",
    "slow",
    "spot-evictions",
    "stale-model",
    "surge",
    "thousand",
    "throttled",
]


def test_the_ready_timelines_are_listed_with_what_they_are_about() -> None:
    assert library.names() == READY
    told = ran("timelines")
    assert told.returncode == 0
    assert [line.split()[0] for line in told.stdout.splitlines()] == READY
    assert all(len(line.split()) > 5 for line in told.stdout.splitlines())


def test_a_ready_timeline_is_printed_to_be_changed_and_an_unknown_one_is_told_with_those_there_are() -> None:
    assert ran("timelines", "flapping").stdout == library.text("flapping")
    told = ran("timelines", "flaping")
    assert told.returncode == 2
    assert "'flaping'" in told.stderr
    assert "flapping" in told.stderr


def test_nobody_has_to_read_what_the_command_prints() -> None:
    piped = shlex.join([*COMMAND, "timelines"]) + " | true; exit ${PIPESTATUS[0]}"
    told = subprocess.run(["/bin/bash", "-c", piped], capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serve", "--capture", "absent"], "--capture absent: it is no capture: absent/manifest.json: No such file"),
        (["exec", "--state", "/dev/null/x", "--", "true"], "/dev/null/x: Not a directory (see"),
    ],
)
def test_what_cannot_be_opened_is_named_in_words(words: list[str], told: str) -> None:
    refused = ran(*words)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert "Errno" not in refused.stderr


def test_a_ready_timeline_is_taken_by_its_name() -> None:
    assert ran("exec", "--timeline", "healthy", "--", sys.executable, "-c", "print(1)").stdout == "1\n"


def views(name: str, **more: Any) -> list[dict[str, Any]]:
    """How the instances of a set stand a minute and a half after each of two deployments."""
    clock = FakeClock()
    with Emulator(library.text(name), clock=clock) as azure:
        arm, found = ArmSession(azure), []
        for release in ("one", "two"):
            settings = {"publisher": "p", "type": "t", "settings": {"release": release}}
            app = {"name": "app", "properties": settings}
            azure.put_scale_set("web1a2b3c4d", extensions=[app], health=True, **more)
            clock.advance(45)
            path = arm.set_id.replace("web", "web1a2b3c4d")
            found.append(
                {
                    "state": arm.get(path)["properties"]["provisioningState"],
                    "vms": arm.get(f"{path}/virtualMachines", expand="instanceView")["value"],
                    "upgrade": arm.ask("GET", f"{path}/rollingUpgrades/latest"),
                }
            )
        arm.close()
        return found


def health(vm: dict[str, Any]) -> str:
    return str(vm["properties"]["instanceView"].get("vmHealth", {}).get("status", {}).get("code")).rpartition("/")[2]


def test_healthy_and_stale_model_differ_by_who_applies_the_change() -> None:
    for release in views("healthy", upgrade_mode="Automatic"):
        assert [health(vm) for vm in release["vms"]] == ["healthy"] * 3
        assert all(vm["properties"]["latestModelApplied"] for vm in release["vms"])
    _, second = views("stale-model", upgrade_mode="Manual")
    assert not any(vm["properties"]["latestModelApplied"] for vm in second["vms"])


def test_slow_is_still_at_it_after_45_seconds() -> None:
    assert views("slow")[0]["state"] == "Creating"


def test_an_extension_or_an_operating_system_that_fails_lets_the_operation_fail() -> None:
    assert [views(name)[0]["state"] for name in ("extension-fails", "os-provisioning-fails")] == ["Failed", "Failed"]


def test_a_rolling_upgrade_faults_on_its_first_batch() -> None:
    _, second = views("rolling-upgrade-faulted", upgrade_mode="Rolling")
    assert second["upgrade"].json()["properties"]["runningStatus"]["code"] == "Faulted"
    assert second["state"] == "Failed"


def test_a_surge_shows_more_vms_than_the_capacity_for_a_while_and_as_many_at_the_end() -> None:
    policy = {"upgradePolicy": {"mode": "Rolling", "rollingUpgradePolicy": {"maxSurge": True}}}
    clock = FakeClock()
    with Emulator(library.text("surge"), clock=clock) as azure:
        arm, seen = ArmSession(azure), []
        for release in ("one", "two"):
            app = {"name": "app", "properties": {"publisher": "p", "type": "t", "settings": {"release": release}}}
            azure.put_scale_set("web", capacity=5, extensions=[app], health=True, properties=policy)
            for _ in range(60):
                clock.advance(1)
                summary = arm.get(f"{arm.set_id}/instanceView")["virtualMachine"]["statusesSummary"]
                seen.append(sum(one["count"] for one in summary))
        ids = [vm["instanceId"] for vm in arm.get(f"{arm.set_id}/virtualMachines")["value"]]
        upgrade = arm.get(f"{arm.set_id}/rollingUpgrades/latest")["properties"]["runningStatus"]["code"]
        arm.close()
    assert set(seen[:60]) == {5}
    assert (set(seen[60:]), seen[-1]) == ({5, 6}, 5)
    assert (ids, upgrade) == (["5", "6", "7", "8", "9"], "Completed")


def test_spot_machines_are_taken_back() -> None:
    for release in views("spot-evictions", properties={"virtualMachineProfile": {"priority": "Spot"}}):
        codes = [one["code"] for vm in release["vms"] for one in vm["properties"]["instanceView"]["statuses"]]
        assert codes.count("PowerState/deallocated") == 2


def test_flapping_is_ill_in_its_tenth_second_and_well_in_its_twentieth() -> None:
    clock = FakeClock()
    with Emulator(library.text("flapping"), clock=clock) as azure:
        arm = ArmSession(azure)
        azure.put_scale_set("web", health=True)
        seen: list[str] = []
        for _ in range(7):
            clock.advance(9.5 if not seen else 10)
            seen.append(health(arm.get(f"{arm.set_id}/virtualMachines", expand="instanceView")["value"][0]))
        arm.close()
    assert seen == ["healthy", "unhealthy", "healthy", "unhealthy", "healthy", "unhealthy", "healthy"]


def test_an_outage_ends_and_a_busy_subscription_says_429() -> None:
    with Emulator(library.text("region-outage")) as azure:
        arm = ArmSession(azure)
        azure.put_scale_set("web")
        codes = [arm.ask("GET", arm.set_id).status_code for _ in range(14)]
        arm.close()
    assert codes == [200] * 3 + [503] * 10 + [200]
    with Emulator(library.text("throttled"), clock=FakeClock()) as azure:
        arm = ArmSession(azure)
        azure.put_scale_set("web")
        codes = [arm.ask("GET", f"{arm.set_id}/instanceView").status_code for _ in range(7)]
        arm.close()
    assert codes == [200] * 6 + [429]


def test_a_thousand_instances_fail_in_four_ways() -> None:
    clock = FakeClock()
    with Emulator(library.text("thousand"), clock=clock) as azure:
        arm = ArmSession(azure)
        azure.put_scale_set("web", capacity=1000, extensions=["app"], health=True)
        clock.advance(60)
        summary = arm.get(f"{arm.set_id}/instanceView")["virtualMachine"]["statusesSummary"]
        arm.close()
    assert sum(one["count"] for one in summary) == 1000
    assert len(summary) > 1


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("web", "web"),
        ("WEB1a2b3c4d", "web"),
        ("web1a2b3c4d5", "*"),
        ("web-blue", "web-*"),
        ("web-green-2", "web-green*"),
        ("api", "*"),
    ],
)
def test_an_entry_is_found_by_name_by_the_programs_name_or_by_a_pattern(name: str, entry: str) -> None:
    found = Timeline.load({"scale_sets": {key: {} for key in ("*", "web", "web-*", "web-green*")}})
    assert found.entry(name) == entry


def test_exec_tells_of_names_that_no_scale_set_had(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("scale_sets: {wep: {boot: 1h}, '*': {}, api: {}}")
    script = (
        "import os, requests\n"
        "url, s = os.environ['VMSS_EMULATOR_URL'], os.environ['ARM_SUBSCRIPTION_ID']\n"
        "form = {'grant_type': 'client_credentials', 'client_id': os.environ['ARM_CLIENT_ID'],\n"
        "        'client_secret': os.environ['ARM_CLIENT_SECRET'], 'scope': url + '/.default'}\n"
        "token = requests.post(f\"{url}/{os.environ['ARM_TENANT_ID']}/oauth2/v2.0/token\", data=form).json()\n"
        "head = {'Authorization': 'Bearer ' + token['access_token']}\n"
        "group = f'{url}/subscriptions/{s}/resourceGroups/rg'\n"
        "requests.put(group + '?api-version=2024-03-01', json={'location': 'l'}, headers=head)\n"
        "for name in ('web1a2b3c4d', 'api1a2b3c4d'):\n"
        "    one = f'{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}?api-version=2024-11-01'\n"
        "    print(requests.put(one, json={'location': 'l', 'sku': {'capacity': 1}}, headers=head).status_code)\n"
    )
    told = ran("exec", "--timeline", tmp_path / "t.yaml", "--", sys.executable, "-c", script)
    assert told.stdout == "201\n201\n"
    assert told.stderr == (
        "vmss-emulator: the timeline names `wep`, but no scale set had that name; "
        "the scale sets were web1a2b3c4d, api1a2b3c4d\n"
    )


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "import os, requests; requests.get(os.environ['VMSS_EMULATOR_URL'] + '/metadata/endpoints')",
            "vmss-emulator: no request matched the timeline's faults[1] (GET */METADATA/*), "
            "faults[2] (GET *, query *x=1*); paths are compared with their case\n",
        ),
        ("'a command that asks nothing'", ""),
    ],
)
def test_exec_tells_of_faults_that_no_request_matched(tmp_path: Path, script: str, told: str) -> None:
    matches = "{match: GET *, after: 5, cut: true}, {match: GET */METADATA/*, cut: true}"
    (tmp_path / "t.yaml").write_text(f"faults: [{matches}, {{match: GET *, query: '*x=1*', cut: true}}]")
    assert ran("exec", "--timeline", tmp_path / "t.yaml", "--", sys.executable, "-c", script).stderr == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scale_sets:\n  web:\n    boot: 1\n", "{file}:3: scale_sets.web.boot: "),
        ("scale_sets:\n  a.b:\n    boots: 1s\n", "{file}:3: scale_sets.a.b.boots: unknown key"),
        ("faults:\n  - match: GET /\n    reset: true\n  - match: x\n    cut: true\n", "{file}:4: faults[1].match: "),
        ("scale_sets: {web: {events: [{at: 1s,\n heal: true}, {at: 1s}]}}", "{file}:2: scale_sets.web.events[1]: "),
        ("scale_sets:\n  web:\n    5: 1s\n", "{file}:2: scale_sets.web: the key 5 is not a text"),
        ("- a\n", "{file}: the timeline: a mapping is needed here"),
        ("scale_sets: [\n", "{file}: not YAML: "),
    ],
)
def test_check_tells_the_line_and_the_place_of_a_mistake(tmp_path: Path, text: str, told: str) -> None:
    file, right = tmp_path / "t.yaml", tmp_path / "right.yaml"
    file.write_text(text)
    right.write_text("scale_sets: {}\n")
    found = ran("check", right, file)
    first, second = found.stdout.splitlines()
    assert (found.returncode, first) == (1, f"{right}: no mistakes")
    assert second.startswith(told.format(file=file))


def test_check_tells_all_mistakes_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(
        "faults:\n"
        "  - { match: GET *, status: 99, hang: forever, times: -1 }\n"
        "  - reset: true\n"
        "  - { match: nowhere, cut: true }\n"
        "scale_sets:\n"
        "  web:\n"
        "    boots: 1s\n"
        "    healthy: soon\n"
        "    boot: 5\n"
        "    events:\n"
        "      - { helth: ill, at: 5 }\n"
        "      - { at: 1s }\n"
        "      - { put: 0, health: ill }\n"
        "      - later\n"
        "  api: []\n"
        "  5: {}\n"
        "quota: { view: { size: many }, views: 3 }\n"
        "quotas: true\n"
    )
    found = ran("check", file)
    told = [line.removeprefix(f"{file}:").split(": ")[:2] for line in found.stdout.splitlines()]
    assert found.returncode == 1
    assert told == [
        ["2", "faults[0].match"],
        ["2", "faults[0].status"],
        ["2", "faults[0].hang"],
        ["2", "faults[0].times"],
        ["3", "faults[1].match"],
        ["4", "faults[2].match"],
        ["5", "scale_sets"],
        ["7", "scale_sets.web.boots"],
        ["8", "scale_sets.web.healthy"],
        ["9", "scale_sets.web.boot"],
        ["11", "scale_sets.web.events[0].helth"],
        ["11", "scale_sets.web.events[0].at"],
        ["12", "scale_sets.web.events[1]"],
        ["13", "scale_sets.web.events[2].put"],
        ["13", "scale_sets.web.events[2].health"],
        ["14", "scale_sets.web.events[3]"],
        ["15", "scale_sets.api"],
        ["17", "quota.view.size"],
        ["17", "quota.views"],
        ["18", "quotas"],
    ]


def test_check_tells_both_lines_of_a_key_that_is_there_twice_and_what_is_wrong_with_the_one_that_counts(
    tmp_path: Path,
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("scale_sets:\n  web: { boot: 1 }\n  web: { boot: 2 }\n")
    repeated, boot = ran("check", file).stdout.splitlines()
    assert repeated.startswith(f"{file}:3: scale_sets.web: in line 2 and again in line 3; ")
    assert boot.startswith(f"{file}:3: scale_sets.web.boot: 2 ")


def test_check_finds_nothing_wrong_with_a_right_file_and_names_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "right.yaml").write_text("faults: []\n")
    assert ran("check", tmp_path / "right.yaml").returncode == 0
    found = ran("check", tmp_path / "none.yaml")
    assert (found.returncode, found.stdout) == (1, f"{tmp_path}/none.yaml: No such file or directory\n")


def test_the_command_tells_its_version() -> None:
    assert ran("--version").stdout.startswith("vmss-emulator ")


def test_the_schema_has_the_keys_that_the_reader_has() -> None:
    schema = json.loads(ran("timelines", "--schema").stdout)
    parts = schema["$defs"]
    assert set(schema["properties"]) == set(timeline.KEYS)
    assert set(parts["life"]["properties"]) == set(timeline.LIFE_KEYS)
    assert set(parts["event"]["properties"]) == set(events.KEYS)
    assert set(parts["fault"]["properties"]) == set(faults.KEYS)
    assert set(schema["properties"]["quota"]["oneOf"][1]["properties"]) == {*DOCUMENTED, "headers", "retry_after"}
    assert set(parts["event"]["properties"]["health"]["enum"]) == set(events.HEALTH)
    assert set(parts["event"]["properties"]["power"]["enum"]) == set(events.POWER)
