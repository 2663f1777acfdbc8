"""What a run of the demonstrations shows, read from Pulumi's state and event log and from what Azure was asked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Protocol

SCALE_SET = "azure-native:compute:VirtualMachineScaleSet"
AUTOSCALE = "azure-native:monitor:AutoscaleSetting"
GATE = "pulumi-python:dynamic/vmss-health:HealthGate"
COLOURS = re.compile(r"<\{%.*?%\}>")


class Request(Protocol):
    """A request that reached Azure; `started` as `time.monotonic()` tells it."""

    @property
    def method(self) -> str:
        """GET, PUT, ..."""

    @property
    def path(self) -> str:
        """Of the URL."""

    @property
    def started(self) -> float:
        """When it arrived."""


class Run:
    """One pulumi command that has ended.

    Args:
        export: what `pulumi stack export` gives after it.
        events: the lines of its event log; none where it has none.
        requests: all that Azure was ever asked.
        began: when the command began, as `time.monotonic()` tells it.
    """

    def __init__(
        self, export: Mapping[str, Any], events: Iterable[str], requests: Iterable[Request], began: float
    ) -> None:
        self.resources: list[dict[str, Any]] = export["deployment"].get("resources", [])
        self._events = [json.loads(event) for event in events]
        self._requests = [request for request in requests if request.started >= began]

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        outputs: dict[str, Any] = self._resource("pulumi:pulumi:Stack").get("outputs", {})
        return outputs

    @property
    def said(self) -> list[tuple[float, str]]:
        """What the gate's row said, and how many seconds after the gate had begun."""
        began, said = 0.0, []
        for event in self._events:
            started, words = event.get("resourcePreEvent", {}), event.get("diagnosticEvent", {})
            if started.get("metadata", {}).get("type") == GATE:
                began = event["timestamp"]
            elif words.get("ephemeral") and f"{GATE}::" in words.get("urn", ""):
                said.append((event["timestamp"] - began, COLOURS.sub("", words["message"]).strip()))
        return [(seconds, text) for seconds, text in said if text]  # the last one clears the row

    @property
    def deployed_after(self) -> float:
        """Seconds from the request for the scale set to the end of Azure's operation, as Pulumi noted it."""
        return moment(self._resource(SCALE_SET)["modified"]) - self._put("virtualMachineScaleSets")

    @property
    def held_for(self) -> float:
        """Seconds from there to the first request for the autoscale setting, which depends on the gate."""
        return self._put("autoscaleSettings") - moment(self._resource(SCALE_SET)["modified"])

    @property
    def autoscale_release(self) -> str:
        """The release whose autoscale setting is deployed."""
        return str(self._resource(AUTOSCALE)["inputs"]["tags"]["release"])

    def _resource(self, kind: str) -> dict[str, Any]:
        return next(each for each in self.resources if each["type"] == kind)

    def _put(self, kind: str) -> float:
        """When the last resource of a kind was asked for, in Unix seconds."""
        since_boot = [each.started for each in self._requests if each.method == "PUT" and f"/{kind}/" in each.path][-1]
        return since_boot + time.time() - time.monotonic()


def moment(text: str) -> float:
    """Unix seconds of a time as Go writes it, with up to nine decimals: "2026-11-26T10:57:47.899049079Z"."""
    whole = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return whole.timestamp() + float(f"0{text[19:-1]}")


def held(run: Run) -> str:
    """A run in which the gate passed."""
    saw = f'saw "{run.said[0][1]}", and ' if run.said else ""
    return (
        f"Azure called the scale set deployed after {run.deployed_after:.0f}s. "
        f"The gate then {saw}held AutoscaleSetting for {run.held_for:.0f}s more."
    )


def held_back(run: Run) -> str:
    """A run in which the gate failed."""
    return (
        f"Azure called the scale set deployed after {run.deployed_after:.0f}s all the same. "
        f"Held back: AutoscaleSetting (still release {run.autoscale_release})."
    )


def let_go(run: Run) -> str:
    """A run in which the gate passed, and the scale set did not change."""
    return (
        f"The gate ran, though the program had not changed: {run.outputs['message']}. "
        f"Let go: AutoscaleSetting (release {run.autoscale_release} now)."
    )


def old_outputs(run: Run) -> str:
    """What stack outputs say after a failed run."""
    release, healthy = run.outputs["release"], json.dumps(run.outputs["healthy"])
    return (
        f"Stack outputs are those of the last successful run: release {release}, healthy {healthy}. "
        "So whoever moves traffic asks first whether `pulumi up` exited with 0."
    )


def read_twice(run: Run) -> str:
    """A run of the stack that reads the first one's outputs."""
    (then,), (now,) = run.outputs["healthyThen"].values(), run.outputs["messageNow"].values()
    return f"From the first stack's outputs: healthy {json.dumps(then)}. From this stack's own gate: {now}."


def left(run: Run) -> str:
    """The end of a stack."""
    return f"Resources left in the stack's state: {len(run.resources)}."
