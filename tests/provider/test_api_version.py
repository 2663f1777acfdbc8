"""A cloud is asked in the api-version that tells most, and in an older one where it has no other."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.clocks import VirtualClock
from tests.metered import Metered, ScaleSet, Tokens
from tests.sets import Vm, snapshot

from pulumi_vmss_health import Rejected, ScaleSetId, Unavailable
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.clock import Deadline
from vmss_instance_view.connection import Azure, Connection


class Serving:
    """A wire to an Azure that serves some api-versions; it notes in which ones it was asked."""

    def __init__(self, *served: str, code: str = "NoRegisteredProviderFound", status: int = 400) -> None:
        self.clock = VirtualClock()
        self.asked: list[str] = []
        self.served = served
        self.after_a_refusal: tuple[str, ...] | None = None
        self._code, self._status = code, status
        self._azure = Metered(self.clock)
        self.sets = [self._azure.add(name, ScaleSet(lambda _: snapshot(Vm(), Vm()))) for name in ("web", "api")]

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        (version,) = parse_qs(urlsplit(url).query)["api-version"]
        self.asked.append(version)
        if version in self.served:
            return self._azure.get(what, url, token, deadline)
        told = self.served
        if self.after_a_refusal is not None:
            self.served = self.after_a_refusal
        said = f"No registered provider for '{version}'. The supported api-versions are '{', '.join(told)}'."
        return Answer(self._status, {}, json.dumps({"error": {"code": self._code, "message": said}}).encode())

    def azure(self) -> Azure:
        return Azure(Settings({}), self.clock, Connection(PUBLIC, self, Tokens()))

    def view(self, azure: Azure, scale_set: ScaleSetId) -> int:
        """How many VMs the view of a set counts."""
        seen = azure.reader(scale_set).view(Deadline(30, self.clock))
        return sum(each.count for each in seen.virtual_machine.statuses_summary)


def test_the_version_that_tells_most_is_asked_in() -> None:
    wire = Serving("2024-11-01", "2026-04-01")
    assert wire.view(wire.azure(), wire.sets[0]) == 2
    assert wire.asked == ["2026-04-01"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "NoRegisteredProviderFound"),
        (400, "InvalidApiVersionParameter"),
        (400, "UnsupportedApiVersion"),
        (404, "InvalidResourceType"),
    ],
)
def test_a_cloud_that_lacks_it_is_asked_in_an_older_one_from_then_on(status: int, code: str) -> None:
    wire = Serving("2024-07-01", "2024-11-01", code=code, status=status)
    azure = wire.azure()
    assert [wire.view(azure, each) for each in wire.sets] == [2, 2]
    assert wire.asked == ["2026-04-01", "2026-04-01", "2024-11-01", "2024-11-01"]


def test_lists_are_asked_for_in_the_version_that_there_is_too() -> None:
    wire = Serving("2024-11-01")
    seen = wire.azure().reader(wire.sets[0]).instances(Deadline(30, wire.clock))
    assert len(seen) == 2
    assert wire.asked[:2] == ["2026-04-01"] * 2
    assert {*wire.asked[2:]} == {"2024-11-01"}


def test_a_cloud_that_has_neither_is_refused_with_the_versions_that_there_are() -> None:
    wire = Serving("2019-03-01", "2021-07-01")
    with pytest.raises(Rejected) as refused:
        wire.view(wire.azure(), wire.sets[0])
    assert "The supported api-versions are '2019-03-01, 2021-07-01'" in str(refused.value)
    assert "this cloud must serve api-version 2026-04-01 or 2024-11-01" in str(refused.value)
    assert wire.asked == ["2026-04-01"] * 2 + ["2024-11-01"] * 2


def test_a_refusal_of_every_version_passes_where_azure_answered_before() -> None:
    wire = Serving("2026-04-01", "2024-11-01")
    azure = wire.azure()
    wire.view(azure, wire.sets[0])
    wire.served = ()
    with pytest.raises(Unavailable, match="but this cloud served it before"):
        wire.view(azure, wire.sets[0])
    wire.served = ("2026-04-01",)
    assert wire.view(azure, wire.sets[0]) == 2


@pytest.mark.parametrize("refused", [1, 2, 5])
def test_a_version_that_is_refused_once_is_asked_in_again(refused: int) -> None:
    """An older one tells less: not that somebody outside reports health, without which a set seems to have none."""
    wire = Serving("2026-04-01", "2024-11-01")
    served = wire.served
    reader = wire.azure().reader(wire.sets[0])
    for number in range(1, 7):
        wire.served = () if number == refused else served
        wire.after_a_refusal = served
        reader.view(Deadline(30, wire.clock))
    assert wire.asked == ["2026-04-01"] * 7


def test_a_set_is_asked_on_in_the_version_in_which_it_was_answered() -> None:
    wire = Serving("2026-04-01", "2024-11-01")
    reader = wire.azure().reader(wire.sets[0])
    reader.view(Deadline(30, wire.clock))
    wire.served = ("2024-11-01",)
    with pytest.raises(Unavailable, match=r"HTTP 400 .*: api-version 2026-04-01 is refused, but"):
        reader.view(Deadline(30, wire.clock))
    assert {*wire.asked} == {"2026-04-01"}


def test_a_region_that_lacks_the_version_of_others_is_asked_in_an_older_one_and_they_are_not() -> None:
    wire = Serving("2026-04-01", "2024-11-01")
    azure = wire.azure()
    here, there = (azure.reader(each) for each in wire.sets)
    here.view(Deadline(30, wire.clock))
    wire.served = ("2024-11-01",)
    there.view(Deadline(30, wire.clock))
    wire.served = ("2026-04-01", "2024-11-01")
    del wire.asked[:]
    here.view(Deadline(30, wire.clock))
    there.view(Deadline(30, wire.clock))
    wire.view(azure, wire.sets[0])
    assert wire.asked == ["2026-04-01", "2024-11-01", "2026-04-01"]


def test_another_refusal_is_no_matter_of_versions() -> None:
    wire = Serving("2024-11-01", code="InvalidParameter")
    with pytest.raises(Rejected):
        wire.view(wire.azure(), wire.sets[0])
    assert wire.asked == ["2026-04-01"]
