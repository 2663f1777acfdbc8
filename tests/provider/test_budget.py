"""One account of what Azure lets us read: every documented bucket, whoever reads."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict
from tests.clocks import VirtualClock

from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure, shared_azure
from vmss_instance_view.limits.budget import Budget, remaining
from vmss_instance_view.limits.quota import HIGH_COST, LISTED, LOW_COST, SCALE_SET_VM, VM, VM_LIST, Charge, Room

SUBSCRIPTION = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute"
WEB = f"{SUBSCRIPTION}/virtualMachineScaleSets/web"
API = f"{SUBSCRIPTION}/virtualMachineScaleSets/api"
VIEW = Charge(HIGH_COST, WEB)


def spent(budget: Budget, charge: Charge, times: int, now: float = 0.0) -> Budget:
    for _ in range(times):
        budget.spend(charge, now)
    return budget


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


@pytest.mark.parametrize(
    ("policy", "size", "refill"),
    [(HIGH_COST, 30, 6.0), (LOW_COST, 36, 5.0), (SCALE_SET_VM, 36, 5.0), (VM, 36, 5.0)],
)
def test_each_kind_of_read_has_its_documented_bucket(policy: object, size: int, refill: float) -> None:
    charge = Charge(policy, WEB)  # type: ignore[arg-type]
    budget = spent(Budget(), charge, size // 2)
    assert budget.room([charge], 0) == Room(0.5, refill, 0.0)
    assert budget.room([charge], refill * size / 4) == Room(0.75, refill, 0.0)
    assert budget.room([charge], 1e6) == Room(1.0, refill, 0.0)


@pytest.mark.parametrize("policy", [LISTED, VM_LIST])
def test_lists_have_no_bucket_of_a_resource(policy: object) -> None:
    charge = Charge(policy, WEB)  # type: ignore[arg-type]
    assert spent(Budget(), charge, 20).room([charge], 0) == Room()


def test_the_model_and_the_rolling_upgrade_of_a_set_share_one_bucket() -> None:
    """Two reads of it in one look are two tokens of one bucket, and not one of each of two."""
    look = [Charge(LOW_COST, WEB), Charge(LOW_COST, WEB.upper())]
    assert Budget().room(look, 0).refill == 10.0
    assert spent(spent(Budget(), look[0], 9), look[1], 9).room(look, 0).fraction == 0.5


def test_the_list_of_a_uniform_set_takes_from_the_bucket_of_its_view() -> None:
    assert Budget().room([VIEW, VIEW], 0).refill == 12.0


def test_the_bucket_that_holds_a_look_up_most_says_what_is_left_for_it() -> None:
    budget = spent(spent(Budget(), VIEW, 10), Charge(LOW_COST, WEB), 27)
    assert budget.room([VIEW], 0).fraction == pytest.approx(2 / 3)
    assert budget.room([VIEW, Charge(LOW_COST, WEB)], 0).fraction == 0.25


def test_sets_have_buckets_of_their_own() -> None:
    assert spent(Budget(), VIEW, 30).room([Charge(HIGH_COST, API)], 0).fraction == 1.0


def test_with_nothing_left_a_look_waits_until_as_much_as_it_takes_is_there_twice() -> None:
    assert spent(Budget(), VIEW, 30).room([VIEW], 0).closed == 12.0
    assert spent(Budget(), VIEW, 30).room([VIEW], 12).closed == 0.0


def test_an_answer_that_tells_less_than_the_account_corrects_it_and_is_forgotten_with_the_refill() -> None:
    budget = Budget()
    budget.correct(VIEW, {"x-ms-ratelimit-remaining-resource": "Microsoft.Compute/HighCost;6"}, 0)
    assert budget.room([VIEW], 0).fraction == pytest.approx(0.2)
    assert budget.room([Charge(HIGH_COST, API)], 0).fraction == 1.0
    assert budget.room([VIEW], 60).fraction == pytest.approx(16 / 30)
    budget.correct(VIEW, {"x-ms-ratelimit-remaining-resource": "Microsoft.Compute/HighCost30Min;893"}, 60)
    assert budget.room([VIEW], 60).fraction == pytest.approx(16 / 30)


def test_a_refusal_empties_the_bucket_for_as_long_as_azure_says() -> None:
    budget = Budget()
    budget.refused(VIEW, 0, 1200, "HighCostGetVMScaleSetResource")
    assert budget.room([VIEW], 0) == Room(0.0, 9.0, 1200.0)
    assert budget.room([Charge(LOW_COST, WEB)], 0).closed == 0.0
    assert budget.room([VIEW], 1200).closed == 0.0


def test_after_a_refusal_others_are_reckoned_with_for_half_an_hour_and_for_more_after_each() -> None:
    """Without headers nothing else tells that somebody uses a third of the refill."""
    budget = Budget()
    budget.refused(VIEW, 0, None, "HighCost")
    assert budget.room([VIEW], 60).fraction == pytest.approx(10 * 2 / 3 / 30)
    assert budget.room([VIEW], 60).refill == 9.0
    budget.refused(VIEW, 100, None, "HighCost")
    assert budget.room([VIEW], 160).fraction == pytest.approx(10 * 4 / 9 / 30)
    for at in range(20):
        budget.refused(VIEW, 200 + at, None, "HighCost")
    assert budget.room([VIEW], 1000).refill == 30.0
    spent(budget, VIEW, 30, 3000)
    assert budget.room([VIEW], 3060) == Room(10 / 30, 6.0, 0.0)


@pytest.mark.parametrize("bucket", ["HighCostGetVMScaleSetSubscriptionMaximum", None])
def test_a_refusal_of_the_subscription_or_of_resource_manager_holds_all_up(bucket: str | None) -> None:
    budget = Budget()
    budget.refused(VIEW, 0, 20, bucket)
    assert budget.room([VIEW], 0).closed == 0.0
    assert budget.turn([Charge(HIGH_COST, API)], 0) >= 20
    assert budget.turn([Charge(HIGH_COST, API.replace("/s/", "/other/"))], 0) == 0


def test_a_refusal_for_the_vms_on_a_page_holds_lists_up_and_no_view() -> None:
    budget = Budget()
    budget.refused(VIEW, 0, 60, "VMScaleSetVMViewsSubscriptionMaximum")
    assert budget.turn([Charge(HIGH_COST, API)], 0) == 0
    assert budget.turn([Charge(LISTED, API, tokens=100)], 0) >= 60


def test_what_is_left_is_that_of_the_bucket_that_is_named() -> None:
    budget = Budget()
    names = {"HighCostGetVMScaleSetResource": 29, "HighCostGetVMScaleSetSubscriptionMaximum": 2}
    names["VMScaleSetVMViewsSubscriptionMaximum"] = 3
    told = ",".join(f"Microsoft.Compute/{name};{left}" for name, left in names.items())
    budget.correct(VIEW, {"x-ms-ratelimit-remaining-resource": told}, 0)
    assert budget.room([VIEW], 0).fraction == pytest.approx(29 / 30)
    assert budget.turn([Charge(HIGH_COST, API)], 0) > 10
    assert budget.turn([Charge(LISTED, API, tokens=100)], 0) > 10


def test_ordinary_looks_queue_at_two_thirds_of_what_comes_back() -> None:
    budget = Budget()
    turns = [budget.turn([Charge(HIGH_COST, f"{WEB}{number}")], 0) for number in range(5)]
    assert turns == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])


def test_urgent_looks_go_first_with_what_was_kept_down_to_half_of_the_part_for_others() -> None:
    budget = Budget()
    for number in range(100):
        budget.turn([Charge(VM_LIST, f"{WEB}{number}", tokens=0.1)], 0)
    urgent = [budget.turn([Charge(VM_LIST, f"{API}{number}", tokens=0.25)], 0, urgent=True) for number in range(900)]
    at_once = urgent.count(0.0)
    assert at_once == pytest.approx((250 * 5 / 6 - 10) * 4, abs=2), "Resource Manager's 250 are the tightest"
    assert urgent[at_once + 8] - urgent[at_once + 4] == pytest.approx(1 / 25)


def test_what_may_begin_at_once_is_booked_and_what_may_not_is_not() -> None:
    budget = Budget()
    at_once = [budget.turn_now([Charge(VM_LIST, f"{API}{number}")], 0) for number in range(300)]
    assert at_once.count(True) == pytest.approx(250 * 5 / 6, abs=2), "an urgent look's share of Resource Manager's 250"
    assert at_once == sorted(at_once, reverse=True)
    assert budget.turn_now([Charge(VM_LIST, API)], 1.5), "what was not booked is not in the way"


def test_while_something_urgent_goes_on_ordinary_looks_may_have_all_that_comes_back() -> None:
    budget = Budget()
    budget.turn([Charge(HIGH_COST, API)], 0, urgent=True)
    turns = [budget.turn([Charge(HIGH_COST, f"{WEB}{number}")], 0) for number in range(4)]
    assert turns == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6])


def test_regions_have_buckets_of_their_own() -> None:
    budget = Budget()

    def turn(region: str) -> float:
        return budget.turn([Charge(LISTED, WEB, region, 12_000)], 0, urgent=True)

    assert [turn("a"), turn("a")] == [0, 0]
    assert turn("a") > turn("b") == 0


def test_how_many_reads_there_is_room_for_at_once_leaves_a_third() -> None:
    budget = Budget()
    assert budget.spare(Charge(VM, WEB), 0) == 24
    assert budget.spare(Charge(VM_LIST, WEB), 0) == 166, "Resource Manager's 250 are the tightest"
    spent(budget, Charge(VM_LIST, WEB), 200)
    assert budget.spare(Charge(VM_LIST, WEB), 0) < 0


def test_ever_new_ids_do_not_let_the_account_grow_for_ever() -> None:
    budget = Budget()
    spent(budget, VIEW, 30, 100_000)
    for number in range(50_000):
        budget.spend(Charge(VM, f"{SUBSCRIPTION}/virtualMachines/vm{number}"), 2.0 * number)
    assert len(vars(budget)["_accounts"]) < 45_000
    assert len(vars(budget)["_accounts_of"]) <= 20_001
    assert budget.room([VIEW], 100_000).fraction == 0.0


def test_all_identities_that_read_one_cloud_draw_on_one_budget() -> None:
    clock = VirtualClock()

    def azure(**environ: str) -> Azure:
        return shared_azure(Settings(environ), clock)

    one, other = azure(ARM_CLIENT_ID="one"), azure(ARM_CLIENT_ID="other", ARM_ENVIRONMENT="AzureCloud")
    assert one is not other
    assert one.budget is other.budget
    assert azure(ARM_CLIENT_ID="one", ARM_ENVIRONMENT="china").budget is not one.budget
    hosts = [azure(ARM_METADATA_HOSTNAME=host).budget for host in ("a.example", "b.example")]
    assert hosts[0] is not hosts[1]
