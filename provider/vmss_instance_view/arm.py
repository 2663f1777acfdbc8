"""One authorised GET to the Azure Resource Manager: one attempt, under a deadline, with a typed error.

Waiting between attempts belongs to the callers. What comes back is input from outside: its size, its time and where
it points to are bounded here. A bearer token goes to the cloud's own Resource Manager over https and nowhere else.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import RemoteDisconnected
from typing import TypeAlias, TypeVar
from urllib.parse import urlencode

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.retry import Retry

from vmss_instance_view.clock import Deadline, Overdue
from vmss_instance_view.cloud import Cloud
from vmss_instance_view.credential import TokenSource
from vmss_instance_view.errors import ConfigurationError, MalformedBody, Rejected, Unavailable, clean, root_cause
from vmss_instance_view.quota import Ledger, Limits
from vmss_instance_view.refusal import claims_challenge, refusal
from vmss_instance_view.trust import SharedTrust

# What azure-native itself uses and what sovereign clouds have; every later version answers alike.
API_VERSION = "2024-11-01"

_BODY_LIMIT = 32 * 1024 * 1024  # bytes, unpacked; a page of 1,000 instances with their views has about 6 MB
_PAGE_LIMIT = 500
_CHUNK = 64 * 1024
_CONNECTIONS = 256  # kept open at most: as many as gates look at the same time
_USER_AGENT = "pulumi-vmss-health"
_STALE = (RemoteDisconnected, ConnectionResetError, BrokenPipeError)

T = TypeVar("T")
Parse: TypeAlias = Callable[[Mapping[str, object]], T]


@dataclass(frozen=True, slots=True)
class Question:
    """A GET as a person would name it.

    what: goes into errors, such as "instance view of scale set web". limits: the buckets that it is taken from.
    """

    what: str
    path: str
    limits: Limits
    query: tuple[tuple[str, str], ...] = ()

    def url(self, cloud: Cloud) -> str:
        """Where to send it."""
        query = urlencode((*self.query, ("api-version", API_VERSION)), safe="$'")
        return f"{cloud.resource_manager}{self.path}?{query}"


class _Bearer(AuthBase):
    """Sets the token last, so that a .netrc entry of the host cannot replace it (requests would prefer that)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Arm:
    """The Resource Manager of one cloud, read with one identity. Safe for many threads.

    requests: how many it was sent.
    """

    def __init__(self, cloud: Cloud, tokens: TokenSource, ledger: Ledger) -> None:
        """Nothing is sent yet. ledger: shared by all who read this cloud from this process."""
        self.cloud = cloud
        self.requests = 0
        self._counting = threading.Lock()
        self._ledger = ledger
        self._tokens = tokens
        self._session = requests.Session()
        self._session.headers["User-Agent"] = _USER_AGENT
        self._session.mount("https://", SharedTrust(pool_maxsize=_CONNECTIONS, max_retries=Retry(0, read=False)))

    def counted_apart(self) -> Arm:
        """The same, connections and identity and ledger included, with a count of its own."""
        twin = copy.copy(self)
        twin.requests = 0
        return twin

    def get(self, question: Question, parse: Parse[T], deadline: Deadline) -> T:
        """What `parse` makes of the JSON object that answers a question.

        Raises AzureError (by what a caller would do; Unavailable when the deadline passes), CredentialError,
        MalformedBody.
        """
        url = question.url(self.cloud)
        return _parsed(url, parse, self._get(question, url, deadline))

    def pages(self, question: Question, parse: Parse[T], deadline: Deadline) -> Iterator[T]:
        """The same for each page of a list. Raises Rejected where a page points out of the cloud or in a circle."""
        url: object = question.url(self.cloud)
        seen: set[str] = set()
        while url:
            self._confine(question, url, seen)
            page = self._get(question, str(url), deadline)
            yield _parsed(str(url), parse, page)
            url = page.get("nextLink")

    def _confine(self, question: Question, url: object, seen: set[str]) -> None:
        if not isinstance(url, str) or not self._is_own(url):
            raise Rejected(f"{question.what}: refused to follow a nextLink to {clean(str(url), 120)!r}")
        if url in seen or len(seen) >= _PAGE_LIMIT:
            raise Rejected(f"{question.what}: gave up after {len(seen)} pages: the list does not end")
        seen.add(url)

    def _is_own(self, url: str) -> bool:
        # The whole prefix: no parser can then disagree with another about where the host ends.
        own = self.cloud.resource_manager.lower()
        return url.lower().startswith((f"{own}/", f"{own}:443/"))

    def _get(self, question: Question, url: str, deadline: Deadline) -> dict[str, object]:
        token = self._tokens.token()
        response, content = self._exchange(question, url, token, deadline)
        if response.status_code == 401:
            # Expired early, revoked, or wanting claims: once more, with a fresh token that has them.
            self._tokens.refused(token, claims_challenge(response.headers))
            response, content = self._exchange(question, url, self._tokens.token(), deadline)
        if response.status_code != 200:
            raise refusal(question.what, response.status_code, response.headers, content)
        return _parse(url, content)

    def _exchange(
        self, question: Question, url: str, token: str, deadline: Deadline
    ) -> tuple[requests.Response, bytes]:
        with self._send(question, url, _Bearer(token), deadline) as response:
            self._ledger.note(question.limits, question.path.lower(), response.headers, time.monotonic())
            return response, _read(question, response, deadline)

    def _send(self, question: Question, url: str, auth: AuthBase, deadline: Deadline) -> requests.Response:
        try:
            try:
                return self._attempt(url, auth, deadline)
            except requests.ConnectionError as error:
                # A kept connection that the server had closed meanwhile says nothing about Azure: once more.
                if not isinstance(root_cause(error), _STALE):
                    raise
                return self._attempt(url, auth, deadline)
        except (Overdue, requests.Timeout):
            raise _overdue(question) from None
        except requests.RequestException as error:
            raise Unavailable(f"{question.what}: no answer: {_cause(error)}") from None
        except OSError as error:  # requests could not open the file of trusted authorities
            raise ConfigurationError(f"{_cause(error)}; check REQUESTS_CA_BUNDLE") from None

    def _attempt(self, url: str, auth: AuthBase, deadline: Deadline) -> requests.Response:
        with self._counting:
            self.requests += 1
        return self._session.get(url, auth=auth, timeout=deadline.left(), stream=True, allow_redirects=False)


def _overdue(question: Question) -> Unavailable:
    return Unavailable(f"{question.what}: no complete answer in the time that was left")


def _cause(error: Exception) -> str:
    root = root_cause(error)
    return clean(str(root) or type(root).__name__, 200)


def _read(question: Question, response: requests.Response, deadline: Deadline) -> bytes:
    """The body, bounded in size (unpacked) and in time, also where it trickles: each read takes what has arrived."""
    content = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            content += chunk
            if len(content) > _BODY_LIMIT:
                raise Rejected(f"{question.what}: the answer is larger than {_BODY_LIMIT >> 20} MiB")
            deadline.left()
    except (Overdue, ReadTimeoutError):
        raise _overdue(question) from None
    except (HTTPError, OSError) as error:
        raise Unavailable(f"{question.what}: the answer was cut off: {_cause(error)}") from None
    return bytes(content)


def _parsed(url: str, parse: Parse[T], body: dict[str, object]) -> T:
    try:
        return parse(body)
    except MalformedBody as error:
        raise error.at(clean(url, 300)) from None


def _parse(url: str, content: bytes) -> dict[str, object]:
    """The JSON object. Azure answers in JSON objects; anything else is a proxy's page or half a body."""
    source = clean(url, 300)
    try:
        body = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError:
        raise MalformedBody("$", "nested too deeply", source=source) from None
    except ValueError as error:
        start = clean(content[:60].decode("utf-8", "replace"), 60)
        raise MalformedBody("$", f"not JSON ({clean(str(error), 120)}), it begins {start!r}", source=source) from None
    if not isinstance(body, dict):
        raise MalformedBody("$", f"an object belongs here, not a {type(body).__name__}", source=source)
    return body


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys are all different: which of two equal ones to believe, nobody knows."""
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("an object has a key twice")
    return body


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
