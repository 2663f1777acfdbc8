"""Clients that nobody here wrote, each in an environment of its own, against the emulator: `make clients`.

Prints a table: which client did which operation on which ready timeline, whether it saw what plain HTTP shows, and
whether its summaries of VMs and extensions are those that `vmss_instance_view` reads. A client whose language is not on
this machine is left out. The environments (700 MB in all) are made once, below `.clients/`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from tests.emulator.clients.table import CLIENTS, HERE, Client, az, printed
from tests.emulator.support import ArmSession
from tests.pages import ROOT, blocks

from vmss_emulator import Emulator
from vmss_emulator.running import az_login
from vmss_emulator.script import library


@dataclass(frozen=True)
class Scene:
    """A timeline at a moment from which nothing changes while the clients look.

    Attributes:
        timeline: its name.
        after: seconds that pass at once after each deployment.
        releases: how many deployments there are.
        surge: upgrades of the set create new VMs first.
        frozen: time stands still while they look, and nothing is restarted.
        looks: how often somebody else looks at the set's view just before the clients do.
    """

    timeline: str
    after: float = 90
    releases: int = 1
    capacity: int = 3
    upgrade_mode: str = "Manual"
    surge: bool = False
    frozen: bool = False
    looks: int = 0


SCENES = (
    Scene("extension-fails"),
    Scene("flapping"),
    Scene("healthy"),
    Scene("os-provisioning-fails"),
    Scene("region-outage", looks=8),  # of its ten refusals the first client then meets two
    Scene("rolling-upgrade-faulted", releases=2, upgrade_mode="Rolling"),
    Scene("slow", after=30, frozen=True),  # the machines are starting
    Scene("spot-evictions"),
    Scene("stale-model", releases=2),
    Scene("surge", after=10, releases=2, upgrade_mode="Rolling", surge=True, frozen=True),  # one VM is too many
    Scene("thousand", capacity=1000),
    Scene("throttled", looks=6),  # which uses up what was left
)
AZ_ALONE = {
    "scale": "vmss scale -g rg -n web --new-capacity 2",
    "activity log": "monitor activity-log list --resource-group rg --offset 1d",
    "resource show": "resource show --ids {set}",
    "resource list": "resource list",
    "locations": "account list-locations",
    "provider": "provider show -n Microsoft.Compute",
    "lock": "lock create -n keep -g rg --lock-type CanNotDelete",
    "tag": "tag update --resource-id {set} --operation merge --tags a=b",
    "identity": "vmss identity assign -g rg -n web",
}


@dataclass(frozen=True)
class Told:
    """What a command said: its exit code, what it printed as JSON, the end of its errors, the seconds it took."""

    code: int
    found: Any
    error: str
    seconds: float


def told(words: list[str], environment: Mapping[str, str]) -> Told:
    """Run a command."""
    begun = time.monotonic()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
    try:
        found = json.loads(done.stdout or "null")
    except ValueError:
        found = done.stdout
    error = (done.stderr.strip().splitlines() or [""])[-1][:200]
    return Told(done.returncode, found, error, time.monotonic() - begun)


def rows(scene: Scene, clients: list[Client]) -> Iterator[tuple[str, str, str, float]]:
    """(client, operation, what came of it, seconds) of one scene."""
    ahead, begun = 0.0, time.time()  # ahead of the real time: so nobody need wait for the moment
    clock = (lambda: begun + ahead) if scene.frozen else (lambda: time.time() + ahead)
    azure = Emulator(library.text(scene.timeline), clock=clock)
    with azure, tempfile.TemporaryDirectory() as folder:
        for release in range(scene.releases):
            path = deployed(azure, scene, release)
            ahead += scene.after
        environment = signed_in(azure, folder)
        arm = ArmSession(azure)
        truth = {"view": asked(arm, f"{path}/instanceView"), "show": asked(arm, path), "list": pages(arm, path)}
        for _ in range(scene.looks):
            arm.ask("GET", f"{path}/instanceView")
        arm.close()
        ours: dict[str, Any] | None = None
        for operation in ("view", "show", "list", *["restart"] * (not scene.frozen)):
            for client in clients:
                if operation in client.operations:
                    said = told(client.command(operation, "web"), environment)
                    if client is CLIENTS[0] and said.code == 0:
                        ours = counts(said.found)
                    yield client.name, operation, outcome(client, said, truth.get(operation), ours), said.seconds
        if scene.timeline == "healthy":
            for client in clients:
                said = told(client.command("view" if "show" not in client.operations else "show", "none"), environment)
                came = "exit code 3" if said.code == 3 else f"FAILED: exit code {said.code} and not 3: {said.error}"
                yield client.name, "show what is not there", came, said.seconds
            for client in clients:
                for operation, line in AZ_ALONE.items() if client.name == "az" else ():
                    said = told(az(line.format(set=path)), environment)
                    yield "az", operation, outcome(client, said, None, None), said.seconds


def named_by_gates(clients: list[Client]) -> Iterator[tuple[str, str, str, float]]:
    """The same of each az command that gates name when they fail: is it one, and does it work as printed?"""
    for client, (scene, mode) in product(
        [client for client in clients if client.name == "az"],
        [
            (Scene("stale-model", releases=2), None),
            (Scene("rolling-upgrade-faulted", releases=2, upgrade_mode="Rolling"), None),
            (Scene("extension-fails"), "Flexible"),
        ],
    ):
        ahead = 0.0
        azure = Emulator(library.text(scene.timeline), clock=lambda: time.time() + ahead)  # noqa: B023
        with azure, tempfile.TemporaryDirectory() as folder:
            for release in range(scene.releases):
                path = deployed(azure, scene, release, mode)
                ahead += scene.after
            environment = signed_in(azure, folder)
            words = [sys.executable, str(HERE / "commands.py"), path]
            lines = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
            for line in lines.splitlines():
                said = told(printed(line), environment)
                name = line.partition(" -")[0].removeprefix("az ")
                yield "az", name, outcome(client, said, None, None), said.seconds


def in_readme(clients: list[Client]) -> Iterator[tuple[str, str, str, float]]:
    """The same of the transcript in README: az waits for a set whose applications are all unhealthy."""
    unhealthy = {"scale_sets": {"web": {"boot": "0s", "extension": "0s", "events": [{"health": "unhealthy"}]}}}
    for client in [client for client in clients if client.name == "az"]:
        with Emulator(unhealthy) as azure, tempfile.TemporaryDirectory() as folder:
            azure.put_scale_set("web", capacity=3, health=True)
            time.sleep(1)  # until the operation has ended
            environment = signed_in(azure, folder)
            for line, shown in transcript():
                said = told(printed(line), environment)
                found = said.found if isinstance(said.found, str) else json.dumps(said.found)
                ended = f"exit code {said.code}" if "exit code" in shown else ""
                same = " ".join([found.replace("null", ""), ended]).split() == shown.split()
                name = " ".join(line.split()[1:3])
                yield (
                    client.name,
                    name,
                    "as README shows it" if same else f"DIFFERENT from README: {found}",
                    said.seconds,
                )


def explained(clients: list[Client]) -> Iterator[tuple[str, str, str, float]]:
    """The same of what az prints, piped into `vmss-health explain -`: is it judged as a gate judges the set?"""
    timelines = ("healthy", "extension-fails", "os-provisioning-fails", "stale-model")
    for timeline in timelines if any(client.name == "az" for client in clients) else ():
        ahead, begun = 0.0, time.time()
        azure = Emulator(library.text(timeline), clock=lambda: begun + ahead)  # noqa: B023
        with azure, tempfile.TemporaryDirectory() as folder:
            for release in range(2 if timeline == "stale-model" else 1):
                path = deployed(azure, Scene(timeline), release)
                ahead += 90
            environment = signed_in(azure, folder)
            judge = [sys.executable, str(HERE / "explained.py"), path]
            gate = json.loads(subprocess.run(judge, env=environment, capture_output=True, text=True, check=True).stdout)
            rest = f"rest --method get --url {azure.url}{path}{{}}api-version=2024-11-01"
            for part, line in (
                ("view", "vmss get-instance-view -g rg -n web"),
                ("list", "vmss list-instances -g rg -n web --expand instanceView"),
                ("show", "vmss show -g rg -n web"),
                ("view", rest.format("/instanceView?")),
                ("list", rest.format("/virtualMachines?%24expand=instanceView&")),
                ("show", rest.format("?")),
            ):
                said = told(az(line), environment)
                text, name = json.dumps(said.found), f"{line.partition(' -')[0]} | explain"
                came = as_gate(gate[part], text, "-") if said.code == 0 else f"FAILED: {said.error}"
                Path(folder, f"{part}.json").write_text(text, encoding="utf-8")
                yield "az", name, came, said.seconds
            files = [str(Path(folder, f"{part}.json")) for part in ("view", "list", "show")]
            yield "az", "all | explain", as_gate(gate["all"], "", *files), 0.0


def as_gate(want: list[Any], text: str, *files: str) -> str:
    """Whether `explain` says of what was printed what a gate says: the exit code, and each cause."""
    words = [sys.executable, "-m", "pulumi_vmss_health.cli", "explain", *files, "--capacity", "3"]
    said = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    _, *causes = said.stdout.splitlines()
    missing = [cause for cause in want[1] if cause not in map(str.strip, causes)]
    if said.returncode == want[0] and not missing:
        return "the gate's verdict"
    return f"DIFFERENT from the gate: {said.returncode} {said.stdout}{said.stderr}, and not {want}"


def transcript() -> list[tuple[str, str]]:
    """Each az command in README's transcript, and what it printed there."""
    (text,) = (text for language, text in blocks(ROOT / "README.md") if language == "console")
    parts = text.replace("\\\n", " ").split("$ az ")[1:]
    pairs = [part.partition("\n") for part in parts]
    return [(f"az {line.partition(';')[0]}", shown) for line, _, shown in pairs]


def deployed(azure: Emulator, scene: Scene, release: int, mode: str | None = None) -> str:
    """Deploy a release of a scene's set; returns the set's id."""
    app = {"name": "app", "properties": {"publisher": "p", "type": "t", "settings": {"release": release}}}
    return azure.put_scale_set(
        "web",
        capacity=scene.capacity,
        extensions=[app],
        health=True,
        upgrade_mode=scene.upgrade_mode,
        orchestration_mode=mode,
        properties={"upgradePolicy": {"rollingUpgradePolicy": {"maxSurge": True}}} if scene.surge else None,
    )


def signed_in(azure: Emulator, folder: str) -> dict[str, str]:
    """The variables that lead clients to an emulator, with an az that is signed in there."""
    config = Path(folder)
    az_login.write(config, azure.url, azure.tenant_id, azure.subscription_id, azure.client_id, azure.client_secret)
    return {**os.environ, **azure.environment, "AZURE_CONFIG_DIR": folder}


def asked(arm: ArmSession, path: str, **query: str) -> dict[str, Any]:
    """What plain HTTP shows, once Azure answers."""
    while (answer := arm.ask("GET", path, **query)).status_code in (429, 503):
        time.sleep(int(answer.headers["Retry-After"]))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def pages(arm: ArmSession, path: str) -> list[Any]:
    """All instances."""
    body = asked(arm, f"{path}/virtualMachines", expand="instanceView")
    found = list(body["value"])
    while "nextLink" in body:
        body = asked(arm, body["nextLink"])
        found += body["value"]
    return found


def counts(view: Any) -> dict[str, Any]:
    """How many VMs, and how many of each extension, are in which state."""
    summaries = {"": view["virtualMachine"], **{one["name"]: one for one in view.get("extensions") or ()}}
    return {
        f"{name} {state['code']}": state["count"] for name, one in summaries.items() for state in one["statusesSummary"]
    }


def outcome(client: Client, said: Told, want: Any, ours: dict[str, Any] | None) -> str:
    """What came of an operation, in a word; of a view also whether our reader counts the same."""
    if said.code != 0:
        return f"FAILED with exit code {said.code}: {said.error}"
    if want is None:
        return "done"
    found, want = (flat(said.found), flat(want)) if client.flat else (said.found, want)
    if plain(found) != plain(want):
        return "DIFFERENT from plain HTTP"
    same = "the same as over plain HTTP"
    if not ours or client is CLIENTS[0] or not (isinstance(want, dict) and "virtualMachine" in want):
        return same
    if counts(found) != ours:
        return f"DIFFERENT from vmss_instance_view: {counts(found)} and {ours}"
    return f"{same}, counts as vmss_instance_view"


def plain(value: Any) -> Any:
    """JSON without times, which clients write each in its own way, and without nothing."""
    if isinstance(value, dict):
        left_out = ("timeCreated", "resourceGroup")
        kept = {key: plain(item) for key, item in value.items() if key not in left_out}
        return {key: item for key, item in kept.items() if item is not None and not key.lower().endswith("time")}
    return [plain(item) for item in value] if isinstance(value, list) else value


def flat(value: Any) -> Any:
    """A resource with its properties beside its name, as az shows it."""
    if isinstance(value, dict):
        inner = value.get("properties")
        beside = {key: flat(item) for key, item in value.items() if key != "properties" or not isinstance(inner, dict)}
        return {**flat(inner), **beside} if isinstance(inner, dict) else beside
    return [flat(item) for item in value] if isinstance(value, list) else value


def main() -> int:
    """Print the table; the exit code says whether all went well."""
    clients, bad = [], 0
    for client in CLIENTS:
        if client.missing:
            print(f"{client.name} is left out: this machine has no {' and no '.join(client.missing)}", flush=True)
        else:
            client.prepare()
            clients.append(client)
    for about, found in (
        *((scene.timeline, rows(scene, clients)) for scene in SCENES),
        ("what gates name", named_by_gates(clients)),
        ("explain", explained(clients)),
        ("README", in_readme(clients)),
    ):
        for client_name, operation, came, seconds in found:
            print(f"{about:23} {client_name:21} {operation:22} {came} ({seconds:.1f} s)", flush=True)
            bad += came.startswith(("FAILED", "DIFFERENT"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
