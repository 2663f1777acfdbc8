"""Faults: the timeline's requests that are not answered as they should be.

A fault is chosen by what the request looks like and by how many such requests came before; which one answers is decided
here, how it is carried out (a silent socket, a reset connection) is the business of `app`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, cast

from vmss_emulator.sections import Section, count, flag, one_of, text

KEYS = ("match", "after", "times", "status", "code", "message", "body", "retry_after", "hang", "reset")


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    Attributes:
        method: the HTTP method, or `*`.
        path: a glob for the path without its query, in which `*` also spans slashes. Letters count as written:
            without case, `*/virtualMachines*` would match every path with `virtualMachineScaleSets` in it.
        after: how many matching requests pass unharmed first.
        times: how many are then answered by this rule; None: all.
        status: answer with this HTTP status and an error envelope of `code` and `message`.
        body: answer with this text as it is, with `status` or else 200.
        retry_after: seconds, sent as `Retry-After` with the status.
        hang: `headers` never answers; `body` sends the headers and half of the true body, then nothing.
        reset: the connection is reset.
    """

    method: str
    path: str
    after: int = 0
    times: int | None = None
    status: int | None = None
    code: str = "ServiceUnavailable"
    message: str = "A fault of the timeline answered this request."
    body: str | None = None
    retry_after: int | None = None
    hang: Literal["headers", "body"] | None = None
    reset: bool = False

    @classmethod
    def parse(cls, section: Section) -> Fault:
        """Read one rule.

        Raises:
            TimelineError: naming the key and what would be right.
        """
        answered = "status" in section or "body" in section
        if answered + sum(key in section for key in ("hang", "reset")) != 1:
            raise section.error("match", "exactly one of status or body, hang, reset must say what happens")
        method, path = section.read("match", _match, ("", ""))
        if not method:
            raise section.error("match", 'missing; write it like "GET */instanceView"')
        return cls(method, path, **_limits(section), **_effect(section))

    def matches(self, method: str, path: str) -> bool:
        """Does a request look like what this rule is about?"""
        return self.method in ("*", method) and fnmatchcase(path, self.path)


def _limits(section: Section) -> dict[str, Any]:
    return {"after": section.read("after", count, 0), "times": section.read("times", count, cast("int", None))}


def _effect(section: Section) -> dict[str, Any]:
    usual = Fault("*", "*")
    found = {
        "status": section.read("status", _status, 0) or (200 if "body" in section else None),
        "body": section.read("body", text, "") if "body" in section else None,
        "code": section.read("code", text, usual.code),
        "message": section.read("message", text, usual.message),
        "hang": section.read("hang", one_of("headers", "body"), "") or None,
        "reset": section.read("reset", flag, False),
    }
    retry_after = section.read("retry_after", count, -1)
    return found if retry_after < 0 else {**found, "retry_after": retry_after}


def _match(value: object) -> tuple[str, str]:
    method, _, path = text(value).partition(" ")
    if not path or not method.replace("*", "A").isupper():
        raise ValueError(f'{value!r} is not "METHOD path-glob", such as "GET */instanceView"')
    return method, path.strip()


def _status(value: object) -> int:
    number = count(value)
    if not 400 <= number <= 599:
        raise ValueError(f"{value!r} is not an HTTP error status of 400 to 599")
    return number


class FaultLine:
    """The rules of one timeline, and how often each has matched so far."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self._seen = [0] * len(self._faults)
        self._lock = threading.Lock()

    def pick(self, method: str, path: str) -> Fault | None:
        """The rule that answers this request, which is counted; None: it is answered as it should be."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.matches(method, path) and self._due(index, fault):
                    return fault
        return None

    def _due(self, index: int, fault: Fault) -> bool:
        self._seen[index] += 1
        turn = self._seen[index] - fault.after
        return turn > 0 and (fault.times is None or turn <= fault.times)
