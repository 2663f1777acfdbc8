"""What comes back from outside is not trusted: through real sockets, each within its time and in little memory."""

from __future__ import annotations

import socket
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from tests.clocks import within
from tests.provider.conftest import AT_ONCE, trust, vms

from pulumi_vmss_health import (
    ConfigurationError,
    InstanceView,
    InstanceViewError,
    MalformedBody,
    Rejected,
    ScaleSetId,
    Throttled,
    Unavailable,
)
from vmss_emulator import Emulator
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import SystemClock
from vmss_instance_view.connection import Azure
from vmss_instance_view.reading.retry import read_with_retry

VIEW = "GET */instanceView"
LIST = "GET */virtualMachines"


def read(azure: Emulator, seconds: float = 3.0, *, instances: bool = False) -> InstanceView | int:
    """One whole read with retries, as one-shot callers do it; a number of instances where they are asked for."""
    scale_set = ScaleSetId.parse(azure.put_scale_set("web", capacity=5))
    reader = Azure(Settings(azure.environment)).reader(scale_set)
    began = time.monotonic()
    try:
        if instances:
            return len(read_with_retry(reader.instances, seconds, SystemClock()))
        return read_with_retry(reader.view, seconds, SystemClock())
    finally:
        assert time.monotonic() - began < seconds + 1, "it came later than its deadline and a second"


def fault(azure: Emulator, match: str = VIEW, **effect: Any) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": match, **effect}]})


@pytest.mark.parametrize(
    "effect",
    [
        {"reset": True},
        {"hang": "headers"},
        {"hang": "body"},
        {"trickle": "300ms"},
        {"trickle_headers": "300ms"},
        {"cut": True},
        {"status": 503},
    ],
    ids=lambda effect: "-".join(map(str, *effect.items())) if isinstance(effect, dict) else str(effect),
)
def test_a_server_that_does_not_answer_properly_is_unavailable_by_the_deadline(
    azure: Emulator, effect: dict[str, Any]
) -> None:
    fault(azure, **effect)
    with pytest.raises(Unavailable):
        read(azure, 2)


@pytest.mark.parametrize("effect", [{"reset": True}, {"cut": True}, {"status": 503}, {"status": 500}])
def test_a_burst_of_failures_is_outlived(azure: Emulator, effect: dict[str, Any]) -> None:
    fault(azure, times=2, **effect)
    assert isinstance(read(azure, 10), InstanceView)


def test_a_refused_connection_is_unavailable(azure: Emulator) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
    scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
    with pytest.raises(Unavailable, match=r"metadata host 127.0.0.1:\d+: no answer"):
        Azure(Settings({**azure.environment, "ARM_METADATA_HOSTNAME": host, "VMSS_EMULATOR_URL": ""})).reader(scale_set)


def test_an_azure_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as azure, pytest.MonkeyPatch.context() as monkeypatch:
        trust(azure, monkeypatch)
        scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
        reader = Azure(Settings(azure.environment)).reader(scale_set)
        assert vms(reader.view(within(5))) == 3
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(Path(azure.environment["REQUESTS_CA_BUNDLE"]).read_bytes())
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        azure.stop()
        with pytest.raises(Unavailable, match="no answer"):
            reader.view(within(5))


def test_a_missing_file_of_trusted_authorities_is_a_mistake_of_the_configuration(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
    client = Azure(Settings(azure.environment))
    known = client.reader(scale_set)
    assert vms(known.view(within(5))) == 3
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    for read_it in (lambda: known.view(within(5)), lambda: Azure(Settings(azure.environment)).reader(scale_set)):
        with pytest.raises(ConfigurationError, match=r"/nowhere/bundle.pem; check REQUESTS_CA_BUNDLE"):
            read_it()


def test_a_bomb_is_given_up_in_bounded_memory(azure: Emulator) -> None:
    fault(azure, bomb="200MB")
    tracemalloc.start()
    try:
        with pytest.raises(Rejected, match="larger than 10 MiB"):
            read(azure, 30)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 120 * 2**20


def test_a_wait_beyond_the_deadline_ends_the_call_at_once(azure: Emulator) -> None:
    fault(azure, status=429, code="TooManyRequests", retry_after=1200)
    began = time.monotonic()
    with pytest.raises(Throttled):
        read(azure, 20)
    assert time.monotonic() - began < 5


def test_a_short_wait_that_azure_asks_for_is_kept(azure: Emulator) -> None:
    fault(azure, status=429, code="TooManyRequests", retry_after=1, times=1)
    began = time.monotonic()
    assert isinstance(read(azure, 20), InstanceView)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("where", ["https://localhost:1/steal", "http://127.0.0.1:1/steal", "//evil/steal", "\\\\evil"])
def test_a_list_that_points_elsewhere_is_not_followed(azure: Emulator, where: str) -> None:
    fault(azure, LIST, body={"value": [], "nextLink": where})
    with pytest.raises(Rejected, match="refused to follow a nextLink"):
        read(azure, instances=True)


def test_a_redirect_is_not_followed_not_even_to_the_own_host(azure: Emulator) -> None:
    with Emulator() as other:
        for host in (azure, other):
            fault(azure, status=307, headers={"Location": f"{host.url}/elsewhere"})
            with pytest.raises(Rejected, match="redirects are not followed"):
                read(azure)
            assert not any(request.path == "/elsewhere" for request in host.requests)


def test_pages_without_end_end(azure: Emulator) -> None:
    fault(azure, LIST, endless=True)
    with pytest.raises(InstanceViewError, match=r"the list did not end|in the time that was left|within"):
        read(azure, 10, instances=True)


@pytest.mark.parametrize(
    "body",
    ['{"statuses": [], "statuses": []}', '{"virtualMachine": NaN}', '{"x": Infinity}', "[" * 50_000, '"text"', "\x00"],
    ids=["duplicate key", "NaN", "Infinity", "nesting", "text", "binary"],
)
def test_a_body_that_is_no_proper_json_object_is_malformed(azure: Emulator, body: str) -> None:
    fault(azure, body=body)
    scale_set = ScaleSetId.parse(azure.put_scale_set("web"))
    with pytest.raises(MalformedBody):
        Azure(Settings(azure.environment)).reader(scale_set).view(within(5))


def test_a_bearer_token_goes_to_no_other_host(azure: Emulator) -> None:
    """The list points to a second emulator, whose journal shows whether anybody came."""
    with Emulator() as other:
        fault(azure, LIST, body={"value": [], "nextLink": f"{other.url}/subscriptions/s?api-version=1"})
        with pytest.raises(Rejected):
            read(azure, instances=True)
        assert other.requests == ()
