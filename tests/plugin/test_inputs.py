"""What is wrong with inputs, in the words of every language: by its path, with what would be right."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2

from pulumi_vmss_health.plugin import inputs, wire

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
        ({"soonest": True}, "policy", "the policy has fields that this version does not know: soonest"),
        ({"min_healthy": 1}, "policy", "fields that this version does not know: "),
    ],
)
def test_a_wrong_policy_is_refused_by_the_path_of_its_field(policy: dict[str, Any], path: str, text: str) -> None:
    ((property_, reason),) = of_policy(**policy)
    assert property_ == path
    assert text in reason
    if "min_healthy" not in policy:
        assert not [word for word in PYTHON if word in reason]


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
    assert of_policy(minHealthy=unknown, extensions=["a", unknown]) == []
    # The hold is to be compared with a timeout that nobody knows.
    assert of_policy(hold="40m", timeout=unknown) == []
    assert [path for path, _ in of_policy(hold="soon", timeout=unknown)] == ["policy.hold"]


def secret(value: object) -> dict[str, object]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


@pytest.mark.parametrize("key", list(inputs.GATE))
def test_a_secret_that_is_wrong_is_not_shown(key: str) -> None:
    ((path, reason),) = refused({"scaleSetId": ID, key: secret({CANARY: CANARY} if key != "skip" else CANARY)})
    assert path == key
    assert f"{key} is a secret, and wrong: it must " in reason
    assert CANARY not in reason


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
