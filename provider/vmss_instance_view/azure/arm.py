"""Authorised GETs to the Azure Resource Manager: under a deadline, charged to the budget, with a typed error.

Waiting between attempts belongs to the callers. A bearer token goes to the cloud's own Resource Manager over https and
nowhere else: every URL is checked where it is sent.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar
from urllib.parse import urlencode

from vmss_instance_view.azure.api_version import ApiVersion, is_refused
from vmss_instance_view.azure.cloud import Cloud
from vmss_instance_view.azure.refusal import claims_challenge, refusal, retry_after, throttled_by
from vmss_instance_view.azure.wire import LARGE, Answer, Silent, Stale, Wire, overdue
from vmss_instance_view.clock import Clock, Deadline, Overdue
from vmss_instance_view.errors import MalformedBody, Rejected, Unavailable
from vmss_instance_view.limits.budget import Budget
from vmss_instance_view.limits.quota import Charge
from vmss_instance_view.text import clean

_PAGES = 50  # of a list: 5,000 instances, at 100 on a page
_REFUSALS = 2  # of an api-version in a row, before an older one is tried: Azure refuses at times what it serves
_OF_A_LIST = 32 * 1024 * 1024  # bytes
# Of what an answer may be made, counted before it is parsed: a body of brackets alone takes a hundred times its bytes.
# 8 MB of instances with their views have 70,000, 700,000 and 350,000.
_KEYS = 10_000  # of one object
_MADE_OF = ((b"{[", 150_000, "objects and lists"), (b'"', 950_000, "quotation marks"), (b",", 950_000, "elements"))

T = TypeVar("T")
Parse: TypeAlias = Callable[[Mapping[str, object]], T]


@dataclass(frozen=True, slots=True)
class Question:
    """A GET as a person would name it.

    what: goes into errors, such as "instance view of scale set web". charge: the buckets that it is taken from. limit:
    bytes of the answer.
    """

    what: str
    path: str
    charge: Charge
    query: tuple[tuple[str, str], ...] = ()
    limit: int = LARGE

    def url(self, cloud: Cloud, version: str) -> str:
        """Return where to send it. version: the api-version."""
        query = urlencode((*self.query, ("api-version", version)), safe="$'")
        return f"{cloud.resource_manager}{self.path}?{query}"


class Tokens(Protocol):
    """Where bearer tokens come from. Safe for many threads."""

    def token(self, deadline: Deadline) -> str:
        """Return a bearer token. Raises CredentialError or Unavailable."""

    def refused(self, token: str, claims: str | None) -> None:
        """Take note that Azure did not accept a token. claims: those that it asks for."""


class Arm:
    """The Resource Manager of one cloud, read with one identity. Safe for many threads.

    requests: how many it has sent. wire, tokens, version and budget are shared by all who read this cloud from this
    process.
    """

    def __init__(
        self, cloud: Cloud, wire: Wire, tokens: Tokens, budget: Budget, clock: Clock, version: ApiVersion | None = None
    ) -> None:
        """Send nothing yet."""
        self.cloud = cloud
        self.budget = budget
        self.clock = clock
        self.requests: int = 0
        self._wire = wire
        self._tokens = tokens
        self._version = version or ApiVersion()
        self._answered_in = ""
        self._counting = threading.Lock()

    def get(self, question: Question, parse: Parse[T], deadline: Deadline) -> T:
        """Return what `parse` makes of the JSON object that answers a question.

        Raises AzureError (by what a caller would do; Unavailable when the deadline passes), CredentialError,
        MalformedBody.
        """
        url, content = self._begin(question, deadline)
        return _parsed(question, url, parse, content, deadline)

    def pages(self, question: Question, parse: Parse[T], deadline: Deadline) -> Iterator[T]:
        """Do the same for each page of a list. Raises Rejected if a page links elsewhere or the list is endless."""
        url, content = self._begin(question, deadline)
        seen = {url}
        size = 0
        while True:
            size += len(content)
            if size > _OF_A_LIST:
                raise Rejected(f"{question.what}: the list is larger than the limit of {_OF_A_LIST >> 20} MiB")
            parsed, link = _parsed(question, url, lambda page: (parse(page), page.get("nextLink")), content, deadline)
            yield parsed
            if link is None or link == "":
                return
            if not isinstance(link, str) or not self._is_own(link):
                raise Rejected(f"{question.what}: refused to follow a nextLink to {clean(str(link), 120)!r}")
            if link in seen or len(seen) >= _PAGES:
                raise Rejected(f"{question.what}: the list did not end after {len(seen)} pages")
            seen.add(link)
            url, content = link, self._ask(question, link, deadline)

    def _begin(self, question: Question, deadline: Deadline) -> tuple[str, bytes]:
        """Ask in the best api-version that the cloud serves; return the URL and the answer.

        In the one in which it was answered before, if it was: in another one a body may say less.
        """
        version, refusals = self._answered_in or self._version.first, 0
        while True:
            url = question.url(self.cloud, version)
            try:
                content = self._ask(question, url, deadline)
            except Rejected as error:
                if not is_refused(error.code):
                    raise
                refusals += 1
                if refusals < _REFUSALS:
                    continue
                if not self._answered_in and (older := self._version.older(version)):
                    version, refusals = older, 0
                    continue
                if not self._version.is_served:
                    raise
                said = f"{question.what}: HTTP {error.status} {error.code}: api-version {version} is refused"
                text = f"{said}, but this cloud served it before: this is an error on Azure's side: try again"
                raise Unavailable(text, status=error.status, code=error.code) from None
            self._answered_in = self._answered_in or version
            self._version.is_served = True
            return url, content

    def _is_own(self, url: str) -> bool:
        # The whole prefix: no parser can then disagree with another about where the host ends.
        own = self.cloud.resource_manager.lower()
        return url.lower().startswith((f"{own}/", f"{own}:443/"))

    def _ask(self, question: Question, url: str, deadline: Deadline) -> bytes:
        if not self._is_own(url):
            raise Rejected(f"{question.what}: refused to send a token to {clean(url, 120)!r}")
        token = self._tokens.token(deadline)
        answer = self._send(question, url, token, deadline)
        if answer.status == 401:
            # The token expired early, was revoked or lacks claims: try once more with a fresh one that has them.
            self._tokens.refused(token, claims_challenge(answer.headers))
            answer = self._send(question, url, self._tokens.token(deadline), deadline)
        if answer.status != 200:
            raise refusal(question.what, answer.status, answer.headers, answer.content, self.clock.now())
        if len(answer.content) > question.limit:
            raise Rejected(f"{question.what}: the answer is larger than {question.limit >> 20} MiB")
        return answer.content

    def _send(self, question: Question, url: str, token: str, deadline: Deadline) -> Answer:
        """Send the request; if the server is silent, send it again on a new connection."""
        was_stale = False
        while True:
            with self._counting:
                self.requests += 1
            self.budget.spend(question.charge, self.clock.monotonic())
            try:
                answer = self._wire.get(question.what, url, token, deadline)
            except Stale as error:
                if was_stale:
                    raise Unavailable(f"{question.what}: no answer: {error}") from None
                was_stale = True
            except Silent:
                pass
            except Overdue:
                raise overdue(question.what) from None
            else:
                self._account(question.charge, answer)
                return answer
            _check_time(question.what, deadline)

    def _account(self, charge: Charge, answer: Answer) -> None:
        now = self.clock.monotonic()
        self.budget.correct(charge, answer.headers, now)
        if answer.status == 429:
            wait = retry_after(answer.headers, self.clock.now())
            self.budget.refused(charge, now, wait, throttled_by(answer.headers, answer.content))


def _check_time(what: str, deadline: Deadline) -> None:
    try:
        deadline.left()
    except Overdue:
        raise overdue(what) from None


def _parsed(question: Question, url: str, parse: Parse[T], content: bytes, deadline: Deadline) -> T:
    """Return what `parse` makes of the body: in time, too."""
    source = clean(url, 300)
    try:
        parsed = parse(_decoded(source, content))
    except MalformedBody as error:
        raise error.at(source) from None
    except Overdue:
        raise overdue(question.what) from None
    _check_time(question.what, deadline)
    return parsed


def _decoded(source: str, content: bytes) -> dict[str, object]:
    """Return the JSON object. Azure answers in JSON objects; anything else is a proxy's page or half a body."""
    for characters, limit, what in _MADE_OF:
        if len(content) > limit and sum(content.count(each) for each in characters) > limit:
            raise MalformedBody("$", f"more than {limit:,} {what} are in it", source=source)
    try:
        body = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError:
        raise MalformedBody("$", "nested too deeply", source=source) from None
    except ValueError as error:
        start = clean(content[:60].decode("utf-8", "replace"), 60)
        raise MalformedBody("$", f"not JSON ({clean(str(error), 120)}), it begins {start!r}", source=source) from None
    if not isinstance(body, dict):
        raise MalformedBody("$", f"an object belongs here, not a {type(body).__name__}", source=source)
    if isinstance(said := body.get("error"), dict) and len(body) == 1:
        raise MalformedBody("$", f"HTTP 200 came with an error: {clean(str(said.get('code')), 80)}", source=source)
    return body


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse an object with a duplicate key: which of the values counts is not defined."""
    if len(pairs) > _KEYS:
        raise ValueError(f"an object has more than {_KEYS:,} keys")
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("an object has a key twice")
    return body


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")
