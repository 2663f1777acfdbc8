from urllib.parse import quote_plus

import pytest
from tests.hostile import EVERYTHING, harm

from pulumi_vmss_health import InvalidScaleSetId, ScaleSetId

GOOD = "/subscriptions/0b1f/resourceGroups/my-rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


def test_an_id_is_taken_apart_and_comes_back() -> None:
    parsed = ScaleSetId.parse(GOOD)
    assert (parsed.subscription_id, parsed.resource_group, parsed.name) == ("0b1f", "my-rg", "web")
    assert str(parsed) == GOOD


def test_azure_compares_ids_without_case_and_so_do_we() -> None:
    shouted = ScaleSetId.parse(GOOD.upper())
    assert shouted == ScaleSetId.parse(GOOD)
    assert len({shouted, ScaleSetId.parse(GOOD)}) == 1
    assert shouted != GOOD


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no leading '/'"),
        ("web", "no leading '/'"),
        (GOOD[1:], "no leading '/'"),
        (f" {GOOD}", "white space around the id"),
        (f"{GOOD}\r\n", "white space around the id"),
        ("/subscriptions", "nothing after 'subscriptions'"),
        (GOOD.rsplit("/", 1)[0], "nothing after 'virtualMachineScaleSets'"),
        (GOOD.replace("0b1f", ""), "the subscription is empty"),
        (GOOD.replace("my-rg", "my rg"), "'my rg' is not a valid resource group name"),
        (GOOD.replace("web", ".."), "'..' is not a valid scale set name"),
        (
            GOOD.replace("virtualMachineScaleSets", "virtualMachines"),
            "'virtualMachines' instead of 'virtualmachinescalesets'",
        ),
        (GOOD.replace("Microsoft.Compute", "Microsoft.Network"), "'Microsoft.Network' instead of 'microsoft.compute'"),
        (GOOD + "/virtualMachines/0", "'virtualMachines/0' after the scale set's name"),
        (GOOD + "?x=1", "'web?x=1' is not a valid scale set name"),
    ],
)
def test_the_part_that_is_wrong_is_named(text: str, problem: str) -> None:
    with pytest.raises(InvalidScaleSetId) as refused:
        ScaleSetId.parse(text)
    assert problem in str(refused.value)
    assert "it looks like /subscriptions/" in str(refused.value)


def test_a_bad_id_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="must be a text, not NoneType"):
        ScaleSetId.parse(None)


@pytest.mark.parametrize("segment", range(1, 10))
def test_a_segment_as_large_as_a_body_or_made_to_harm_is_named_in_a_short_harmless_line(segment: int) -> None:
    for text in ("x" * 1_000_000, "?" * 1_000_000, EVERYTHING):
        parts = [*GOOD.split("/"), ""]
        parts[segment] = text
        with pytest.raises(InvalidScaleSetId) as refused:
            ScaleSetId.parse("/".join([*parts[: segment + 1], *["more"] * (segment == 8)]))
        assert len(str(refused.value)) < 500
        assert harm(str(refused.value)) is None


def test_a_secret_id_is_hidden_whole_and_in_parts_and_nothing_else_is() -> None:
    scale_set = ScaleSetId("0b1f", "rg", "web")
    text = f"scale set WEB in rg: az -n web-2 --ids {scale_set}, of 0b1f; webbed"
    assert scale_set.hide_in(text) == "scale set [secret] in [secret]: az -n web-2 --ids [secret], of [secret]; webbed"


def test_a_secret_id_is_hidden_in_the_names_of_its_instances() -> None:
    scale_set = ScaleSetId("0b1f", "rg", "web")
    assert scale_set.hide_in("instance web_1b2c3d4e, web-2_0, my_web") == "instance [secret]_1b2c3d4e, web-2_0, my_web"


def test_a_secret_id_is_hidden_in_the_query_of_a_url() -> None:
    scale_set = ScaleSetId("0b1f", "rg", "web")
    url = f"https://management.azure.com/x?$filter={quote_plus(str(scale_set), safe='')}%27&page=rg%2Fwebbed"
    hidden = scale_set.hide_in(url)
    assert hidden.count("[secret]") == 4
    assert hidden.endswith("%2FvirtualMachineScaleSets%2F[secret]%27&page=[secret]%2Fwebbed")
