"""The properties of the package's resources, typed and described as SDKs have them. A type of ours goes by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE

ANY = {"$ref": "pulumi.json#/Any"}
TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
OBJECT = {"type": "object", "additionalProperties": ANY}

INPUTS: Mapping[str, dict[str, Any]] = {
    "scaleSetId": {**TEXT, "description": "The ARM id of the scale set."},
    "policy": {
        "description": "What is asked of the set. The default asks everything of every VM, for at most 30 minutes.",
        "$ref": "GatePolicy",
    },
    "triggers": {
        "type": "array",
        "items": ANY,
        "description": "Values whose change runs this again. Give the `etag` and the `uniqueId` of the scale set: "
        "without them a changed scale set is not noticed.",
    },
    "recheck": {
        "description": '"always" runs this in every `pulumi up`, also without a change.',
        "$ref": "Recheck",
    },
    "onFailure": {
        "description": '"warn" lets the stack go on with a warning; `healthy` then says false.',
        "$ref": "OnFailure",
    },
    "skip": {"type": "boolean", "description": "Do not look at all."},
    EVIDENCE_FILE: {
        **TEXT,
        "description": "Where to write, as JSON, what was seen, each time that the gate runs; relative to the "
        "program's folder. No state has it: to change it shows no change and runs no gate.",
    },
    "includeInstances": {"type": "boolean", "description": "Also read every instance with its own view."},
}

FLEET_INPUTS: Mapping[str, dict[str, Any]] = {
    **{key: INPUTS[key] for key in ("recheck", "onFailure", "skip")},
    "scaleSetIds": {
        "type": "object",
        "additionalProperties": TEXT,
        "description": "The ARM ids of the scale sets, by names of your choice, which are what people are told.",
    },
    "policy": {
        **INPUTS["policy"],
        "description": "What is asked of each set; the timeout is that of the whole fleet. The default asks everything "
        "of every VM, for at most 30 minutes.",
    },
    "minHealthySets": {
        "oneOf": [{"type": "integer"}, TEXT],
        "description": 'How many sets have to be healthy: a count, or a percentage, rounded up. Default: "100%".',
    },
    "onSetFailure": {
        "description": '"fail" ends the wait as soon as one set has failed; "wait" goes on while enough other sets can '
        'still become healthy. Default: "wait".',
        "$ref": "OnSetFailure",
    },
    "triggers": {"type": "array", "items": ANY, "description": "Values whose change gates all sets again."},
    "setTriggers": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": ANY},
        "description": "Values whose change gates one set again, by the names of the sets. Give the `etag` and the "
        "`uniqueId` of each: without them a changed scale set is not noticed.",
    },
}

VIEW: Mapping[str, dict[str, Any]] = {
    "statuses": {"description": "The statuses of the set.", "type": "array", "items": {"$ref": "Status"}},
    "virtualMachine": {"description": "How many VMs are in which state.", "$ref": "VirtualMachineSummary"},
    "extensions": {
        "description": "On how many VMs each extension is in which state.",
        "type": "array",
        "items": {"$ref": "ExtensionSummary"},
    },
    "orchestrationMode": {"description": "Uniform or Flexible.", **TEXT},
    "capacity": {"description": "How many VMs the model asks for.", "type": "integer"},
}

GATE_OUTPUTS: Mapping[str, dict[str, Any]] = {
    "scaleSetId": {"description": "The scale set's id. In an update it is known once the gate has passed.", **TEXT},
    "healthy": {"description": "Whether the gate passed.", "type": "boolean"},
    "state": {"description": 'How it ended: "healthy", "skipped", "warned", or why it did not pass.', **TEXT},
    "message": {"description": "The result in one line.", **TEXT},
    "reasons": {
        "description": "Why the set is not healthy, worst first.",
        "type": "array",
        "items": {"$ref": "Reason"},
    },
    **VIEW,
    "evidence": {"description": "What the verdict rests on: looks, requests, seconds, when it ended.", **OBJECT},
}

FLEET_OUTPUTS: Mapping[str, dict[str, Any]] = {
    "scaleSetIds": {
        "description": "The scale sets' ids by their names. In an update they are known once the gate has passed.",
        "type": "object",
        "additionalProperties": TEXT,
    },
    **{key: GATE_OUTPUTS[key] for key in ("healthy", "state", "message", "evidence")},
    "reasons": {**GATE_OUTPUTS["reasons"], "description": "Why sets are not healthy, each with the set's name."},
    "sets": {
        "description": "What was found of each set, by its name.",
        "type": "object",
        "additionalProperties": {"$ref": "FleetSet"},
    },
    "healthySets": {"description": "How many sets are healthy.", "type": "integer"},
    "requiredSets": {"description": "How many have to be.", "type": "integer"},
}

REASON: Mapping[str, dict[str, Any]] = {
    "code": {"description": "What is wrong, in CamelCase, for programs to compare.", **TEXT},
    "subject": {"description": 'What it is wrong with, such as "instance 3, extension cse".', **TEXT},
    "have": {"description": "What was found.", **TEXT},
    "want": {"description": "What would be right.", **TEXT},
    "message": {"description": "All of it in one line, for people.", **TEXT},
    "hint": {"description": "What to do next; empty if waiting is enough.", **TEXT},
    "state": {"description": '"failing" or "progressing"; "healthy" for a warning.', **TEXT},
}

FLEET_SET: Mapping[str, dict[str, Any]] = {
    "scaleSetId": {"description": "The scale set's id.", **TEXT},
    "healthy": {"description": "Whether it passed, and was healthy in every refresh since.", "type": "boolean"},
    "state": {"description": 'What became of it: "healthy", "recovered", "skipped", or why it did not pass.', **TEXT},
    "message": GATE_OUTPUTS["message"],
    "reasons": {**GATE_OUTPUTS["reasons"], "description": "Why it is not healthy, worst first; at most three."},
    **{key: VIEW[key] for key in ("orchestrationMode", "capacity")},
    "passedAt": {"description": "When it last passed this gate, UTC.", **TEXT},
}

VIEW_OUTPUTS: Mapping[str, dict[str, Any]] = {
    "scaleSetId": {"description": "The scale set's id.", **TEXT},
    **VIEW,
    "orchestrationServices": {
        "description": "Services that act on the set by themselves.",
        "type": "array",
        "items": {"$ref": "OrchestrationService"},
    },
    "instances": {
        "description": "Every instance with its own view, where they were asked for.",
        "type": "array",
        "items": OBJECT,
    },
    "readAt": {"description": "When it was read, UTC.", **TEXT},
}
