"""What may be asked in a minute, and the two kinds of 429."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.emulator.support import ArmSession, FakeClock, error

from vmss_emulator import Emulator

TOLD = {"quota": {"headers": True}}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[FakeClock, ArmSession]]:
    clock = FakeClock()
    with Emulator(clock=clock, token_lifetime=1e9, quota={"headers": True}, page_size=2) as azure:
        session = ArmSession(azure)
        azure.put_scale_set("web")
        azure.put_scale_set("flex", orchestration_mode="Flexible")
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


def test_what_is_left_of_computes_buckets_is_told_only_on_demand() -> None:
    with Emulator(quota=True) as azure:
        arm = ArmSession(azure)
        azure.put_scale_set("web")
        answers = [arm.ask("GET", f"{arm.set_id}/instanceView") for _ in range(31)]
        arm.close()
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert not [answer for answer in answers if "x-ms-ratelimit-remaining-resource" in answer.headers]
    assert answers[0].headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert answers[-1].json()["error"]["details"][0]["target"] == "HighCostGetVMScaleSetResource"


def test_each_answer_tells_what_is_left(arm: ArmSession) -> None:
    headers = arm.ask("GET", f"{arm.set_id}/instanceView").headers
    assert remaining(headers) == {"HighCostGetVMScaleSetResource": 29, "HighCostGetVMScaleSetSubscriptionMaximum": 1079}
    assert headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert headers["x-ms-ratelimit-remaining-subscription-global-reads"] == "3749"
    assert headers["x-ms-request-charge"] == "1"
    assert remaining(arm.ask("GET", f"{arm.set_id}/instanceView").headers)["HighCostGetVMScaleSetResource"] == 28


@pytest.mark.parametrize("expand", [{}, {"expand": "instanceView"}])
def test_a_list_of_instances_is_taken_from_the_views_bucket_and_counts_its_vms(
    arm: ArmSession, expand: dict[str, str]
) -> None:
    arm.ask("GET", f"{arm.set_id}/instanceView")
    first = arm.ask("GET", f"{arm.set_id}/virtualMachines", **expand)
    second = arm.ask("GET", first.json()["nextLink"])
    assert [answer.headers["x-ms-request-charge"] for answer in (first, second)] == ["2", "1"]
    assert remaining(second.headers) == {
        "HighCostGetVMScaleSetResource": 27,
        "HighCostGetVMScaleSetSubscriptionMaximum": 1077,
        "VMScaleSetVMViewsSubscriptionMaximum": 29997,
    }


def test_a_list_with_more_vms_than_are_left_is_refused_until_they_are_back(arm: ArmSession, clock: FakeClock) -> None:
    arm.azure.load({"quota": {"vm_views_subscription": {"size": 3, "per_minute": 30}}})
    assert arm.ask("GET", f"{arm.set_id}/virtualMachines").status_code == 200
    refused = arm.ask("GET", f"{arm.set_id}/virtualMachines")
    assert (refused.status_code, error(refused)) == (429, "OperationNotAllowed")
    assert refused.json()["error"]["details"][0]["target"] == "VMScaleSetVMViewsSubscriptionMaximum"
    assert refused.headers["Retry-After"] == "2"
    clock.advance(2)
    assert arm.ask("GET", f"{arm.set_id}/virtualMachines").status_code == 200


def test_the_model_and_the_rolling_upgrade_share_a_bucket(arm: ArmSession) -> None:
    arm.ask("GET", f"{arm.set_id}/rollingUpgrades/latest")
    assert remaining(arm.ask("GET", arm.set_id).headers)["GetVMScaleSetResource"] == 34


def test_each_vm_has_a_bucket_of_its_own_for_itself_and_its_view(arm: ArmSession) -> None:
    for number, left in ((0, 35), (1, 35), (0, 34)):
        headers = arm.ask("GET", f"{arm.set_id}/virtualMachines/{number}/instanceView").headers
        assert remaining(headers)["GetVMScaleSetVMResource"] == left
    one = arm.ask("GET", f"{arm.set_id}/virtualMachines/1").headers
    assert remaining(one) == {"GetVMScaleSetVMResource": 34, "GetVMScaleSetVMSubscriptionMaximum": 5996}


def test_each_vm_of_a_flexible_set_has_a_bucket_of_its_own(arm: ArmSession) -> None:
    listed = arm.ask("GET", f"{arm.group_id}/providers/Microsoft.Compute/virtualMachines").json()["value"]
    for vm, left in ((0, 35), (1, 35), (0, 34)):
        headers = arm.ask("GET", f"{listed[vm]['id']}/instanceView").headers
        assert remaining(headers)["GetVMResource"] == left
    assert remaining(arm.ask("GET", listed[1]["id"]).headers)["GetVMResource"] == 34


def test_the_polls_of_one_operation_are_not_anothers(arm: ArmSession) -> None:
    operations = [arm.ask("POST", f"{arm.set_id}/restart").headers["Azure-AsyncOperation"] for _ in range(2)]
    left = [remaining(arm.ask("GET", url).headers)["GetOperationResource"] for url in (*operations, operations[0])]
    assert left == [44, 44, 43]


def test_a_client_that_waits_as_polls_ask_it_to_is_never_refused(arm: ArmSession, clock: FakeClock) -> None:
    arm.azure.load({"scale_sets": {"slow": {"boot": "10m"}}, "quota": True})
    arm.azure.put_scale_set("slow")
    operation = arm.ask("POST", f"{arm.group_id}/providers/Microsoft.Compute/virtualMachineScaleSets/slow/start")
    polls = [operation]
    while "Retry-After" in polls[-1].headers:
        clock.advance(float(polls[-1].headers["Retry-After"]))
        polls.append(arm.ask("GET", operation.headers["Azure-AsyncOperation"]))
    assert {poll.status_code for poll in polls[1:]} == {200}
    assert polls[-1].json()["status"] == "Succeeded"
    arm.ask("DELETE", f"{arm.group_id}/providers/Microsoft.Compute/virtualMachineScaleSets/slow")


def test_what_compute_is_not_asked_for_takes_none_of_its_buckets(arm: ArmSession) -> None:
    headers = arm.ask("GET", "/subscriptions").headers
    assert "x-ms-ratelimit-remaining-resource" not in headers
    assert headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"


@pytest.mark.parametrize(
    ("path", "bucket", "size"),
    [
        ("", "GetVMScaleSetResource", 36),
        ("", "GetVMScaleSetSubscriptionMaximum", 2400),
        ("/..", "GetVMScaleSetSubscriptionMaximum", 2400),
        ("/../../virtualMachines", "ListVMsByFilterSubscriptionMaximum", 900),
    ],
)
def test_each_kind_of_call_has_its_buckets(arm: ArmSession, path: str, bucket: str, size: int) -> None:
    asked = f"{arm.set_id}{path}".replace("/virtualMachineScaleSets/web/../..", "").replace("/web/..", "")
    assert remaining(arm.ask("GET", asked).headers)[bucket] == size - 1


def test_lists_have_no_bucket_but_the_subscriptions(arm: ArmSession) -> None:
    base = f"{arm.group_id}/providers/Microsoft.Compute"
    told = [
        remaining(arm.ask("GET", f"{base}/{kind}").headers) for kind in ("virtualMachines", "virtualMachineScaleSets")
    ]
    assert [list(left) for left in told] == [
        ["ListVMsByFilterSubscriptionMaximum"],
        ["GetVMScaleSetSubscriptionMaximum"],
    ]


def test_a_client_that_asks_too_often_is_refused_by_compute(arm: ArmSession, clock: FakeClock) -> None:
    answers = [arm.ask("GET", f"{arm.set_id}/instanceView") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    refused = answers[-1]
    assert error(refused) == "OperationNotAllowed"
    assert refused.json()["error"]["innererror"] == {"internalErrorCode": "TooManyRequestsReceived"}
    (detail,) = refused.json()["error"]["details"]
    assert (detail["code"], detail["target"]) == ("TooManyRequests", "HighCostGetVMScaleSetResource")
    assert json.loads(detail["message"])["operationGroup"] == detail["target"]
    assert remaining(refused.headers)["HighCostGetVMScaleSetResource"] == 0
    assert (refused.headers["Retry-After"], "x-ms-failure-cause" in refused.headers) == ("6", False)
    clock.advance(6)
    assert arm.ask("GET", f"{arm.set_id}/instanceView").status_code == 200
    assert arm.ask("GET", f"{arm.set_id}/instanceView").status_code == 429


@pytest.mark.parametrize("reads", [["instanceView"], ["virtualMachines"], ["instanceView", "virtualMachines"]])
def test_a_client_that_reads_each_second_is_refused_when_what_was_refilled_is_used_up(
    arm: ArmSession, clock: FakeClock, reads: list[str]
) -> None:
    codes = []
    for second in range(60):
        codes.append(arm.ask("GET", f"{arm.set_id}/{reads[second % len(reads)]}").status_code)
        clock.advance(1)
    # 30 at the start and one more in 6 s: after 35 s that is 35.8, and the 36th read is one too many.
    assert codes.index(429) == 35
    assert codes.count(200) == 30 + 60 // 6 - 1


def test_a_client_that_reads_every_six_seconds_is_never_refused_even_after_a_burst(
    arm: ArmSession, clock: FakeClock
) -> None:
    paths = [f"{arm.set_id}/{read}" for read in ("instanceView", "virtualMachines")]
    assert [arm.ask("GET", paths[0]).status_code for _ in range(31)] == [200] * 30 + [429]
    codes = []
    for turn in range(300):
        clock.advance(6)
        codes.append(arm.ask("GET", paths[turn % 2]).status_code)
    assert codes == [200] * 300


def test_one_sets_bucket_is_not_anothers(arm: ArmSession) -> None:
    other = arm.azure.put_scale_set("other")
    arm.azure.load({"quota": {"view": {"size": 1}}})
    paths = [arm.set_id, arm.set_id.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), other]
    statuses = [arm.ask("GET", f"{path}/instanceView").status_code for path in paths]
    assert statuses == [200, 429, 200]


def test_deletes_have_buckets_of_their_own(arm: ArmSession) -> None:
    told = [arm.ask(method, arm.group_id, {"location": "westeurope"}).headers for method in ("PUT", "PUT", "PATCH")]
    assert told[-1]["x-ms-ratelimit-remaining-subscription-writes"] == "197"
    headers = arm.ask("DELETE", f"{arm.set_id}-absent").headers
    left = {name: int(value) for name, value in headers.items() if "ratelimit-remaining-subscription" in name}
    prefix = "x-ms-ratelimit-remaining-subscription"
    assert left == {f"{prefix}-deletes": 199, f"{prefix}-global-deletes": 2999}


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
    assert (refused.status_code, remaining(refused.headers)["GetVMScaleSetVMResource"]) == (400, 35)
    assert "x-ms-ratelimit-remaining-resource" not in arm.ask("GET", f"{arm.set_id}x").headers


def test_what_resource_manager_knows_is_not_there_takes_none_of_computes_buckets(arm: ArmSession) -> None:
    late = f"{arm.set_id}-late"
    assert [arm.ask("GET", f"{late}/instanceView").status_code for _ in range(40)] == [404] * 40
    arm.azure.put_scale_set("web-late")
    assert remaining(arm.ask("GET", f"{late}/instanceView").headers)["HighCostGetVMScaleSetResource"] == 29
    absent = arm.ask("GET", f"{late}/virtualMachines/9")
    assert (absent.status_code, remaining(absent.headers)["GetVMScaleSetVMResource"]) == (404, 35)


def test_a_bucket_that_is_never_refilled_says_so(arm: ArmSession) -> None:
    arm.azure.load({"quota": {"set": {"size": 0, "per_minute": 0}}})
    assert arm.ask("GET", arm.set_id).headers["Retry-After"] == "3600"


def test_what_was_spent_stays_spent_under_the_same_quota(arm: ArmSession) -> None:
    arm.ask("GET", arm.set_id)
    arm.azure.load(TOLD)
    assert remaining(arm.ask("GET", arm.set_id).headers)["GetVMScaleSetResource"] == 34


@pytest.mark.parametrize("bucket", ["view", "reads"])
def test_how_long_a_client_is_asked_to_wait_may_be_fixed(arm: ArmSession, bucket: str) -> None:
    arm.azure.load({"quota": {bucket: {"size": 0}, "retry_after": 1200}})
    assert arm.ask("GET", f"{arm.set_id}/instanceView").headers["Retry-After"] == "1200"
