"""The verdicts on bodies that Azure really sent, from the view alone, and on our own with the same codes and counts."""

from typing import Any

import pytest
from tests.recorded import own, recorded

from pulumi_vmss_health import GatePolicy, InstanceView, Snapshot, State, Verdict, evaluate

FAILING, PROGRESSING, HEALTHY = State.FAILING, State.PROGRESSING, State.HEALTHY

# recorded body, our own, the policy, the state
TABLE: list[tuple[str, str, dict[str, Any], State]] = [
    ("doc_vmss_iv_string_counts_2016-04-30-preview", "view_2016_counts_are_texts", {"capacity": 50}, FAILING),
    ("doc_vmss_iv_status_failed_VMExtensionProvisioningError", "view_failed_by_an_extension", {"capacity": 3}, FAILING),
    ("doc_vmss_iv_orchestration_only_fragment_2019-12-01", "view_with_repairs_alone", {"capacity": 2}, PROGRESSING),
    ("example_vmss_iv_maximum_2025-04-01", "view_with_codes_nobody_knows", {"capacity": 21}, PROGRESSING),
    ("example_vmss_iv_minimum_empty_2024-03-01", "view_empty", {"capacity": 2}, PROGRESSING),
    ("thirdparty_vmss_iv_creating_summary_empty", "view_succeeded_without_vms", {"capacity": 2}, PROGRESSING),
    ("thirdparty_vmss_iv_failed_OSProvisioning", "view_failed_by_the_os", {"capacity": 1}, FAILING),
    (
        "thirdparty_vmss_iv_failed_set_but_vms_succeeded",
        "view_failed_though_vms_succeeded",
        {"capacity": 2},
        FAILING,
    ),
    (
        "thirdparty_vmss_iv_failed_set_but_vms_succeeded",
        "view_failed_though_vms_succeeded",
        {"capacity": 2, "set_status": "ignored"},
        HEALTHY,
    ),
    ("vmss_iv_orchestration_running_2022-08-01", "view_with_injected_extensions", {"capacity": 2}, HEALTHY),
    ("vmss_iv_orchestration_running_2022-08-01", "view_with_injected_extensions", {"capacity": 3}, PROGRESSING),
    (
        "vmss_iv_uniform_2ext_count10_one_creating_2017-03-30",
        "view_with_an_extension_not_applied",
        {"capacity": 10},
        PROGRESSING,
    ),
    ("vmss_iv_uniform_no_ext_count6_2017-03-30", "view_without_extensions", {"capacity": 6}, HEALTHY),
    ("vmss_iv_uniform_no_ext_count6_2017-03-30", "view_without_extensions", {"capacity": 5}, PROGRESSING),
]


def judge(body: dict[str, Any], policy: dict[str, Any]) -> Verdict:
    return evaluate(Snapshot(InstanceView.from_json(body)), GatePolicy(**policy))


@pytest.mark.parametrize(("theirs", "ours", "policy", "state"), TABLE)
def test_the_verdict_on_our_own_body(theirs: str, ours: str, policy: dict[str, Any], state: State) -> None:
    del theirs
    assert judge(own(ours), policy).state is state


@pytest.mark.recorded
@pytest.mark.parametrize(("theirs", "ours", "policy", "state"), TABLE)
def test_the_verdict_on_the_recorded_body(theirs: str, ours: str, policy: dict[str, Any], state: State) -> None:
    del ours
    assert judge(recorded(theirs), policy).state is state


def test_an_ignored_extension_does_not_hold_up_the_verdict() -> None:
    assert (
        judge(own("view_with_an_extension_not_applied"), {"capacity": 10, "ignore_extensions": ["second"]}).state
        is HEALTHY
    )


@pytest.mark.recorded
def test_an_ignored_extension_does_not_hold_up_the_verdict_on_the_recorded_body() -> None:
    body = recorded("vmss_iv_uniform_2ext_count10_one_creating_2017-03-30")
    assert judge(body, {"capacity": 10, "ignore_extensions": ["test1"]}).state is HEALTHY


def test_the_message_of_the_failed_operation_is_shown() -> None:
    verdict = judge(own("view_2016_counts_are_texts"), {"capacity": 50})
    assert any("The vault gave no secret ABC" in reason.message for reason in verdict.reasons)


@pytest.mark.recorded
def test_the_message_of_the_failed_operation_is_shown_for_the_recorded_body() -> None:
    verdict = judge(recorded("doc_vmss_iv_string_counts_2016-04-30-preview"), {"capacity": 50})
    assert any("Failed to get secret XXX" in reason.message for reason in verdict.reasons)


@pytest.mark.parametrize("ours", sorted({row[1] for row in TABLE}))
def test_the_view_alone_leaves_power_and_application_health_unjudged(ours: str) -> None:
    assert {"power", "application health"} <= set(judge(own(ours), {"capacity": 2}).unjudged)
