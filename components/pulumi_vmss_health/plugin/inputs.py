"""What people give to the package's resources, checked as soon as it is known, in the words of their languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.plugin import wire
from vmss_instance_view.azure.settings import VARIABLES
from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.keys import stored_key
from vmss_instance_view.scale_set_id import ScaleSetId

SECRET_SETTINGS = ("clientCertificatePassword", "clientSecret", "oidcRequestToken", "oidcToken")
SWITCHES = ("disableInstanceDiscovery", "useDefaultAzureCredential", "useMsi", "useOidc")
RECHECK = ("on_change", "always")
ON_FAILURE = ("fail", "warn")

Refusal = tuple[str, str]
"""Of a property that is wrong: its path, and what would be right."""

Refusals = Iterator[Refusal]

_POLICY = {each.name: f"policy.{stored_key(each.name)}" for each in fields(GatePolicy)}
_LONG = "9999h"  # stands in for a timeout that is not known yet: whatever is compared with it is shorter
_OF_PULUMI = ("version", "pluginDownloadURL")
_KINDS = {
    "dict": "an object",
    "list": "a list",
    "str": "a text",
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "NoneType": "null",
}

Check = Callable[[str, Any], Refusals]

WRONG_SECRET_ID = "scaleSetId is a secret, and not the ARM id of a scale set"  # noqa: S105 - no password


def refusals(checks: Mapping[str, Check], news: Mapping[str, Any]) -> Refusals:
    """What is wrong with inputs, as they were received, and with what is no input."""
    for key in news.keys() - checks.keys():
        if not key.startswith("__"):
            yield key, f"{key} is no input; there are {', '.join(checks)}"
    for key, check in checks.items():
        given = news.get(key)
        value = wire.plain(given)
        if value is None and key != "scaleSetId":
            continue
        if key == EVIDENCE_FILE and wire.is_secret(given):
            yield key, f"{key} is a secret, and wrong: {_SHAPES[key]}"
            continue
        for path, text in check(key, value):
            yield path, text if not wire.is_secret(given) else f"{path} is a secret, and wrong: {_SHAPES[key]}"


def as_before(olds: Mapping[str, Any], news: wire.Values) -> wire.Values:
    """Return inputs in which a scale set is written as before, if it is the same one: else it would be a change."""
    known = {key: _as_before(olds.get(key), news[key]) for key in ("scaleSetId",) if key in news}
    return {**news, **known}


def _as_before(old: object, new: object) -> object:
    is_same = ScaleSetId.are_same(wire.plain(old), wire.plain(new)) and wire.is_secret(old) == wire.is_secret(new)
    return old if is_same else new


def setting_refusals(settings: Mapping[str, Any]) -> Refusals:
    """What is wrong with the settings of a provider, which programs and configuration give as texts."""
    for key, given in settings.items():
        value = wire.plain(given)
        if key in _OF_PULUMI or key.startswith("__") or not wire.is_known(value) or value is None:
            continue
        if key not in VARIABLES:
            yield key, f"{key} is no setting of vmss-health; there are {', '.join(VARIABLES)}"
        elif key in SWITCHES and value not in (True, False, "true", "false"):
            yield key, f"{key} must be true or false"
        elif key not in SWITCHES and not isinstance(value, str):
            yield key, f"{key} must be a text, not {_kind(value)}"


def in_wire_words(text: str) -> str:
    """Return what the policy says of a field, which it says to Python programs, for every language."""
    one_word = "|".join(name for name in _POLICY if "_" not in name)
    names = "|".join(name for name in _POLICY if "_" in name)
    text = re.sub(rf"\b(?:{names})\b|^(?:{one_word})\b|\b(?:{one_word})(?= \()", lambda found: _POLICY[found[0]], text)
    return _with_kinds(text.replace("None", "'never'")).replace("a timedelta or a text", "a text")


def _with_kinds(text: str) -> str:
    """Return a text with the kinds of JSON in place of Python's types."""
    return re.sub(rf"\bnot ({'|'.join(_KINDS)})(?=$|;)", lambda found: f"not {_KINDS[found[1]]}", text)


def _scale_set_id(key: str, value: object) -> Refusals:
    try:
        if wire.is_known(value):
            ScaleSetId.parse(value)
    except InvalidScaleSetId as error:
        yield key, f"{key}: {_with_kinds(str(error))}"


def _policy(key: str, value: object) -> Refusals:
    """Refuse a policy field by its path. Those not known yet, also in part, are left to the update."""
    if not isinstance(value, Mapping):
        if wire.is_known(value):
            yield key, f"{key} must be an object with the fields of a policy, not {_kind(value)}"
        return
    known = {name: each for name, each in value.items() if each is not None and wire.is_known(each)}
    if "timeout" in value and "timeout" not in known:
        known["timeout"] = _LONG
    try:
        _refuse_fractions(known)
        GatePolicy.from_json(known)
    except (ValueError, TypeError) as error:
        text = in_wire_words(str(error))
        path = text.split(" ", 1)[0]
        yield path if path in _POLICY.values() else key, text


def _refuse_fractions(policy: Mapping[str, Any]) -> None:
    """Refuse 2.5 VMs. The policy itself takes any number that Pulumi passes as a float for a whole one."""
    for name in ("minHealthy", "minHealthyPerZone", "capacity"):
        if isinstance(policy.get(name), float):
            raise TypeError(f"policy.{name} must be a whole number, not {policy[name]}")


def _one_of(choices: tuple[str, ...]) -> Check:
    def check(key: str, value: object) -> Refusals:
        if wire.is_known(value) and value not in choices:
            have = repr(value) if isinstance(value, str) else _kind(value)
            yield key, f"{key} must be {' or '.join(map(repr, choices))}, not {have}"

    return check


def _switch(key: str, value: object) -> Refusals:
    if wire.is_known(value) and not isinstance(value, bool):
        yield key, f"{key} must be true or false, not {_kind(value)}"


def _list(key: str, value: object) -> Refusals:
    if wire.is_known(value) and not isinstance(value, list):
        yield key, f"{key} must be a list of values, not {_kind(value)}"


def _file(key: str, value: object) -> Refusals:
    if not isinstance(value, str):
        yield key, f"{key} must be a path such as 'web.json', not {_kind(value)}"
    elif not value or "\0" in value:
        yield key, f"{key} must be a path such as 'web.json'"


def _kind(value: object) -> str:
    return _KINDS[type(value).__name__]


_VIEW_OF: dict[str, Check] = {"scaleSetId": _scale_set_id, "includeInstances": _switch}
_WHEN: dict[str, Check] = {"triggers": _list, "recheck": _one_of(RECHECK)}

GATE: Mapping[str, Check] = {
    "scaleSetId": _scale_set_id,
    "policy": _policy,
    **_WHEN,
    "onFailure": _one_of(ON_FAILURE),
    "skip": _switch,
    EVIDENCE_FILE: _file,
}
VIEW: Mapping[str, Check] = {**_VIEW_OF, **_WHEN, "skip": _switch}
FUNCTION: Mapping[str, Check] = _VIEW_OF

_SHAPES = {
    "scaleSetId": "it must look like /subscriptions/{subscription}/resourceGroups/{resource group}"
    "/providers/Microsoft.Compute/virtualMachineScaleSets/{scale set}",
    "policy": "it must be an object with the fields of a policy",
    "triggers": "it must be a list",
    "recheck": f"it must be {' or '.join(RECHECK)}",
    "onFailure": f"it must be {' or '.join(ON_FAILURE)}",
    "skip": "it must be true or false",
    EVIDENCE_FILE: "it must be a path in the clear, for errors name it",
    "includeInstances": "it must be true or false",
}
