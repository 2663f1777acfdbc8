import pytest
from requests.structures import CaseInsensitiveDict

from vmss_instance_view.quota import INSTANCE_VIEW, SCALE_SET, VM_LIST, Ledger, charge, remaining

WEB = "/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/web"
API = WEB.replace("web", "api")


def test_what_azure_says_is_left_is_read_from_a_list() -> None:
    header = "Microsoft.Compute/HighCostGetVMScaleSet3Min;178,Microsoft.Compute/HighCostGetVMScaleSet30Min;893"
    assert remaining({"x-ms-ratelimit-remaining-resource": header}) == {
        "Microsoft.Compute/HighCostGetVMScaleSet3Min": 178,
        "Microsoft.Compute/HighCostGetVMScaleSet30Min": 893,
    }


def test_what_is_left_of_the_subscription_is_read_in_either_spelling() -> None:
    headers = CaseInsensitiveDict(
        {
            "X-Ms-Ratelimit-Remaining-Subscription-Global-Reads": "3749",
            "x-ms-ratelimit-remaining-subscription-reads": "9",
        }
    )
    assert remaining(headers) == {"subscription-global-reads": 3749, "subscription-reads": 9}


@pytest.mark.parametrize("header", ["", ";", "x", "x;y", "x;-1", "x;1;2", "x;" + "9" * 40])
def test_a_header_that_makes_no_sense_says_nothing(header: str) -> None:
    assert remaining({"x-ms-ratelimit-remaining-resource": header}) == {}


@pytest.mark.parametrize(("value", "requests"), [("1", 1), ("0", 0), ("3", 3), ("", 1), ("many", 1)])
def test_the_charge_of_an_answer(value: str, requests: int) -> None:
    assert charge({"x-ms-request-charge": value}) == requests


def test_a_bucket_empties_with_each_read_and_fills_by_the_minute() -> None:
    ledger = Ledger()
    assert ledger.left(INSTANCE_VIEW, WEB, 0) == 30
    for _ in range(20):
        ledger.note(INSTANCE_VIEW, WEB, {}, 0)
    assert ledger.left(INSTANCE_VIEW, WEB, 0) == 10
    assert ledger.left(INSTANCE_VIEW, WEB, 60) == 20
    assert ledger.left(INSTANCE_VIEW, WEB, 6000) == 30


def test_sets_have_buckets_of_their_own_and_share_their_subscriptions() -> None:
    ledger = Ledger()
    ledger.note(INSTANCE_VIEW, WEB, {"x-ms-request-charge": "30"}, 0)
    assert ledger.left(INSTANCE_VIEW, WEB, 0) == 0
    assert ledger.left(INSTANCE_VIEW, API, 0) == 30
    assert ledger.left(SCALE_SET, WEB, 0) == 36
    ledger.note(INSTANCE_VIEW, WEB, {"x-ms-request-charge": "1040"}, 0)
    assert ledger.left(INSTANCE_VIEW, API, 0) == 10


def test_a_call_without_a_bucket_of_its_own_is_limited_by_the_subscription() -> None:
    assert Ledger().left(VM_LIST, WEB, 0) == 900


def test_what_azure_said_last_is_remembered() -> None:
    ledger = Ledger()
    ledger.note(SCALE_SET, WEB, {"x-ms-ratelimit-remaining-resource": "Microsoft.Compute/GetVMScaleSet3Min;396"}, 0)
    ledger.note(SCALE_SET, WEB, {}, 1)
    assert ledger.said == {"Microsoft.Compute/GetVMScaleSet3Min": 396}
