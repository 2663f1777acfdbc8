"""Saved answers of Azure as one snapshot, as REST, az (without `properties`) or an SDK (snake case) spells them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pulumi_vmss_health.judging.snapshot import Snapshot
from vmss_instance_view.errors import MalformedBody
from vmss_instance_view.keys import stored_key
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet
from vmss_instance_view.model.body import Body
from vmss_instance_view.model.status import in_group
from vmss_instance_view.reading.flexible import count
from vmss_instance_view.text import LINE, clean

_OUTSIDE = {"id", "name", "type", "location", "tags", "etag", "sku", "zones", "instanceId", "identity", "plan"}
_OF_EXTENSIONS = {"id", "name"}  # the type of an extension is a property
_TYPES = ("typePropertiesType", "type1")  # what SDKs call it, where `type` is the resource's
_ABBREVIATED = (  # az and the SDKs write isVmInStandbyPool, is_vm_in_standby_pool
    "isVMInStandbyPool",
    "automaticOSUpgradePolicy",
    "resilientVMCreationPolicy",
    "resilientVMDeletionPolicy",
)
_OF_REST = {name.lower(): name for name in _ABBREVIATED}
_FREE = {"tags", "settings", "protectedSettings"}  # whose keys are the user's own
# What only the view of one VM has, and what only the resource of one has.
_OF_VM_VIEWS = {"vmAgent", "vmHealth", "platformFaultDomain", "computerName", "osName", "isVMInStandbyPool", "disks"}
_OF_VMS = {"vmId", "latestModelApplied", "hardwareProfile", "instanceView"}
_OF_MODELS = {"virtualMachineProfile", "upgradePolicy", "orchestrationMode"}
_SET = re.compile(r"/subscriptions/.*/virtualMachineScaleSets/[^/]+", re.IGNORECASE)
_PARTS = {
    "view": "an instance view",
    "instances": "a list of instances",
    "scale_set": "a model",
    "rolling_upgrade": "a rolling upgrade",
}
_KINDS = "an instance view, a list of instances, a model or a rolling upgrade"


def snapshot_of(texts: Iterable[tuple[str, str]]) -> Snapshot:
    """Read bodies of one scale set, each with the name of its file. Raises ValueError, naming the file."""
    told: dict[str, Any] = {}
    files: dict[str, str] = {}
    sets: dict[str, tuple[str, str]] = {}  # the id of each, and which file names it, by the id in lower case
    for name, text in texts:
        try:
            body = _camel(json.loads(text))
            found, named = _told(body), _sets_of(body)
        except json.JSONDecodeError as error:
            raise ValueError(f"{name}: it is no JSON: {error}") from None
        except RecursionError:
            raise ValueError(f"{name}: it is nested too deeply") from None
        except (ValueError, MalformedBody) as error:
            raise ValueError(f"{name}: {error}") from None
        for each in named:
            sets.setdefault(each.lower(), (clean(each, LINE), name))
        if len(sets) > 1:
            (one, first), (other, file), *_ = sets.values()
            raise ValueError(f"{file}: it is of {other}, but {first} is of {one}: give bodies of one set")
        again = next((part for part in _PARTS if part in files and part in found), None)
        if again:
            kind = f"{_PARTS[again]} was given already, in {files[again]}"
            raise ValueError(f"{name}: {kind}: give one of a kind, of one set")
        files.update(dict.fromkeys(found, name))
        told.update(found)
    seen = replace(Snapshot(InstanceView()), **told)
    if "view" not in told and seen.instances is not None:
        seen = replace(seen, view=count(seen.scale_set or ScaleSet(), seen.instances))
    return seen


def _told(body: object) -> dict[str, Any]:
    """Return the parts of a snapshot that a body tells."""
    if isinstance(body, list):
        every = [Instance.from_json(_instance(each)) for each in body]
        listed = {(each.id or each.instance_id).lower(): each for each in every}
        members = tuple(each for each in listed.values() if not each.in_standby_pool)
        return {"instances": members, "in_standby_pool": len(listed) - len(members)}
    if not isinstance(body, dict):
        raise ValueError(f"it is not {_KINDS}, but a {type(body).__name__}")  # noqa: TRY004 - of a file
    if code := _error_code(body):
        raise ValueError(f"it is not {_KINDS}, but an error: {clean(code, 80)}")
    if isinstance(body.get("value"), list):
        if body.get("nextLink"):
            raise ValueError(
                "it is one page of a list: add the value of the other pages to its own, and take its nextLink out"
            )
        return _told(body["value"])
    if _is_vm_view(body):
        raise ValueError("it is the view of one VM: give the list of the instances, with their views")
    if _is_view(body):
        if not isinstance(body.get("instances", []), list):
            raise ValueError("its instances are no list")
        listed_too = _told(body["instances"]) if "instances" in body else {}
        return {"view": InstanceView.from_json(body), **listed_too}
    resource = _resource(body)
    if "runningStatus" in resource["properties"]:
        return {"rolling_upgrade": RollingUpgrade.from_json(resource)}
    if _is_vm(resource):
        raise ValueError("it is one VM: give the list of the instances")
    if "sku" in resource or _OF_MODELS & resource["properties"].keys():
        return {"scale_set": ScaleSet.from_json(_model(resource))}
    raise ValueError(f"it is not {_KINDS}")


def _sets_of(body: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Return the ids of the scale sets that a body is of, as far as it tells: its own, or those of its instances."""
    if isinstance(body, list):
        return [name for each in body for name in _sets_of(each)]
    for key in ("value", "instances"):
        if isinstance(body.get(key), list):
            return _sets_of(body[key])
    resource = Body(_resource(body))
    owner = resource.child("properties").free_form("virtualMachineScaleSet").text("id")
    found = _SET.match(owner or resource.text("id") or "")
    return [found[0]] if found else []


def _error_code(body: Mapping[str, Any]) -> str | None:
    """Return the code of an error; None for anything else. A rolling upgrade, as az prints it, may have an error."""
    error = body.get("error")
    return str(error.get("code")) if isinstance(error, dict) and "runningStatus" not in body else None


def _is_view(body: Mapping[str, Any]) -> bool:
    return (
        not body
        or bool({"virtualMachine", "orchestrationServices"} & body.keys())
        or ("statuses" in body and "sku" not in body)
    )


def _is_vm_view(body: Mapping[str, Any]) -> bool:
    """Return whether a body is the view of one VM. A status alone does not tell; a power state does."""
    statuses = body.get("statuses")
    listed = statuses if isinstance(statuses, list) else ()
    codes = [str(each.get("code")) for each in listed if isinstance(each, dict)]
    return bool(_OF_VM_VIEWS & body.keys()) or any(in_group(each, "PowerState") for each in codes)


def _is_vm(resource: Mapping[str, Any]) -> bool:
    return "instanceId" in resource or bool(_OF_VMS & resource["properties"].keys())


def _instance(body: object) -> dict[str, Any]:
    resource = _resource(body)
    if _is_vm(resource) and (resource.get("instanceId") or resource.get("name")):
        return resource
    if _OF_MODELS & resource["properties"].keys():
        raise ValueError("it is a list of scale sets: give one of them")
    if _is_vm_view(resource["properties"]):
        raise ValueError("it is a list of views of VMs: give the list of the instances, with their views")
    raise ValueError(
        "it is no list of instances as REST, az or an SDK prints it: each has an instanceId, or a name and a vmId"
    )


def _model(resource: dict[str, Any]) -> dict[str, Any]:
    profile = Body(resource).child("properties").child("virtualMachineProfile").child("extensionProfile")
    if profile.children("extensions"):
        extensions = resource["properties"]["virtualMachineProfile"]["extensionProfile"]
        extensions["extensions"] = [_extension(each) for each in extensions["extensions"]]
    return resource


def _extension(body: dict[str, Any]) -> dict[str, Any]:
    if "properties" in body:
        return body
    kind = next((body[key] for key in _TYPES if body.get(key)), body.get("type"))
    return _wrapped({**body, "type": kind}, _OF_EXTENSIONS)


def _resource(body: object) -> dict[str, Any]:
    """Return a resource as REST spells it, with an object as its properties."""
    if not isinstance(body, dict):
        raise ValueError(f"a resource is an object, not a {type(body).__name__}")  # noqa: TRY004 - of a file
    resource = _wrapped(body, _OUTSIDE)
    Body(resource["properties"], (None, "properties", None))
    return resource


def _wrapped(body: dict[str, Any], outside: set[str]) -> dict[str, Any]:
    """Put what az and the SDKs spell beside a resource's name back into its properties."""
    if "properties" in body:
        return body
    own = {key: value for key, value in body.items() if key in outside}
    return {**own, "properties": {key: value for key, value in body.items() if key not in outside}}


def _camel(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with the names that REST has."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    renamed = {_of_rest(key): each for key, each in value.items()}
    return {key: each if key in _FREE else _camel(each) for key, each in renamed.items()}


def _of_rest(key: str) -> str:
    name = stored_key(key)
    return _OF_REST.get(name.lower(), name)
