"""What is wrong with inputs, in the words of every language: by its path, with what would be right."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from google.protobuf import struct_pb2

from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.plugin import inputs, wire
from vmss_instance_view.keys import stored_key

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
CANARY = "canary-4c1d"
PYTHON = ("None", "timedelta", "dict", "NoneType", "min_healthy", "confirm_failure", "ignore_extensions", "Traceback")
# What sdk/go/common/resource/plugin/rpc.go sends for a value of each type that is not known yet.
UNKNOWNS = [
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]


def refused(given: dict[str, Any], checks: Any = inputs.GATE) -> list[tuple[str, str]]:
    """The refusals of what a program gives, sent as the engine sends it."""
    struct = struct_pb2.Struct()
    struct.update(given)
    return list(inputs.refusals(checks, wire.received(struct)))


def of_policy(**policy: Any) -> list[tuple[str, str]]:
    return refused({"scaleSetId": ID, "policy": policy})


@pytest.mark.parametrize(
    ("policy", "path", "text"),
    [
        ({"minHealthy": "9O%"}, "policy.minHealthy", "policy.minHealthy must be a count such as 3 or a percentage"),
        ({"minHealthy": 0}, "policy.minHealthy", "policy.minHealthy must be at least 1, not 0"),
        ({"minHealthy": 2.5}, "policy.minHealthy", "policy.minHealthy must be a whole number, not 2.5"),
        ({"minHealthy": True}, "policy.minHealthy", "or a percentage such as '90%', not a boolean"),
        ({"minHealthyPerZone": []}, "policy.minHealthyPerZone", "not a list"),
        ({"capacity": "3"}, "policy.capacity", "policy.capacity must be a whole number, not a text"),
        ({"extensions": "cse"}, "policy.extensions", "policy.extensions must be 'all' or a list of names, not 'cse'"),
        ({"ignoreExtensions": [1]}, "policy.ignoreExtensions", "must hold names of extensions, not a number"),
        ({"ignoreExtensions": [None]}, "policy.ignoreExtensions", "must hold names of extensions, not null"),
        ({"ignoreExtensions": [""]}, "policy.ignoreExtensions", "must hold names of extensions, not an empty text"),
        ({"ignoreFailureCodes": ["failed/50"]}, "policy.ignoreFailureCodes", "the last part of a code, such as '50'"),
        ({"setStatus": "on"}, "policy.setStatus", "must be 'auto' or 'required' or 'ignored', not 'on'"),
        ({"powerState": {}}, "policy.powerState", "must be 'running' or 'ignored', not an object"),
        ({"timeout": "soon"}, "policy.timeout", "policy.timeout must look like '90s', '30m' or '1h30m'"),
        ({"timeout": 30}, "policy.timeout", "policy.timeout must be a text with units such as '30m' or '1h30m'"),
        ({"timeout": "0s"}, "policy.timeout", "policy.timeout must be longer than 0s"),
        ({"hold": "40m"}, "policy.hold", "policy.hold (40m) must be shorter than policy.timeout (30m)"),
        (
            {"confirmFailure": 1},
            "policy.confirmFailure",
            "'never' is allowed, too: only the timeout then ends the wait",
        ),
        (
            {"confirmFailure": "5m", "timeout": "2m"},
            "policy.confirmFailure",
            "must be shorter than policy.timeout (2m); with 'never' only the timeout ends the wait",
        ),
        ({"capacity": 2, "minHealthy": 3}, "policy.minHealthy", "must not be more than policy.capacity (2)"),
        ({"extensions": ["a"], "ignoreExtensions": ["a"]}, "policy.extensions", "policy.ignoreExtensions both name a"),
        ({"soonest": True}, "policy", "policy has no field 'soonest'; it has minHealthy, minHealthyPerZone, "),
        ({"min_healthy": 1}, "policy", "policy has no field 'min_healthy'; it has minHealthy, minHealthyPerZone, "),
    ],
)
def test_a_wrong_policy_is_refused_by_the_path_of_its_field(policy: dict[str, Any], path: str, text: str) -> None:
    ((property_, reason),) = of_policy(**policy)
    assert property_ == path
    assert text in reason
    assert not [word for word in PYTHON if word in reason and word not in policy]


@pytest.mark.parametrize(
    ("given", "path", "text"),
    [
        ({}, "scaleSetId", "scaleSetId: scale set id must be a text, not null"),
        ({"scaleSetId": "web"}, "scaleSetId", "scaleSetId: no leading '/'"),
        ({"scaleSetId": ["web"]}, "scaleSetId", "must be a text, not a list; it looks like /subscriptions/"),
        ({"scaleSetId": ID, "policy": "30m"}, "policy", "must be an object with the fields of a policy, not a text"),
        ({"scaleSetId": ID, "triggers": "a"}, "triggers", "triggers must be a list of values, not a text"),
        ({"scaleSetId": ID, "recheck": "often"}, "recheck", "recheck must be 'on_change' or 'always', not 'often'"),
        ({"scaleSetId": ID, "onFailure": 1}, "onFailure", "onFailure must be 'fail' or 'warn', not a number"),
        ({"scaleSetId": ID, "skip": "no"}, "skip", "skip must be true or false, not a text"),
        ({"scaleSetId": ID, "scaleSet": ID}, "scaleSet", "scaleSet is no input; there are scaleSetId, policy,"),
    ],
)
def test_a_wrong_input_is_refused_by_its_name(given: dict[str, Any], path: str, text: str) -> None:
    ((property_, reason),) = refused(given)
    assert property_ == path
    assert text in reason


def test_a_view_is_asked_for_instances_by_true_or_false() -> None:
    for checks in (inputs.VIEW, inputs.FUNCTION):
        assert refused({"scaleSetId": ID, "includeInstances": "no"}, checks) == [
            ("includeInstances", "includeInstances must be true or false, not a text")
        ]


@pytest.mark.parametrize("unknown", UNKNOWNS)
def test_what_is_not_known_yet_is_left_to_the_update_also_in_a_policy(unknown: str) -> None:
    everything = dict.fromkeys(("scaleSetId", "policy", "triggers", "recheck", "onFailure", "skip"), unknown)
    assert refused(everything) == []
    assert of_fleet(**dict.fromkeys(inputs.FLEET, unknown)) == []
    assert of_policy(minHealthy=unknown, extensions=["a", unknown]) == []
    # The hold is to be compared with a timeout that nobody knows.
    assert of_policy(hold="40m", timeout=unknown) == []
    assert [path for path, _ in of_policy(hold="soon", timeout=unknown)] == ["policy.hold"]


@pytest.mark.parametrize(
    ("given", "unnoticed"),
    [
        ({"scaleSetId": ID}, "the scale set"),
        ({"scaleSetId": ID, "triggers": None, "recheck": "on_change", "skip": False}, "the scale set"),
        ({"scaleSetId": wire.secret(ID)}, "the scale set"),
        ({"scaleSetId": ID, "triggers": []}, None),
        ({"scaleSetId": ID, "triggers": wire.secret(["1"])}, None),
        ({"scaleSetId": ID, "recheck": "always"}, None),
        ({"scaleSetId": ID, "skip": True}, None),
        *[({"scaleSetId": ID, key: wire.UNKNOWN}, None) for key in ("triggers", "recheck", "skip")],
        ({"scaleSetIds": {"a": ID, "b": wire.UNKNOWN}}, "a, b"),
        ({"scaleSetIds": {"a": ID, "b": ID, "c": ID}, "setTriggers": {"a": ["1"], "b": [], "c": None}}, "c"),
        ({"scaleSetIds": {"a": ID, "b": ID}, "setTriggers": {"a": ["1"], "b": ["1"]}}, None),
        ({"scaleSetIds": {"a": ID}, "triggers": ["1"]}, None),
        ({"scaleSetIds": {"a": ID}, "setTriggers": wire.UNKNOWN}, None),
        ({"scaleSetIds": wire.UNKNOWN}, None),
    ],
)
def test_of_a_gate_that_nothing_would_start_again_is_told_unless_an_empty_list_means_it(
    given: dict[str, Any], unnoticed: str | None
) -> None:
    (told, _, advice) = inputs.unnoticed(given).partition(" would be noticed: ")
    assert told == (f"no change of {unnoticed}" if unnoticed else "")
    assert ("setTriggers" in advice) == bool(unnoticed and "scaleSetIds" in given)


def test_what_a_program_calls_none_keeps_its_name() -> None:
    ((_, reason),) = of_policy(extensions=["None"], ignoreExtensions=["None"])
    assert reason == "policy.extensions and policy.ignoreExtensions both name None"
    ((_, reason),) = of_policy(confirmFailure="None")
    assert reason.endswith(", not 'None'; 'never' is allowed, too: only the timeout then ends the wait")


def test_every_name_that_is_no_field_is_told_beside_a_field_that_is_wrong() -> None:
    told = [reason.partition(";")[0] for _, reason in of_policy(min_healthy=1, confirm_failure="5m", hold="soon")]
    assert told[:2] == ["policy has no field 'confirm_failure'", "policy has no field 'min_healthy'"]
    assert told[2].startswith("policy.hold must look like")


def test_a_timeout_of_null_is_the_default_to_the_check_of_the_hold() -> None:
    assert [path for path, _ in of_policy(hold="40m", timeout=None)] == ["policy.hold"]


IDS = {"web-weu": ID, "web-neu": f"{ID}2"}


def of_fleet(**given: Any) -> list[tuple[str, str]]:
    """The refusals of what a program gives to the gate of a fleet."""
    struct = struct_pb2.Struct()
    struct.update({"scaleSetIds": IDS, **given})
    return list(inputs.fleet_refusals(wire.received(struct)))


@pytest.mark.parametrize(
    ("given", "path", "text"),
    [
        ({"scaleSetIds": None}, "scaleSetIds", "scaleSetIds must be a map of names to ids, such as {"),
        ({"scaleSetIds": [ID]}, "scaleSetIds", '/virtualMachineScaleSets/web"}, not a list'),
        ({"scaleSetIds": {}}, "scaleSetIds", 'scaleSetIds must name at least one scale set, such as {"web-weu": '),
        (
            {"scaleSetIds": {"web-weu": ID, "b": "web"}},
            'scaleSetIds["b"]',
            "scaleSetIds[\"b\"]: no leading '/' in scale set id 'web'; it looks like /subscriptions/",
        ),
        ({"scaleSetIds": {'a"b': 3}}, r'scaleSetIds["a\"b"]', "scale set id must be a text, not a number"),
        ({"scaleSetIds": {"a": None}}, 'scaleSetIds["a"]', "must be a text, not null"),
        ({"scaleSetIds": {"a\n": ID}}, "scaleSetIds", "scaleSetIds: 'a' is no name: use letters, digits and dashes"),
        ({"scaleSetIds": {"": ID}}, "scaleSetIds", "scaleSetIds: '' is no name"),
        (
            {"scaleSetIds": {"a": ID, "None": ID.replace("web", "WEB/")}},
            "scaleSetIds",
            "scaleSetIds: 'None' and 'a' are the same scale set",
        ),
        ({"minHealthySets": 3}, "minHealthySets", "minHealthySets (3) must not be more than the number of scale sets"),
        ({"minHealthySets": 0}, "minHealthySets", "minHealthySets must be at least 1, not 0"),
        ({"minHealthySets": 1.5}, "minHealthySets", "minHealthySets must be a whole number, not 1.5"),
        ({"minHealthySets": "9O%"}, "minHealthySets", "must be a count such as 3 or a percentage such as '90%', not"),
        ({"minHealthySets": "101%"}, "minHealthySets", "minHealthySets must be more than 0% and at most 100%"),
        ({"minHealthySets": True}, "minHealthySets", "or a percentage such as '90%', not a boolean"),
        ({"onSetFailure": "stop"}, "onSetFailure", "onSetFailure must be 'wait' or 'fail', not 'stop'"),
        ({"policy": {"hold": "40m"}}, "policy.hold", "policy.hold (40m) must be shorter than policy.timeout (30m)"),
        ({"setTriggers": ["a"]}, "setTriggers", "must be a map of names of sets to lists of values, not a list"),
        ({"setTriggers": {"web-weu": "a"}}, 'setTriggers["web-weu"]', "must be a list of values, not a text"),
        (
            {"setTriggers": {"web_weu": []}},
            'setTriggers["web_weu"]',
            'setTriggers["web_weu"] is of no scale set: scaleSetIds has web-neu, web-weu',
        ),
        ({"triggers": "a"}, "triggers", "triggers must be a list of values, not a text"),
        ({"recheck": "often"}, "recheck", "recheck must be 'on_change' or 'always', not 'often'"),
        ({"scaleSetId": ID}, "scaleSetId", "scaleSetId is no input; there are scaleSetIds, policy, minHealthySets,"),
        ({"evidenceFile": "web.json"}, "evidenceFile", "evidenceFile is no input"),
    ],
)
def test_a_wrong_input_of_a_fleet_is_refused_by_its_path(given: dict[str, Any], path: str, text: str) -> None:
    ((property_, reason),) = of_fleet(**given)
    assert property_ == path
    assert text in reason
    assert not [word for word in ("scale_set", "min_healthy", "NoneType", "float") if word in reason]


def test_what_is_known_of_a_fleet_is_checked_beside_what_is_not() -> None:
    unknown = UNKNOWNS[0]
    assert of_fleet(scaleSetIds={"a": unknown, "b": ID}, minHealthySets=2, setTriggers={"a": unknown}) == []
    assert of_fleet(scaleSetIds=unknown, minHealthySets=7, setTriggers={"a": []}) == []
    assert [path for path, _ in of_fleet(scaleSetIds={"a": unknown, "b": "web"})] == ['scaleSetIds["b"]']
    assert [path for path, _ in of_fleet(scaleSetIds={"a": unknown, "b": ID}, minHealthySets=3)] == ["minHealthySets"]


def test_every_wrong_id_of_a_fleet_is_named() -> None:
    found = [path for path, _ in of_fleet(scaleSetIds={"a": "web", "b": ID, "c": f"{ID}/x"})]
    assert found == ['scaleSetIds["a"]', 'scaleSetIds["c"]']


def secret(value: object) -> dict[str, object]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


@pytest.mark.parametrize("key", list(inputs.GATE))
def test_a_secret_that_is_wrong_is_not_shown(key: str) -> None:
    ((path, reason),) = refused({"scaleSetId": ID, key: secret({CANARY: CANARY} if key != "skip" else CANARY)})
    assert path == key
    assert f"{key} is a secret, and wrong: it must " in reason
    assert CANARY not in reason


@pytest.mark.parametrize("key", [key for key in inputs.FLEET if key not in inputs.GATE])
def test_a_secret_of_a_fleet_that_is_wrong_is_not_shown(key: str) -> None:
    ((path, reason),) = of_fleet(**{key: secret({"web-weu": CANARY} if key != "onSetFailure" else CANARY)})
    assert path in (key, f'{key}["web-weu"]')
    assert f"{path} is a secret, and wrong: it must " in reason
    assert CANARY not in reason


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"scaleSetIds": {"a": secret(CANARY), "b": ID}}, 'scaleSetIds["a"] is a secret, and wrong: it must look like'),
        ({"scaleSetIds": {"a": secret(ID), "b": "web"}}, "scaleSetIds[\"b\"]: no leading '/' in scale set id 'web'"),
        (
            {"scaleSetIds": {"a": secret(ID), "b": ID}},
            "scaleSetIds is wrong (not shown, for scaleSetIds holds a secret): it must hold",
        ),
        (
            {"policy": {"hold": secret(CANARY)}},
            "policy.hold is wrong (not shown, for policy holds a secret): it must be a duration such as '90s'",
        ),
    ],
)
def test_a_secret_in_an_input_that_is_wrong_is_not_shown_and_what_is_none_is(given: Any, told: str) -> None:
    ((_, reason),) = of_fleet(**given)
    assert reason.startswith(told)
    assert CANARY not in reason


@pytest.mark.parametrize("field", [stored_key(each.name) for each in dataclasses.fields(GatePolicy)])
def test_of_a_field_of_a_policy_with_a_secret_is_said_what_would_be_right_for_that_field(field: str) -> None:
    ((path, reason),) = of_policy(**{field: secret({CANARY: CANARY})})
    assert path == f"policy.{field}"
    assert reason.startswith(f"{path} is wrong (not shown, for policy holds a secret): it must be ")
    assert "an object" not in reason
    assert CANARY not in reason


def test_an_id_that_is_only_spelled_otherwise_is_no_change_and_one_that_becomes_a_secret_is() -> None:
    other = f"{ID.replace('resourceGroups/rg', 'resourcegroups/RG')}/"
    for key, old, new, taken in (
        ("scaleSetId", ID, other, ID),
        ("scaleSetId", secret(ID), secret(other), secret(ID)),
        ("scaleSetId", ID, secret(other), secret(other)),
        ("scaleSetIds", {"a": ID}, {"a": other, "b": other}, {"a": ID, "b": other}),
        ("scaleSetIds", {"a": ID}, {"a": f"{other}2"}, {"a": f"{other}2"}),
        ("scaleSetIds", {"a": secret(ID), "b": ID}, {"a": secret(other), "b": secret(other)}, None),
        ("scaleSetIds", secret({"a": ID}), secret({"a": other}), secret({"a": ID})),
        ("scaleSetIds", secret({"a": ID}), {"a": other}, {"a": other}),
        ("scaleSetIds", {"a": ID}, UNKNOWNS[6], UNKNOWNS[6]),
    ):
        expected = taken if taken is not None else {"a": secret(ID), "b": secret(other)}
        assert inputs.as_before({key: old}, {key: new, "skip": True}) == {key: expected, "skip": True}
    assert inputs.as_before({"scaleSetIds": {"a": ID}}, {}) == {}


def test_a_secret_that_is_right_is_taken() -> None:
    assert refused({"scaleSetId": secret(ID), "policy": secret({"hold": secret("1m")})}) == []


@pytest.mark.parametrize(
    ("settings", "refusals"),
    [
        ({"clientId": "a", "useMsi": "true", "useOidc": False, "version": "0.1.0", "__internal": {}}, []),
        ({"useMsi": "yes"}, [("useMsi", "useMsi must be true or false")]),
        ({"tenantId": 1}, [("tenantId", "tenantId must be a text, not a number")]),
        ({"clientSecret": secret(1)}, [("clientSecret", "clientSecret must be a text, not a number")]),
        ({"clientId": UNKNOWNS[0], "useMsi": UNKNOWNS[1]}, []),
    ],
)
def test_a_setting_is_a_text_or_a_switch(settings: dict[str, Any], refusals: list[tuple[str, str]]) -> None:
    struct = struct_pb2.Struct()
    struct.update(settings)
    assert list(inputs.setting_refusals(wire.received(struct))) == refusals


def test_a_setting_that_does_not_exist_is_refused_with_those_that_do() -> None:
    ((path, reason),) = inputs.setting_refusals({"clientID": "a"})
    assert path == "clientID"
    assert "clientID is no setting of vmss-health; there are clientCertificatePassword, " in reason
