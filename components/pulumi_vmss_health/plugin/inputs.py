"""What people give to the package's resources, checked as soon as it is known, in the words of their languages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields
from typing import Any

from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE
from pulumi_vmss_health.fleets.asked import AT_FAILURE, check_names, refuse_duplicates, required_of
from pulumi_vmss_health.judging.policy import CHOICES, GatePolicy
from pulumi_vmss_health.plugin import wire
from vmss_instance_view.azure.settings import VARIABLES
from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.keys import stored_key
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import named

SECRET_SETTINGS = ("clientCertificatePassword", "clientSecret", "oidcRequestToken", "oidcToken")
SWITCHES = ("disableInstanceDiscovery", "useDefaultAzureCredential", "useMsi", "useOidc")
RECHECK = ("on_change", "always")
ON_FAILURE = ("fail", "warn")

Refusal = tuple[str, str]
"""Of a property that is wrong: its path, and what would be right."""

Refusals = Iterator[Refusal]

_FIELDS = {each.name: stored_key(each.name) for each in fields(GatePolicy)}
_POLICY = {name: f"policy.{field}" for name, field in _FIELDS.items()}
_WORDS = {**_POLICY, "scale_sets": "scaleSetIds", "min_healthy_sets": "minHealthySets"}
_LONG = "9999h"  # stands in for a timeout that is not known yet: whatever is compared with it is shorter
_MANY = 10**6  # more sets than any fleet has
_EXAMPLE = '{"web-weu": "/subscriptions/…/virtualMachineScaleSets/web"}'
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

IDS = ("scaleSetId", "scaleSetIds")
"""The inputs that say which scale sets; they have to be there."""

WRONG_SECRET_ID = "scaleSetId is a secret, and not the ARM id of a scale set"  # noqa: S105 - no password


def refusals(checks: Mapping[str, Check], news: Mapping[str, Any]) -> Refusals:
    """Yield what is wrong with inputs, as they were received, and with what is no input."""
    for key in news.keys() - checks.keys():
        if not key.startswith("__"):
            yield key, f"{key} is no input; there are {', '.join(checks)}"
    for key, check in checks.items():
        given = news.get(key)
        value = wire.plain(given)
        if value is None and key not in IDS:
            continue
        if key == EVIDENCE_FILE and wire.is_secret(given):
            yield key, f"{key} is a secret, and wrong: {_SHAPES[key]}"
            continue
        for path, text in check(key, value):
            yield path, _without_secrets(key, path, text, given)


def _without_secrets(key: str, path: str, text: str, given: object) -> str:
    """Return what is wrong at a path of an input; only what would be right, where that could tell a secret."""
    shape = _SHAPES.get(path) or _SHAPES.get(f"{key}[]", _SHAPES[key])
    entries = {_entry(key, name): each for name, each in given.items()} if isinstance(given, Mapping) else {}
    if wire.is_secret(given) or wire.is_secret(entries.get(path)):
        return f"{path} is a secret, and wrong: {shape}"
    if wire.holds_secret(entries.get(path, given)):
        return f"{path} is wrong (not shown, for {key} holds a secret): {shape}"
    return text


def _entry(key: str, name: str) -> str:
    """Return the path of an entry of a map."""
    return f"{key}[{json.dumps(name, ensure_ascii=False)}]"


def fleet_refusals(news: Mapping[str, Any]) -> Refusals:
    """Return what is wrong with the inputs of a fleet, also with one beside another."""
    ids = wire.plain(news.get("scaleSetIds"))
    return refusals(_fleet(ids if isinstance(ids, Mapping) else ()), news)


def unnoticed(news: Mapping[str, Any]) -> str:
    """Return a warning, if nothing that was given changes with a scale set; an empty list says that this is meant.

    The plugin gets an id as a text, and not of which resource it is (Pulumi's provider.proto: CheckRequest has the
    inputs, and no dependencies of them).
    """
    given = wire.plain(news)
    if given.get("triggers") is not None or given.get("recheck") not in (None, "on_change") or given.get("skip"):
        return ""
    advice = 'give the etag and uniqueId in {}, or recheck: "always"; an empty list says that to pass once is enough'
    if "scaleSetIds" not in given:
        return f"no change of the scale set would be noticed: {advice.format('triggers')}"
    ids, triggers = given["scaleSetIds"], given.get("setTriggers") or {}
    if not isinstance(ids, Mapping) or not isinstance(triggers, Mapping):  # not known yet
        return ""
    without = [name for name in ids if triggers.get(name) is None]
    return f"no change of {named(without)} would be noticed: {advice.format('setTriggers')}" if without else ""


def as_before(olds: Mapping[str, Any], news: wire.Values) -> wire.Values:
    """Return inputs in which a scale set is written as before, if it is the same one: else it would be a change."""
    return {**news, **{key: spelled_as(olds.get(key), news[key]) for key in IDS if key in news}}


def spelled_as(other: Any, ids: Any) -> Any:  # noqa: ANN401 - JSON
    """Return an id, or a map of ids, as the other writes it, if it is the same scale set and as much of a secret."""
    if wire.is_secret(ids) != wire.is_secret(other):
        return ids
    if isinstance(ids, Mapping) and isinstance(other, Mapping):
        # Of two secrets, too: beside the mark they hold a value.
        return {key: spelled_as(other.get(key), each) for key, each in ids.items()}
    return other if ScaleSetId.are_same(other, ids) else ids


def canonical(ids: Any) -> Any:  # noqa: ANN401 - JSON
    """Return an id, or a map of ids, as outputs have it; a mark, and what is no id, stays as it is."""
    if isinstance(ids, Mapping):
        return {key: canonical(each) for key, each in ids.items()}
    try:
        return str(ScaleSetId.parse(ids))
    except InvalidScaleSetId:
        return ids


def setting_refusals(settings: Mapping[str, Any]) -> Refusals:
    """Yield what is wrong with the settings of a provider, which programs and configuration give as texts."""
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
    one_word = "|".join(name for name in _WORDS if "_" not in name)
    names = "|".join(name for name in _WORDS if "_" in name)
    text = re.sub(rf"\b(?:{names})\b|^(?:{one_word})\b|\b(?:{one_word})(?= \()", lambda found: _WORDS[found[0]], text)
    text = re.sub(r"\bNone(?= is allowed| only the timeout)", "'never'", text)
    return _with_kinds(text).replace("a timedelta or a text", "a text")


def _with_kinds(text: str) -> str:
    """Return a text with the kinds of JSON in place of Python's types."""
    return re.sub(rf"\bnot ({'|'.join(_KINDS)})(?=$|;)", lambda found: f"not {_KINDS[found[1]]}", text)


def _scale_set_id(key: str, value: object) -> Refusals:
    try:
        if wire.is_known(value):
            ScaleSetId.parse(value)
    except InvalidScaleSetId as error:
        yield key, f"{key}: {_with_kinds(str(error))}"


def _scale_set_ids(key: str, value: object) -> Refusals:
    """Refuse an entry by its path. Those not known yet are left to the update."""
    if not isinstance(value, Mapping):
        if wire.is_known(value):
            yield key, f"{key} must be a map of names to ids, such as {_EXAMPLE}, not {_kind(value)}"
        return
    if not value:
        yield key, f"{key} must name at least one scale set, such as {_EXAMPLE}"
        return
    wrong = [each for name, id_ in value.items() for each in _scale_set_id(_entry(key, name), id_)]
    yield from wrong
    try:
        check_names(value)
        if not wrong:
            refuse_duplicates((name, ScaleSetId.parse(id_)) for name, id_ in value.items() if wire.is_known(id_))
    except ValueError as error:
        yield key, str(error).replace("scale_sets", key, 1)


def _minimum(sets: int | None) -> Check:
    """Return the check of how many have to be healthy. sets: how many there are, where that is known."""

    def check(key: str, value: object) -> Refusals:
        if not wire.is_known(value):
            return
        try:
            _refuse_fraction(key, value)
            required_of(value, sets or _MANY)
        except (ValueError, TypeError) as error:
            yield key, in_wire_words(str(error))

    return check


def _set_triggers(names: Collection[str]) -> Check:
    """Return the check of triggers by the names of sets. names: those there are, where they are known."""

    def check(key: str, value: object) -> Refusals:
        if not isinstance(value, Mapping):
            if wire.is_known(value):
                yield key, f"{key} must be a map of names of sets to lists of values, not {_kind(value)}"
            return
        for name, each in value.items():
            entry = _entry(key, name)
            yield from _list(entry, each)
            if names and name not in names:
                yield entry, f"{entry} is of no scale set: scaleSetIds has {named(list(names))}"

    return check


def _policy(key: str, value: object) -> Refusals:
    """Refuse a policy field by its path. Those not known yet, also in part, are left to the update."""
    if not isinstance(value, Mapping):
        if wire.is_known(value):
            yield key, f"{key} must be an object with the fields of a policy, not {_kind(value)}"
        return
    names = tuple(_FIELDS.values())
    for name in sorted(value.keys() - set(names)):
        yield key, f"{key} has no field {name!r}; it has {', '.join(names)}"
    known = {name: each for name, each in value.items() if name in names and wire.is_known(each)}
    if not wire.is_known(value.get("timeout")):
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
        _refuse_fraction(f"policy.{name}", policy.get(name))


def _refuse_fraction(path: str, value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"{path} must be a whole number, not {value}")


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


def _fleet(names: Collection[str]) -> Mapping[str, Check]:
    return {
        "scaleSetIds": _scale_set_ids,
        "policy": _policy,
        "minHealthySets": _minimum(len(names) or None),
        "onSetFailure": _one_of(AT_FAILURE),
        "triggers": _list,
        "setTriggers": _set_triggers(names),
        "recheck": _one_of(RECHECK),
        "onFailure": _one_of(ON_FAILURE),
        "skip": _switch,
    }


FLEET = _fleet(())
VIEW: Mapping[str, Check] = {**_VIEW_OF, **_WHEN, "skip": _switch}
FUNCTION: Mapping[str, Check] = _VIEW_OF

_ID = (
    "look like /subscriptions/{subscription}/resourceGroups/{resource group}"
    "/providers/Microsoft.Compute/virtualMachineScaleSets/{scale set}"
)
_AMOUNT = "it must be a count such as 3 or a percentage such as '90%'"
_DURATION = "it must be a duration such as '90s' or '1h30m'"
_SHAPES = {
    "scaleSetId": f"it must {_ID}",
    "scaleSetIds": f"it must hold the ids of different scale sets by names of your choice; they {_ID}",
    "scaleSetIds[]": f"it must {_ID}",
    "minHealthySets": "it must be a count, at most of the sets that there are, or a percentage such as '90%'",
    "onSetFailure": f"it must be {' or '.join(AT_FAILURE)}",
    "setTriggers": "it must be a map of names of sets to lists",
    "setTriggers[]": "it must be a list",
    "policy": "it must be an object with the fields of a policy",
    **{_POLICY[name]: f"it must be {' or '.join(choices)}" for name, choices in CHOICES.items()},
    "policy.minHealthy": f"{_AMOUNT}, at most policy.capacity",
    "policy.minHealthyPerZone": _AMOUNT,
    "policy.capacity": "it must be a whole number, at least 0",
    "policy.extensions": "it must be 'all' or a list of names, none of them in policy.ignoreExtensions",
    "policy.ignoreExtensions": "it must be a list of names",
    "policy.ignoreFailureCodes": "it must be a list of failure codes, of each the last part",
    "policy.timeout": _DURATION,
    "policy.hold": f"{_DURATION}, shorter than policy.timeout, or 'auto'",
    "policy.confirmFailure": f"{_DURATION}, shorter than policy.timeout, or 'never'",
    "triggers": "it must be a list",
    "recheck": f"it must be {' or '.join(RECHECK)}",
    "onFailure": f"it must be {' or '.join(ON_FAILURE)}",
    "skip": "it must be true or false",
    EVIDENCE_FILE: "it must be a path in the clear, for errors name it",
    "includeInstances": "it must be true or false",
}
