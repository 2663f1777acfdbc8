"""Faults: the timeline's requests that are not answered as they should be.

A fault is chosen by what the request looks like and by how many such requests came before; which one answers is decided
here, how it is carried out (a silent socket, half a body, a bomb) is the business of `mischief`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

from vmss_emulator.durations import parse_duration
from vmss_emulator.protocol.messages import METHODS
from vmss_emulator.sections import Section, count, flag, one_of, shown, text

_UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_QUERY = re.compile(r"\?[^/]*=")
_ENVELOPE = ("status", "code", "message", "body")
# What can happen to a request besides being answered with a status or a body: the key is the name of the effect.
_EFFECTS: Mapping[str, Callable[[Any], Any]] = {
    "hang": one_of("headers", "body"),
    "reset": flag,
    "trickle": parse_duration,
    "trickle_headers": parse_duration,
    "cut": flag,
    "bomb": lambda value: _size(value),
    "endless": flag,
    "claims": flag,
}
KEYS = ("match", "query", "after", "times", *_ENVELOPE, "headers", "retry_after", *_EFFECTS)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    Attributes:
        method: the HTTP method, or `*`.
        path: a glob for the path without its query, in which `*` also spans slashes. Letters count as written:
            without case, `*/virtualMachines*` would match every path with `virtualMachineScaleSets` in it.
        query: a glob for the query, percent-decoded.
        after: how many matching requests pass unharmed first.
        times: how many are then answered by this rule; None: all.
        effect: `answer` (with status and body), `headers` (the true answer, with more headers), or one of
            hang, reset, trickle, trickle_headers, cut, bomb, endless, claims.
        value: what was written for the effect: seconds for the two that trickle, bytes for a bomb.
        status: of the answer.
        body: its text; None: an error envelope of `code` and `message`, or nothing below status 400.
        headers: sent along whatever the effect, in the place of the answer's own of the same name; `{url}` in them and
            in the body is the emulator's own URL.
        retry_after: seconds as they are sent; a float is a time from now on, sent as a date; a text is sent as it is.
    """

    method: str
    path: str
    query: str = "*"
    after: int = 0
    times: int | None = None
    effect: str = "answer"
    value: Any = None
    status: int = 200
    code: str = "ServiceUnavailable"
    message: str = "A fault of the timeline answered this request."
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    retry_after: int | float | str | None = None

    @classmethod
    def parse(cls, section: Section) -> Fault:
        """Read one rule; the section keeps its mistakes."""
        if "match" not in section and section.sound:
            section.complain('missing; write it like "GET */instanceView"', "match")
        method, path = section.read("match", _match, ("", ""))
        usual, effect = cls(method, path), _effect(section)
        values = {key: section.read(key, parse, None) for key, parse in _EFFECTS.items()}
        return cls(
            method,
            path,
            query=section.read("query", text, usual.query),
            after=section.read("after", count, 0),
            times=section.read("times", count, cast("int", None)),
            effect=effect,
            value=values.get(effect),
            status=section.read("status", _status, usual.status),
            code=section.read("code", text, usual.code),
            message=section.read("message", text, usual.message),
            body=section.read("body", _body, None),
            headers=section.read("headers", _headers, ()),
            retry_after=section.read("retry_after", _retry_after, None),
        )

    def __str__(self) -> str:
        """Return which requests it is about, much as it was written."""
        about = f"{self.method} {self.path}"
        return about if self.query == "*" else f"{about}, query {self.query}"

    def matches(self, method: str, path: str, query: str = "") -> bool:
        """Return whether this rule matches a request."""
        return self.method in ("*", method) and fnmatchcase(path, self.path) and fnmatchcase(query, self.query)


def _effect(section: Section) -> str:
    found = [key for key in _EFFECTS if key in section]
    if "status" in section or "body" in section:
        found.append("answer")
    if len(found) == 1:
        return found[0]
    if not found and ("headers" in section or "retry_after" in section):
        return "headers"
    if found or section.sound:
        words = ", ".join(_EFFECTS)
        section.complain(f"exactly one of status or body, {words} must say what happens, or headers alone", "match")
    return "answer"


def _match(value: object) -> tuple[str, str]:
    method, _, path = text(value).partition(" ")
    path = path.strip()
    if not path:
        raise ValueError(f'{shown(value)} is not "METHOD path-glob", such as "GET */instanceView"')
    if method not in ("*", *METHODS):
        raise ValueError(f'{shown(method)} is none of *, {", ".join(METHODS)}; write it like "GET */instanceView"')
    if _QUERY.search(path):
        raise ValueError(f"{shown(path)} has a query; that goes into a key of its own, `query`")
    if path[0] not in "/*?[":
        raise ValueError(f'{shown(path)} fits no path: they begin with a slash; write "/..." or "*/..."')
    return method, path


def _status(value: object) -> int:
    number = count(value)
    if not 200 <= number <= 599:
        raise ValueError(f"{shown(value)} is not an HTTP status of 200 to 599")
    return number


def _body(value: object) -> str:
    """Return text as it is; anything else is sent as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"{shown(value)} cannot be sent as JSON: {error}") from None


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{shown(value)} is not a mapping of names and values")  # noqa: TRY004 - see Section.read
    pairs = [(name, one) for name, many in value.items() for one in (many if isinstance(many, list) else [many])]
    return tuple((_header_name(name), _header_value(one)) for name, one in pairs)


def _header_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", value, re.ASCII):
        raise ValueError(f"{shown(value)} is not the name of a header")
    return value


def _header_value(value: object) -> str:
    if isinstance(value, int | float):
        return shown(value)
    if not isinstance(value, str) or value != value.strip() or _CONTROL.search(value):
        raise ValueError(f"{shown(value)} is not the value of a header: one line without blanks around it")
    return value


def _retry_after(value: object) -> int | float | str:
    """Read seconds, a duration ("30s": sent as a date), or any text."""
    if not isinstance(value, str):
        return count(value)
    try:
        return parse_duration(value)
    except ValueError:
        return _header_value(value)


def _size(value: object) -> int:
    found = re.fullmatch(r"(\d{1,6})(KB|MB|GB)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{shown(value)} is not a size; write "64KB", "200MB" or "1GB"')
    return int(found[1]) * _UNITS[found[2]]


class FaultLine:
    """The rules of one timeline, and how often each has matched so far."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self._seen = [0] * len(self._faults)
        self._idle = set(range(len(self._faults)))
        self._lock = threading.Lock()

    def pick(self, method: str, path: str, query: str = "") -> Fault | None:
        """Return the rule that answers this request, which is counted; None: it is answered as it should be."""
        with self._lock:
            fitting = [index for index, fault in enumerate(self._faults) if fault.matches(method, path, query)]
            self._idle.difference_update(fitting)
            return next((self._faults[index] for index in fitting if self._due(index)), None)

    def idle(self) -> list[tuple[int, Fault]]:
        """Return the rules, and which ones they are, that no request matched so far, whoever would have answered it."""
        with self._lock:
            return [(index, self._faults[index]) for index in sorted(self._idle)]

    def _due(self, index: int) -> bool:
        fault = self._faults[index]
        self._seen[index] += 1
        turn = self._seen[index] - fault.after
        return turn > 0 and (fault.times is None or turn <= fault.times)
