"""What SDKs are generated from, made of the code: `python -m pulumi_vmss_health.plugin.schema` writes schema.json."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE
from pulumi_vmss_health.fleets.asked import AT_FAILURE
from pulumi_vmss_health.judging.policy import CHOICES, GatePolicy
from pulumi_vmss_health.plugin import inputs, properties
from pulumi_vmss_health.version import __version__
from vmss_instance_view.azure.settings import VARIABLES
from vmss_instance_view.keys import stored_key
from vmss_instance_view.pulumi import outputs

FILE = Path(__file__).parent / "schema.json"

_PACKAGE = "vmss-health"

_SEEN = {
    "StatusCount": outputs.StatusCountOutput,
    "Status": outputs.StatusOutput,
    "VirtualMachineSummary": outputs.VirtualMachineSummaryOutput,
    "ExtensionSummary": outputs.ExtensionSummaryOutput,
    "OrchestrationService": outputs.OrchestrationServiceOutput,
}
"""Parts of an instance view, by the names of their types."""

_SETTINGS = {
    "clientCertificatePassword": "The password of the certificate.",
    "clientCertificatePath": "A file with the certificate that the application signs in with.",
    "clientId": "The application, or the managed identity, that reads the scale sets.",
    "clientSecret": "The secret that the application signs in with.",
    "disableInstanceDiscovery": "Whether the authority is one that Microsoft's directory does not list.",
    "environment": "The cloud: public, usgovernment or china.",
    "metadataHost": "The metadata host of any other cloud.",
    "oidcAudience": "The audience for which a pipeline is asked for an OIDC token.",
    "oidcRequestToken": "The token with which a pipeline asks for an OIDC token.",
    "oidcRequestUrl": "Where a pipeline asks for an OIDC token.",
    "oidcToken": "The OIDC token to exchange.",
    "oidcTokenFilePath": "A file with the OIDC token to exchange.",
    "subscriptionId": "The subscription by which the az CLI chooses an account; scale sets are read in their own.",
    "tenantId": "The tenant of the application.",
    "useDefaultAzureCredential": "Whether to take whatever azure-identity's default credential finds.",
    "useMsi": "Whether to sign in as the machine's managed identity.",
    "useOidc": "Whether to sign in by an OIDC token.",
}


def schema() -> dict[str, Any]:
    """Return the schema of the package."""
    return {
        "name": _PACKAGE,
        "displayName": "VMSS health",
        "version": __version__,
        "description": "A deployment health gate for Azure VM scale sets, and their instance view.",
        "keywords": ["pulumi", "azure", "vmss", "kind/native", "category/cloud"],
        "publisher": "pulumi-vmss-health",
        "license": "Apache-2.0",
        "attribution": "",
        "language": {
            "nodejs": {"packageName": "pulumi-vmss-health", "respectSchemaVersion": True},
            "python": {"packageName": "pulumi_vmss_health_plugin", "respectSchemaVersion": True},
            "go": {"importBasePath": "pulumi-vmss-health/sdk/go/vmsshealth", "respectSchemaVersion": True},
            "csharp": {"namespaces": {_PACKAGE: "VmssHealth"}, "respectSchemaVersion": True},
        },
        "config": {"variables": _settings()},
        "provider": {
            "description": "As whom, and in which cloud, scale sets are read. What is not set here comes from the "
            "ARM_* variables, then from the az CLI. azure-native's settings are not seen: give them again.",
            "inputProperties": _settings(),
        },
        "types": _types(),
        "resources": {
            f"{_PACKAGE}:index:ScaleSetHealthGate": _resource(
                "Blocks what depends on it until the scale set's VMs, extensions and application are healthy.\n\n"
                "Where they cannot become so it fails with the cause: which instance, which extension, what the guest "
                "said, what to do next. A gate that failed runs again in the next `pulumi up`, without any change. "
                "customTimeouts win over the policy's timeout; set create and update, for the run after a failed "
                "create is an update.",
                _of(inputs.GATE),
                properties.GATE_OUTPUTS,
                ("healthy", "message", "reasons", "scaleSetId", "state"),
            ),
            f"{_PACKAGE}:index:FleetHealthGate": _resource(
                "Blocks what depends on it until enough of many scale sets are healthy, each judged as a gate of its "
                "own would judge it.\n\n"
                "Where too few can still become healthy it fails with the causes: which sets, which instances, what to "
                "do next. The next `pulumi up` then runs the gate again, and looks at the sets that did not pass. "
                "customTimeouts win over the policy's timeout; set create and update, for the run after a failed "
                "create is an update.",
                {key: properties.FLEET_INPUTS[key] for key in inputs.FLEET},
                properties.FLEET_OUTPUTS,
                (
                    "healthy",
                    "healthySets",
                    "message",
                    "reasons",
                    "requiredSets",
                    "scaleSetIds",
                    "sets",
                    "state",
                ),
            ),
            f"{_PACKAGE}:index:ScaleSetInstanceView": _resource(
                "The instance view of a scale set, read when it is created, changed or refreshed. It judges nothing.",
                _of(inputs.VIEW),
                properties.VIEW_OUTPUTS,
                ("scaleSetId",),
            ),
        },
        "functions": {
            f"{_PACKAGE}:index:getInstanceView": {
                "description": "Read the instance view of a scale set now, also in a preview.",
                "inputs": {"properties": _linked(_of(inputs.FUNCTION)), "required": ["scaleSetId"], "type": "object"},
                "outputs": {
                    "properties": _linked(properties.VIEW_OUTPUTS),
                    "required": ["scaleSetId"],
                    "type": "object",
                },
            }
        },
    }


def _resource(
    description: str,
    given: Mapping[str, dict[str, Any]],
    found: Mapping[str, dict[str, Any]],
    required: Sequence[str],
) -> dict[str, Any]:
    return {
        "description": description,
        "inputProperties": _linked(given),
        "requiredInputs": [key for key in inputs.IDS if key in given],
        "properties": _linked({**{key: given[key] for key in given if key != EVIDENCE_FILE}, **found}),
        "required": list(required),
    }


def _of(given: Iterable[str]) -> dict[str, Any]:
    return {key: properties.INPUTS[key] for key in given}


def _linked(specs: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return properties whose types are named in full."""
    return {key: _link(value) for key, value in specs.items()}


def _link(spec: dict[str, Any]) -> dict[str, Any]:
    nested = ("items", "additionalProperties")
    linked = {key: _link(value) if key in nested else value for key, value in spec.items()}
    name = linked.get("$ref", "#")
    return linked if "#" in name else {**linked, "$ref": f"#/types/{_PACKAGE}:index:{name}"}


def _settings() -> dict[str, Any]:
    return {
        key: {
            "type": "boolean" if key in inputs.SWITCHES else "string",
            "description": f"{_SETTINGS[key]} Without it: {' or '.join(variables)}.",
            **({"secret": True} if key in inputs.SECRET_SETTINGS else {}),
        }
        for key, variables in VARIABLES.items()
    }


def _types() -> dict[str, Any]:
    told = GatePolicy.descriptions()
    enums = {_enum_name(name): (choices, told[name]) for name, choices in CHOICES.items()}
    enums["Recheck"] = inputs.RECHECK, "When a gate, or a view, runs although nothing changed."
    enums["OnFailure"] = inputs.ON_FAILURE, "What a gate does that does not pass."
    enums["OnSetFailure"] = AT_FAILURE, "What a fleet's gate does when one set has failed."
    hints = get_type_hints(GatePolicy)
    policy = {
        stored_key(each.name): {"description": _told(each.name, told[each.name]), **_input(each.name, hints[each.name])}
        for each in fields(GatePolicy)
    }
    types = {
        "GatePolicy": {
            "description": "What a gate requires. Every field has a default that suits a production deployment. "
            'Durations are texts such as "90s" and "1h30m".',
            "type": "object",
            "properties": policy,
        },
        "Reason": {
            "description": 'Why a set is not healthy; with state "healthy", a warning about a set that is.',
            "type": "object",
            "properties": properties.REASON,
            "required": sorted(properties.REASON),
        },
        "FleetSet": {
            "description": "What the gate of a fleet found of one scale set.",
            "type": "object",
            "properties": _linked(properties.FLEET_SET),
            "required": ["healthy", "message", "reasons", "scaleSetId", "state"],
        },
        **{name: _seen(kind) for name, kind in _SEEN.items()},
        **{
            name: {"description": text, "type": "string", "enum": [{"value": each} for each in choices]}
            for name, (choices, text) in enums.items()
        },
    }
    return {f"{_PACKAGE}:index:{name}": spec for name, spec in types.items()}


def _enum_name(field: str) -> str:
    name = stored_key(field)
    return name[0].upper() + name[1:]


def _told(name: str, text: str) -> str:
    """Return what a field means, for other languages than Python, with its default."""
    default = getattr(GatePolicy(), name)
    absent = '"never":' if name == "confirm_failure" else "without it:"
    whole = re.sub(r"\bNone:", absent, text.replace(', or "all" that', "; without it: all that"))
    whole = f"{whole[0].upper()}{whole[1:]}."
    return f'{whole} Default: "{default}".' if isinstance(default, str) and default != "all" else whole


def _input(name: str, hint: Any) -> dict[str, Any]:  # noqa: ANN401 - an annotation
    """Return the type of a policy's field, from its annotation."""
    if name in CHOICES:
        return {"$ref": f"#/types/{_PACKAGE}:index:{_enum_name(name)}"}
    kinds = get_args(hint) if get_origin(hint) is not Sequence else (hint,)
    if Sequence[str] in kinds:
        return properties.TEXTS
    if int in kinds:
        return {"oneOf": [{"type": "integer"}, properties.TEXT]} if str in kinds else {"type": "integer"}
    return properties.TEXT


def _seen(kind: type) -> dict[str, Any]:
    hints = inspect.get_annotations(kind, eval_str=True)
    return {
        "description": (kind.__doc__ or "").strip(),
        "type": "object",
        "properties": {stored_key(name): _output(hint) for name, hint in hints.items()},
    }


def _output(hint: Any) -> dict[str, Any]:  # noqa: ANN401 - an annotation
    inner = next((each for each in get_args(hint) if each is not type(None)), hint) if _is_union(hint) else hint
    if get_origin(inner) is not None:
        (item,) = get_args(inner)
        return {"type": "array", "items": _output(item)}
    name = next((name for name, kind in _SEEN.items() if kind is inner), None)
    if name:
        return {"$ref": f"#/types/{_PACKAGE}:index:{name}"}
    return {"type": "integer"} if inner is int else properties.TEXT


def _is_union(hint: object) -> bool:
    return get_origin(hint) is Union


def text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
