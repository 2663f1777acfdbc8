"""Evidence of waits, made without a recorder: lives of machines, and what looks keep of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_vmss_health import GatePolicy, Instance, InstanceView, ScaleSet, Snapshot, evaluate
from pulumi_vmss_health.evidence.schema import check
from pulumi_vmss_health.judging.snapshot import Context
from pulumi_vmss_health.reporting.waits import Wait, waits_of
from pulumi_vmss_health.telling.status import all_counts

DEPTHS = ("full", "instances", "view")
GROUP = "/subscriptions/0b1f0000-0000-0000-0000-000000000000/resourceGroups/rg"
DISK = "Enable failed: command terminated with exit status=1 [stderr] mkdir: '/srv/app': No space left on device"


@dataclass(frozen=True)
class Machine:
    """When a machine gets where, in seconds; None: never. broken: its extension fails instead of succeeding."""

    boots: float = 0.0
    installs: float | None = 0.0
    healthy: float | None = 0.0
    broken: bool = False
    zone: str = "1"

    def body(self, number: int, now: float) -> dict[str, Any]:
        up = now >= self.boots
        view: dict[str, Any] = {"statuses": [{"code": f"ProvisioningState/{'succeeded' if up else 'creating'}"}]}
        view["vmAgent"] = {"statuses": [{"code": "ProvisioningState/succeeded"}]}
        if up:
            view["statuses"].append({"code": "PowerState/running"})
            done = self.installs is not None and now >= self.installs
            code = "transitioning" if not done else "failed/1" if self.broken else "succeeded"
            status = {"code": f"ProvisioningState/{code}", **({"message": DISK} if code == "failed/1" else {})}
            ready = {"name": "health", "statuses": [{"code": "ProvisioningState/succeeded"}]}
            view["extensions"] = [{"name": "app", "statuses": [status]}, ready]
            well = self.healthy is not None and now >= self.healthy
            view["vmHealth"] = {"status": {"code": f"HealthState/{'healthy' if well else 'unhealthy'}"}}
        properties = {
            "latestModelApplied": True,
            "provisioningState": "Succeeded" if up else "Creating",
            "instanceView": view,
        }
        return {"instanceId": str(number), "name": f"web_{number}", "zones": [self.zone], "properties": properties}


MODEL = {
    "name": "web",
    "properties": {
        "orchestrationMode": "Uniform",
        "provisioningState": "Succeeded",
        "upgradePolicy": {"mode": "Automatic"},
        "virtualMachineProfile": {
            "extensionProfile": {
                "extensions": [
                    {"name": "app", "properties": {"publisher": "p", "type": "t"}},
                    {
                        "name": "health",
                        "properties": {"publisher": "Microsoft.ManagedServices", "type": "ApplicationHealthLinux"},
                    },
                ]
            }
        },
    },
}


def counted(codes: Iterable[str]) -> list[dict[str, Any]]:
    listed = list(codes)
    return [{"code": code, "count": listed.count(code)} for code in dict.fromkeys(listed)]


def view_of(instances: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The view that Azure counts of its instances."""
    views = [each["properties"]["instanceView"] for each in instances]
    extensions = [(one["name"], one["statuses"][0]["code"]) for each in views for one in each.get("extensions", [])]
    return {
        "virtualMachine": {"statusesSummary": counted(each["statuses"][0]["code"] for each in views)},
        "extensions": [
            {"name": name, "statusesSummary": counted(code for of, code in extensions if of == name)}
            for name in dict.fromkeys(name for name, _ in extensions)
        ],
        "statuses": [{"code": "ProvisioningState/succeeded", "level": "Info"}],
    }


def wait_of(
    machines: list[Machine],
    moments: Iterable[float],
    *,
    name: str = "web",
    policy: Mapping[str, Any] | None = None,
    lost: Mapping[float, str] | None = None,
    left: Callable[[float], float | None] = lambda at: max(1 - at / 400, 0.2),
    **more: Any,
) -> dict[str, Any]:
    """The evidence of a wait that looked at these moments. lost: looks that failed, and what was said."""
    asked = GatePolicy.of(policy or {})
    model = {**MODEL, "name": name, "sku": {"capacity": len(machines)}}
    looks: list[dict[str, Any]] = []
    before: dict[str, Any] = {"instances": None}
    transitions: list[dict[str, Any]] = []
    for number, at in enumerate(moments):
        depth = "full" if before.get("passes") else DEPTHS[number % 3]
        look: dict[str, Any] = {
            "at": at, "took": 0.2, "depth": depth, "since": None, "requests": 4 if depth == "full" else 1,
            "left": left(at), "verdict": None, "error": None, "counts": [],
            "age": 0.0, "isBare": False, "inStandbyPool": 0, "unread": {}, "bodies": {},
        }  # fmt: skip
        looks.append(look)
        if lost and at in lost:
            look["error"] = {"kind": "Throttled", "message": lost[at], "retryAfter": 5.0, "status": 429, "code": None}
            continue
        instances = [each.body(index, at) for index, each in enumerate(machines)]
        listed = None if look["depth"] == "view" else instances
        now: dict[str, Any] = {"view": view_of(instances), "model": model, "instances": listed}
        snapshot = Snapshot(
            InstanceView.from_json(now["view"]),
            ScaleSet.from_json(model),
            None if listed is None else tuple(map(Instance.from_json, listed)),
        )
        verdict = evaluate(snapshot, asked, Context(before_first_pass=True))
        state = verdict.state.name.lower()
        look["verdict"] = {
            "state": state,
            "passes": verdict.passes,
            "unjudged": list(verdict.unjudged),
            "reasons": [
                {
                    **{key: getattr(each, key) for key in ("code", "subject", "have", "want", "message", "hint")},
                    "state": each.state.name.lower(),
                }
                for each in verdict.reasons
            ],
        }
        look["counts"] = [
            {"of": each.of, "done": each.done, "total": each.total} for each in all_counts(snapshot, asked.capacity)
        ]
        look["bodies"] = {key: value for key, value in now.items() if key not in before or before[key] != value}
        if look["bodies"].get("instances") and before["instances"]:
            same = [each["instanceId"] for each, old in zip(instances, before["instances"], strict=True) if each == old]
            look["bodies"]["instances"] = [each for each in instances if each["instanceId"] not in same]
            look["bodies"]["instancesKept"] = same
        before = {**now, "passes": verdict.passes}
        if not transitions or transitions[-1]["state"] != state:
            transitions.append({"at": at + 0.2, "state": state})
    return {
        "scaleSetId": f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}",
        "policy": asked.to_json(),
        "limitSeconds": asked.timeout_seconds,
        "limitSource": "of the policy",
        "beganAt": "2026-11-26T14:00:00Z",
        "endedAt": "2026-11-26T14:03:20Z",
        "elapsedSeconds": looks[-1]["at"] + 0.2 if looks else 0.0,
        "ending": "healthy",
        "passedBefore": None,
        "beforeFirstPass": True,
        "message": f"scale set {name} is healthy after 3m",
        "lines": [],
        "requests": sum(each["requests"] for each in looks),
        "transitions": transitions,
        "capped": {"looksWithoutBodies": 0, "looksLeftOut": 0},
        "looks": looks,
        **more,
    }


def evidence_of(*waits: Mapping[str, Any]) -> dict[str, Any]:
    return {"evidence": 1, "versions": {"pulumi-vmss-health": "0.1.0", "python": "3.11.2"}, "waits": list(waits)}


def read(found: Any) -> tuple[Wait, ...]:
    """What is drawn of it, once it has passed the checks of a file."""
    text = json.loads(json.dumps(found))
    check(text)
    return waits_of(text)


def passed(name: str = "web") -> dict[str, Any]:
    """Five machines that come one after the other, with a refusal on the way."""
    machines = [Machine(5 + 4 * each, 25 + 11 * each, 45 + 16 * each, zone=str(each % 3 + 1)) for each in range(5)]
    moments = [*range(0, 120, 5), 124, 132, 140]
    return wait_of(machines, map(float, moments), name=name, lost={60.0: "too many requests: wait 5s"})


def failed(name: str = "api") -> dict[str, Any]:
    """Machines of which two cannot install the application: one more than the policy allows."""
    machines = [
        Machine(4.0, 20.0, 31.0),
        Machine(6.0, 26.0, None, broken=True, zone="2"),
        Machine(9.0, 22.0, 40.0, zone="3"),
        Machine(11.0, 33.0, None, broken=True),
        Machine(12.0, 35.0, 70.0, zone="2"),
    ]
    where = "-g rg -n api --subscription 0b1f0000-0000-0000-0000-000000000000"
    said = wait_of(machines, [float(each) for each in range(0, 96, 5)], name=name, policy={"minHealthy": "80%"})
    last = said["looks"][-1]["verdict"]["reasons"]
    said.update(
        ending="failing",
        message=f"scale set {name} is failing, given up after 1m35s of 30m: 5/5 VMs, app 3/5, appHealth 3/5",
        lines=[
            *(line for each in last for line in (each["message"], f"next: {each['hint']}") if line != "next: "),
            f"look closer: `az vmss list-instances {where} --expand instanceView`",
            f"look closer: https://portal.azure.com/#@/resource{said['scaleSetId']}/instances",
        ],
    )
    return said


def large(number: int = 400) -> dict[str, Any]:
    """More machines than get a row each."""
    machines = [Machine(each % 37, 20 + each % 53, 30 + each % 71) for each in range(number)]
    return wait_of(machines, [float(each) for each in range(0, 130, 10)], name="large")
