"""What may be asked in a minute, and the two kinds of 429."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.emulator.support import ArmSession, FakeClock, error

from vmss_emulator import Emulator


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[FakeClock, ArmSession]]:
    clock = FakeClock()
    with Emulator(clock=clock, token_lifetime=1e9, quota=True) as azure:
        session = ArmSession(azure)
        azure.put_scale_set("web")
        yield clock, session
        session.close()


@pytest.fixture
def clock(shared: tuple[FakeClock, ArmSession]) -> FakeClock:
    shared[0].advance(3600)  # all buckets are full again
    return shared[0]


@pytest.fixture
def arm(shared: tuple[FakeClock, ArmSession], clock: FakeClock) -> ArmSession:
    shared[1].azure.load(None)
    return shared[1]


def remaining(headers: Any) -> dict[str, int]:
    parts = (part.split(";") for part in headers["x-ms-ratelimit-remaining-resource"].split(","))
    return {name.removeprefix("Microsoft.Compute/"): int(left) for name, left in parts}


def test_without_a_quota_nothing_is_told() -> None:
    with Emulator() as azure:
        arm = ArmSession(azure)
        assert not [name for name in arm.ask("GET", azure.put_scale_set()).headers if "ratelimit" in name]
        arm.close()


def test_each_answer_tells_what_is_left(arm: ArmSession) -> None:
    headers = arm.ask("GET", f"{arm.set_id}/instanceView").headers
    assert remaining(headers) == {"GetVMScaleSetInstanceView": 29, "GetVMScaleSetInstanceViewSubscription": 1079}
    assert headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert headers["x-ms-ratelimit-remaining-subscription-global-reads"] == "3749"
    assert headers["x-ms-request-charge"] == "1"
    assert remaining(arm.ask("GET", f"{arm.set_id}/instanceView").headers)["GetVMScaleSetInstanceView"] == 28


def test_what_compute_is_not_asked_for_takes_none_of_its_buckets(arm: ArmSession) -> None:
    headers = arm.ask("GET", "/subscriptions").headers
    assert "x-ms-ratelimit-remaining-resource" not in headers
    assert headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"


@pytest.mark.parametrize(
    ("path", "bucket", "size"),
    [
        ("", "GetVMScaleSet", 36),
        ("/virtualMachines", "GetVMScaleSetVM", 36),
        ("/virtualMachines/0/instanceView", "GetVMScaleSetVM", 36),
        ("/../../virtualMachines", "ListVMsByFilterSubscription", 900),
    ],
)
def test_each_kind_of_call_has_its_buckets(arm: ArmSession, path: str, bucket: str, size: int) -> None:
    asked = f"{arm.set_id}{path}".replace("/virtualMachineScaleSets/web/../..", "")
    assert remaining(arm.ask("GET", asked).headers)[bucket] == size - 1


def test_a_client_that_asks_too_often_is_refused_by_compute(arm: ArmSession, clock: FakeClock) -> None:
    answers = [arm.ask("GET", f"{arm.set_id}/instanceView") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    refused = answers[-1]
    assert error(refused) == "OperationNotAllowed"
    (detail,) = refused.json()["error"]["details"]
    assert (detail["code"], detail["target"]) == ("TooManyRequests", "GetVMScaleSetInstanceView")
    assert json.loads(detail["message"])["operationGroup"] == detail["target"]
    assert remaining(refused.headers)["GetVMScaleSetInstanceView"] == 0
    assert (refused.headers["Retry-After"], "x-ms-failure-cause" in refused.headers) == ("6", False)
    clock.advance(6)
    assert arm.ask("GET", f"{arm.set_id}/instanceView").status_code == 200
    assert arm.ask("GET", f"{arm.set_id}/instanceView").status_code == 429


def test_one_sets_bucket_is_not_anothers(arm: ArmSession) -> None:
    other = arm.azure.put_scale_set("other")
    arm.azure.load({"quota": {"view": {"size": 1}}})
    paths = [arm.set_id, arm.set_id.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), other]
    statuses = [arm.ask("GET", f"{path}/instanceView").status_code for path in paths]
    assert statuses == [200, 429, 200]


@pytest.mark.parametrize(
    ("bucket", "code", "header"),
    [
        ("reads", "TooManyRequests", "x-ms-ratelimit-remaining-subscription-reads"),
        ("global_reads", "SubscriptionRequestsThrottled", "x-ms-ratelimit-remaining-subscription-global-reads"),
    ],
)
def test_resource_manager_refuses_in_its_own_words(arm: ArmSession, bucket: str, code: str, header: str) -> None:
    arm.azure.load({"quota": {bucket: {"size": 1, "per_minute": 30}}})
    assert arm.ask("GET", arm.set_id).status_code == 200
    refused = arm.ask("GET", arm.set_id)
    assert (refused.status_code, error(refused), refused.headers[header]) == (429, code, "0")
    assert refused.headers["Retry-After"] == "2"
    assert refused.headers["x-ms-failure-cause"] == "gateway"
    assert "x-ms-ratelimit-remaining-resource" not in refused.headers


def test_errors_of_the_resource_provider_tell_what_is_left_too(arm: ArmSession) -> None:
    refused = arm.ask("GET", f"{arm.set_id}/virtualMachines/x")
    assert (refused.status_code, remaining(refused.headers)["GetVMScaleSetVM"]) == (400, 35)
    assert "x-ms-ratelimit-remaining-resource" not in arm.ask("GET", f"{arm.set_id}x").headers


def test_a_bucket_that_is_never_refilled_says_so(arm: ArmSession) -> None:
    arm.azure.load({"quota": {"set": {"size": 0, "per_minute": 0}}})
    assert arm.ask("GET", arm.set_id).headers["Retry-After"] == "3600"


def test_what_was_spent_stays_spent_under_the_same_quota(arm: ArmSession) -> None:
    arm.ask("GET", arm.set_id)
    arm.azure.load({"quota": True})
    assert remaining(arm.ask("GET", arm.set_id).headers)["GetVMScaleSet"] == 34
