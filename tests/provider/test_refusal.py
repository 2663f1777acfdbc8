"""Every refusal that Azure was seen to give, as the error that a caller would act on."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from tests.recorded import recorded

from pulumi_vmss_health import (
    AzureError,
    Forbidden,
    NotSupported,
    Rejected,
    ScaleSetNotFound,
    Throttled,
    Unauthorized,
    Unavailable,
)
from vmss_instance_view.azure.refusal import claims_challenge, refusal, retry_after, throttled_by

NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
WHAT = "instance view of scale set web (resource group rg)"


def envelope(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


THROTTLED = {"code": "TooManyRequests", "target": "HighCostGet", "message": '{"allowedRequestCount": 300}'}
WRONG_MODE = "Operation '{}.GET' is not allowed on Virtual Machine Scale Set 'web'."
NO_RIGHT = (
    "The client 'c' with object id 'o' does not have authorization to perform action "
    "'Microsoft.Compute/virtualMachineScaleSets/instanceView/read' over scope '/subscriptions/s' or it is invalid."
)

# recorded body, our own with the same codes, status, error, the next step that its text names
TABLE: list[tuple[str, dict[str, Any], int, type[AzureError], str]] = [
    (
        "doc_err_429_ARM_SubscriptionRequestsThrottled",
        envelope("SubscriptionRequestsThrottled", "too many"),
        429,
        Throttled,
        "Resource Manager's limit is used up",
    ),
    (
        "doc_err_429_CRP_HighCostGetVMScaleSet30Min",
        envelope("OperationNotAllowed", "too many", details=[{**THROTTLED, "target": "HighCostGetVMScaleSet30Min"}]),
        429,
        Throttled,
        "Compute's limit HighCostGetVMScaleSet30Min is used up",
    ),
    (
        "doc_err_429_CRP_OperationNotAllowed_no_envelope",
        {"code": "OperationNotAllowed", "message": "too many", "details": [THROTTLED]},
        429,
        Throttled,
        "Compute's limit HighCostGet is used up",
    ),
    (
        "err_400_InvalidParameter_instanceId_2025-04-01",
        envelope("InvalidParameter", "the id must be a number", target="instanceId"),
        400,
        Rejected,
        "would refuse the same request again",
    ),
    (
        "err_404_ResourceGroupNotFound_2025-04-01",
        envelope("ResourceGroupNotFound", "no such group"),
        404,
        ScaleSetNotFound,
        "check the subscription, the resource group and the name",
    ),
    (
        "err_404_ResourceNotFound_vm_instanceView_2025-04-01",
        envelope("ResourceNotFound", "no such VM"),
        404,
        ScaleSetNotFound,
        "check the subscription, the resource group and the name",
    ),
    (
        "err_404_ResourceNotFound_vmss_2025-04-01",
        envelope("ResourceNotFound", "no such set"),
        404,
        ScaleSetNotFound,
        "check the subscription, the resource group and the name",
    ),
    (
        "err_409_no_ongoing_rolling_upgrade_2019-03-01",
        envelope("OperationNotAllowed", "no upgrade is running"),
        409,
        Unavailable,
        "another operation on the set is running",
    ),
    (
        "err_412_PreconditionFailed_vmss_2025-04-01",
        envelope("PreconditionFailed", "the etag differs"),
        412,
        Unavailable,
        "read it again",
    ),
    (
        "err_412_PreconditionFailed_vmssvm_2025-04-01",
        envelope("PreconditionFailed", "the etag differs"),
        412,
        Unavailable,
        "read it again",
    ),
    (
        "issue_err_400_flexible_vm_list_expand_not_allowed",
        envelope("BadRequest", WRONG_MODE.format("VirtualMachineScaleSets.virtualMachines")),
        400,
        NotSupported,
        "Uniform and Flexible scale sets are read by different operations",
    ),
    (
        "issue_err_401_AuthenticationFailed_no_token",
        envelope("AuthenticationFailed", "no token"),
        401,
        Unauthorized,
        "check the tenant and the cloud",
    ),
    (
        "issue_err_401_claims_challenge_graph",
        envelope("InvalidAuthenticationToken", "claims wanted"),
        401,
        Unauthorized,
        "check the tenant and the cloud",
    ),
    (
        "issue_err_403_AuthorizationFailed_vmss",
        envelope("AuthorizationFailed", NO_RIGHT),
        403,
        Forbidden,
        "role Reader",
    ),
    (
        "issue_err_404_NotFound_vmss_eventual_consistency",
        envelope("NotFound", "not there yet", details=[]),
        404,
        ScaleSetNotFound,
        "check the subscription",
    ),
    (
        "issue_err_409_flexible_vm_instanceView_not_allowed",
        envelope("OperationNotAllowed", WRONG_MODE.format("VMScaleSetVMs.instanceView")),
        409,
        NotSupported,
        "Uniform and Flexible scale sets are read by different operations",
    ),
    (
        "issue_err_429_ARM_ResourceRequestsThrottled",
        envelope("ResourceRequestsThrottled", "too many"),
        429,
        Throttled,
        "Resource Manager's limit is used up",
    ),
    (
        "issue_err_429_ARM_TooManyRequests",
        envelope("TooManyRequests", "too many"),
        429,
        Throttled,
        "Resource Manager's limit is used up",
    ),
    (
        "issue_err_flexible_vmss_instanceView_not_allowed_INFERRED_STATUS",
        envelope("OperationNotAllowed", WRONG_MODE.format("VirtualMachineScaleSets.instanceView")),
        409,
        NotSupported,
        "Uniform and Flexible scale sets are read by different operations",
    ),
]


def check(body: dict[str, Any], status: int, kind: type[AzureError], step: str) -> None:
    error = refusal(WHAT, status, {"x-ms-correlation-request-id": "c0ffee"}, json.dumps(body).encode(), NOW)
    text = str(error)
    assert type(error) is kind
    assert error.status == status
    assert error.code == body.get("error", body)["code"]
    for part in (WHAT, f"HTTP {status} {error.code}", step, "correlation id c0ffee"):
        assert part in text
    assert body.get("error", body)["message"][:40] in text


@pytest.mark.parametrize(("theirs", "ours", "status", "kind", "step"), TABLE)
def test_our_own_body_becomes_the_error_and_names_the_next_step(
    theirs: str, ours: dict[str, Any], status: int, kind: type[AzureError], step: str
) -> None:
    del theirs
    check(ours, status, kind, step)


@pytest.mark.recorded
@pytest.mark.parametrize(("theirs", "ours", "status", "kind", "step"), TABLE)
def test_the_recorded_body_becomes_the_error_and_names_the_next_step(
    theirs: str, ours: dict[str, Any], status: int, kind: type[AzureError], step: str
) -> None:
    del ours
    check(recorded(theirs), status, kind, step)


def test_a_missing_right_is_named_by_action_and_scope() -> None:
    error = refusal(WHAT, 403, {}, json.dumps(envelope("AuthorizationFailed", NO_RIGHT)).encode(), NOW)
    assert isinstance(error, Forbidden)
    assert error.action == "Microsoft.Compute/virtualMachineScaleSets/instanceView/read"
    assert error.scope == "/subscriptions/s"


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_azures_own_trouble_is_worth_another_attempt(status: int) -> None:
    error = refusal(WHAT, status, {}, b"<html>Bad gateway\x00\x1b[31m</html>", NOW)
    assert type(error) is Unavailable
    assert "try again" in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize(("status", "step"), [(409, "wait until it has ended"), (412, "read it again")])
def test_a_conflict_passes(status: int, step: str) -> None:
    error = refusal(WHAT, status, {}, json.dumps(envelope("PreconditionFailed", "changed")).encode(), NOW)
    assert type(error) is Unavailable
    assert step in str(error)


@pytest.mark.parametrize(
    ("headers", "body", "bucket"),
    [
        ({}, envelope("TooManyRequests", "x"), None),
        ({"x-ms-ratelimit-remaining-resource": "Microsoft.Compute/X;0"}, envelope("OperationNotAllowed", "x"), ""),
        ({}, {"code": "OperationNotAllowed", "details": [{"code": "TooManyRequests", "target": "High"}]}, "High"),
    ],
)
def test_whose_limit_it_is_can_be_told(headers: dict[str, str], body: dict[str, Any], bucket: str | None) -> None:
    assert throttled_by(headers, json.dumps(body).encode()) == bucket


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_with_its_reason(status: int) -> None:
    assert "redirects are not followed" in str(refusal(WHAT, status, {"Location": "https://example.org"}, b"", NOW))


def test_throttling_says_until_when() -> None:
    error = refusal(WHAT, 429, {"Retry-After": "1200"}, json.dumps(envelope("TooManyRequests", "x")).encode(), NOW)
    assert error.retry_after == 1200
    assert "wait 1200s, until 12:20:00 UTC" in str(error)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"error": 7}', b'{"error": {"details": [7]}}', b"\xff\xfe"])
def test_a_body_of_any_shape_gives_an_error_of_its_status(body: bytes) -> None:
    assert type(refusal(WHAT, 403, {}, body, NOW)) is Forbidden


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0", 0), (" 12 ", 12), ("-3", None), ("soon", None), ("", None), ("9" * 30, 86400)],
)
def test_seconds_to_wait_are_read(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


def test_a_date_to_wait_for_is_read() -> None:
    later, past = NOW + timedelta(seconds=90), NOW - timedelta(days=1)
    assert retry_after({"Retry-After": format_datetime(later, usegmt=True)}, NOW) == 90
    assert retry_after({"Retry-After": format_datetime(past, usegmt=True)}, NOW) == 0


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 99999999999999999999:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999",
    ],
)
def test_a_date_out_of_every_range_says_nothing(value: str) -> None:
    assert retry_after({"Retry-After": value}, NOW) is None


def test_a_claims_challenge_is_decoded_with_or_without_padding() -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
    encoded = base64.urlsafe_b64encode(claims.encode()).decode()
    for text in (encoded, encoded.rstrip("=")):
        header = f'Bearer realm="", error="insufficient_claims", claims="{text}"'
        assert claims_challenge({"WWW-Authenticate": header}) == claims
        assert claims_challenge({"WWW-Authenticate": f'PoP nonce="x", {header}'}) == claims


@pytest.mark.parametrize(
    "header", ["", "Bearer", 'Bearer error="invalid_token"', 'Bearer error="insufficient_claims", claims="\N{SNOWMAN}"']
)
def test_other_challenges_ask_for_no_claims(header: str) -> None:
    assert claims_challenge({"WWW-Authenticate": header}) is None
