import dataclasses
from datetime import timedelta
from typing import Any

import pulumi
import pytest

from pulumi_vmss_health import GatePolicy
from vmss_instance_view.keys import stored_key


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"min_healthy": "101%"}, "min_healthy must be more than 0% and at most 100%, not '101%'"),
        ({"min_healthy": "0%"}, "min_healthy must be more than 0%"),
        ({"min_healthy": 0}, "min_healthy must be at least 1"),
        ({"min_healthy": "most"}, "min_healthy must be a count such as 3 or a percentage such as '90%', not 'most'"),
        ({"min_healthy": 2.5}, "min_healthy must be a count such as 3 or a percentage such as '90%', not float"),
        ({"min_healthy": True}, "min_healthy must be a count such as 3 or a percentage such as '90%', not bool"),
        ({"capacity": -1}, "capacity must be at least 0"),
        ({"capacity": "3"}, "capacity must be a whole number, not str"),
        ({"extensions": "cse"}, "extensions must be 'all' or a list of names, not 'cse'"),
        ({"extensions": [3]}, "extensions must hold names of extensions, not int"),
        ({"extensions": ["cse", ""]}, "extensions must hold names of extensions, not an empty text"),
        ({"ignore_extensions": "cse"}, "ignore_extensions must be a list of names, not 'cse'"),
        ({"ignore_failure_codes": "X"}, "ignore_failure_codes must be a list of failure codes, not 'X'"),
        ({"ignore_failure_codes": [3]}, "ignore_failure_codes must hold failure codes, not int"),
        (
            {"ignore_failure_codes": ["ProvisioningState/failed/OSProvisioningTimedOut"]},
            "ignore_failure_codes must hold the last part of a code, such as 'OSProvisioningTimedOut', not",
        ),
        ({"set_status": "maybe"}, "set_status must be 'auto' or 'required' or 'ignored', not 'maybe'"),
        ({"application_health": None}, "application_health must be"),
        ({"power_state": "off"}, "power_state must be 'running' or 'ignored', not 'off'"),
        ({"timeout": 30}, "timeout must be a timedelta or a text with units such as '30m' or '1h30m', not int"),
        ({"timeout": "30"}, "timeout must look like '90s', '30m' or '1h30m' (units d, h, m, s), not '30'"),
        ({"timeout": "half an hour"}, "timeout must look like"),
        ({"timeout": "0s"}, "timeout must be longer than 0s"),
        ({"hold": timedelta(seconds=-1)}, "hold must not be negative"),
        ({"hold": None}, "hold must be a timedelta or a text"),
        ({"confirm_failure": 60.0}, "confirm_failure must be a timedelta or a text"),
        ({"hold": "none"}, "(units d, h, m, s), not 'none'; 'auto' is allowed, too"),
        ({"confirm_failure": "none"}, "not 'none'; None is allowed, too: only the timeout then ends the wait"),
    ],
)
def test_a_wrong_field_is_refused_by_name_with_what_would_be_right(given: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        GatePolicy(**given)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"timeout": "5m", "hold": "5m"}, "hold (5m) must be shorter than timeout (5m)"),
        ({"timeout": "1m", "confirm_failure": "2m"}, "confirm_failure (2m) must be shorter than timeout (1m)"),
        ({"extensions": ["CSE"], "ignore_extensions": ["cse"]}, "extensions and ignore_extensions both name CSE"),
        ({"min_healthy": 4, "capacity": 3}, "min_healthy (4) must not be more than capacity (3)"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"must|both") as refused:
        GatePolicy(**given)
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["timeout", "capacity", "min_healthy", "set_status", "extensions"])
def test_an_output_is_refused_as_a_field_and_what_to_give_instead_is_said(name: str) -> None:
    known_later: Any = pulumi.Output.from_input("1m")
    given: Any
    for given in (known_later, [known_later]):
        with pytest.raises(TypeError, match=rf"{name} must not be an Output: .* read it from the configuration"):
            GatePolicy(**{name: given})


def test_a_short_timeout_needs_no_other_confirmation_window() -> None:
    assert GatePolicy(timeout="10s").confirm_seconds == 60


@pytest.mark.parametrize(
    ("min_healthy", "capacity", "required"),
    [("100%", 7, 7), ("90%", 10, 9), ("90%", 11, 10), ("1%", 3, 1), ("99.9%", 1000, 999), ("50%", 0, 0), (2, 5, 2)],
)
def test_a_percentage_of_the_capacity_is_rounded_up(min_healthy: int | str, capacity: int, required: int) -> None:
    assert GatePolicy(min_healthy=min_healthy).required(capacity) == required


def test_state_stores_only_what_the_user_set() -> None:
    assert GatePolicy().to_json() == {}
    assert GatePolicy(timeout="90m", min_healthy="90%").to_json() == {"minHealthy": "90%", "timeout": "1h30m"}


def test_a_field_set_to_its_default_is_stored_for_defaults_may_change() -> None:
    given = GatePolicy(timeout="30m", extensions="all", set_status="auto").to_json()
    assert given == {"timeout": "30m", "extensions": "all", "setStatus": "auto"}


@pytest.mark.parametrize(
    "policy",
    [
        GatePolicy(),
        GatePolicy(min_healthy=2, capacity=3, timeout=timedelta(seconds=90.5), hold="0s"),
        GatePolicy(confirm_failure=None, extensions=["a", "b"], application_health="required"),
        GatePolicy(ignore_failure_codes=["OSProvisioningTimedOut"]),
        GatePolicy(ignore_extensions=["x"], set_status="ignored", power_state="ignored", hold="auto"),
    ],
)
def test_a_stored_policy_comes_back_as_it_was_set(policy: GatePolicy) -> None:
    stored = policy.to_json()
    assert GatePolicy.from_json(stored) == policy
    assert GatePolicy.from_json(stored).to_json() == stored


def test_numbers_come_back_from_pulumi_as_floats() -> None:
    assert GatePolicy.from_json({"minHealthy": 2.0, "capacity": 3.0}) == GatePolicy(min_healthy=2, capacity=3)


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(GatePolicy)])
def test_a_stored_null_is_a_field_that_was_not_set(field: str) -> None:
    read = GatePolicy.from_json({stored_key(field): None})
    assert (read, read.to_json()) == (GatePolicy(), {})


def test_a_field_of_a_newer_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="fields that this version does not know: minQuorum"):
        GatePolicy.from_json({"minQuorum": 3})


def test_a_minimum_per_zone_is_of_the_zones_share_and_nothing_where_zones_do_not_matter() -> None:
    assert GatePolicy(min_healthy_per_zone="50%").required_per_zone(3) == 2
    assert GatePolicy(min_healthy_per_zone=1).required_per_zone(3) == 1
    assert GatePolicy().required_per_zone(3) == 0


def test_the_docstring_describes_every_field_in_its_order_whatever_python_makes_of_its_indentation() -> None:
    told = GatePolicy.descriptions()
    assert list(told) == [each.name for each in dataclasses.fields(GatePolicy)]
    assert told["timeout"] == "how long the gate waits at most"
