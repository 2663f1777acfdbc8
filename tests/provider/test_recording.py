"""Answers that are kept as they came: nothing of who asked, and nothing changed for the reader."""

from __future__ import annotations

from typing import Any

import pytest
from tests.clocks import VirtualClock, within

from vmss_instance_view.azure.recording import Read, Recording
from vmss_instance_view.azure.wire import Answer, Silent
from vmss_instance_view.clock import Deadline

URL = "https://management.azure.com/subscriptions/s%20t/x?$filter=%27a%2Fid%27+eq+%27b%27&$skiptoken=&api-version=2024-11-01"
HEADERS = {
    "Retry-After": "7",
    "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
    "x-ms-ratelimit-remaining-resource": "Microsoft.Compute/X;1",
    "X-Ms-Ratelimit-Remaining-Subscription-Reads": "2",
    "Authorization": "Bearer canary",
    "Set-Cookie": "canary",
    "WWW-Authenticate": "canary",
    "x-ms-correlation-request-id": "canary",
    "x-ms-operation-identifier": "tenantId=canary",
}


class Wire:
    def __init__(self, clock: VirtualClock, answer: Answer | Exception) -> None:
        self.clock, self.answer = clock, answer
        self.asked: list[tuple[Any, ...]] = []

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        self.asked.append((what, url, token, deadline))
        self.clock.time += 0.25
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_an_answer_is_kept_without_host_token_and_identity_and_passed_on_as_it_is() -> None:
    clock, kept = VirtualClock(), list[Read]()
    clock.time = 3.0
    wire, deadline = Wire(clock, Answer(429, HEADERS, b'{"n": 1}')), within(1)
    answer = Recording(wire, clock, kept.append).get("it", URL, "canary", deadline)
    assert answer is wire.answer
    assert wire.asked == [("it", URL, "canary", deadline)]
    (read,) = kept
    assert (read.path, read.query) == ("/subscriptions/s t/x", (("$filter", "'a/id' eq 'b'"), ("$skiptoken", "")))
    assert (read.api_version, read.status, read.body) == ("2024-11-01", 429, {"n": 1})
    assert (read.began, read.took) == (3.0, 0.25)
    assert read.headers == {
        "retry-after": "7",
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "x-ms-ratelimit-remaining-resource": "Microsoft.Compute/X;1",
        "x-ms-ratelimit-remaining-subscription-reads": "2",
    }
    assert "canary" not in repr(read)


@pytest.mark.parametrize("content", [b"<html>", b"\xff", b"[" * 100_000, b""])
def test_what_is_no_json_is_kept_as_nothing(content: bytes) -> None:
    clock, kept = VirtualClock(), list[Read]()
    Recording(Wire(clock, Answer(200, {}, content)), clock, kept.append).get("it", URL, "t", within(1))
    assert [each.body for each in kept] == [None]


def test_no_answer_is_no_read() -> None:
    clock, kept = VirtualClock(), list[Read]()
    with pytest.raises(Silent):
        Recording(Wire(clock, Silent()), clock, kept.append).get("it", URL, "t", within(1))
    assert kept == []
