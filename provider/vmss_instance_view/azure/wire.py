"""One HTTPS exchange: one GET, one attempt, bounded in size and time. Knows nothing of Azure but the bearer token.

What comes back is input from outside: how large it is, how long it takes and where it redirects to are bounded here.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import RemoteDisconnected
from typing import Any, Protocol
from urllib.request import getproxies

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader, ReadTimeoutError
from urllib3.util.retry import Retry

from vmss_instance_view.azure.trust import SharedTrust
from vmss_instance_view.clock import Deadline, Overdue
from vmss_instance_view.errors import ConfigurationError, Rejected, Unavailable, root_cause
from vmss_instance_view.text import clean

BEGINS_WITHIN = 10.0  # seconds that an answer may take to begin

SMALL = 1024 * 1024  # bytes of an answer that says one thing, such as the description of a cloud
LARGE = 10 * 1024 * 1024
"""Bytes of an answer, unpacked. Azure's own rule for its services is 8 MB: they make pages of what is larger.

Source: azure-resource-manager-rpc, common-api-details, max response size. 1,000 instances with four extensions each,
made up to resemble Azure's, have 11 MB, and 21 MB with 1,000 characters in every message: that is several pages.
"""
_REFUSAL = 256 * 1024  # bytes of a refusal that are read: it says all it has to say at its beginning
_CHUNK = 64 * 1024
_CONNECTIONS = 256  # kept open at most: as many as gates look at the same time
USER_AGENT = "pulumi-vmss-health"
_STALE = (RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Silent(Exception):
    """The server did not begin to answer in time: worth another attempt on a new connection."""


class Stale(Exception):
    """The server had closed the connection, which says nothing about Azure: worth one more attempt. Says how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Wire(Protocol):
    """Whatever carries requests: HTTPS, or an Azure in memory. Safe for many threads."""

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        """Send one GET. what: the request as a person names it.

        Raises Silent or Stale if another attempt makes sense at once, else Unavailable, Rejected (the answer is too
        large), ConfigurationError (the server's certificate is not trusted).
        """


class Https:
    """Requests over TLS that is always verified; connections are kept, redirects are not followed."""

    def __init__(self) -> None:
        """Connect to nothing yet."""
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.mount("https://", SharedTrust(pool_maxsize=_CONNECTIONS, max_retries=Retry(0, read=False)))

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        """Send one GET, as `Wire.get`."""
        return self.fetch(what, url, Bearer(token), deadline, LARGE)

    def fetch(self, what: str, url: str, auth: AuthBase, deadline: Deadline, limit: int = SMALL) -> Answer:
        """Do the same with another authorization. limit: bytes of the body; that of a refusal is cut instead."""
        with self._send(what, url, auth, deadline) as response:
            is_cut = response.status_code != 200
            content = read_body(what, response.raw, deadline, _REFUSAL if is_cut else limit, is_cut=is_cut)
            return Answer(response.status_code, response.headers, content)

    def _send(self, what: str, url: str, auth: AuthBase, deadline: Deadline) -> requests.Response:
        seconds = min(deadline.left(), BEGINS_WITHIN)
        try:
            return self._session.get(url, auth=auth, timeout=seconds, stream=True, allow_redirects=False)
        except requests.Timeout:
            raise Silent from None
        except (requests.RequestException, ValueError) as error:
            raise untrusted(what, error) or impossible(what, error) or _no_answer(what, error) from None
        except OSError as error:  # requests could not open the file of trusted authorities
            raise ConfigurationError(f"{_cause(error)}; check REQUESTS_CA_BUNDLE") from None


class Bearer(AuthBase):
    """Sets the token last, so that a .netrc entry of the host cannot replace it (requests would prefer that)."""

    def __init__(self, token: str) -> None:
        """token: a secret; it is nowhere shown."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authorize a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Anonymous(AuthBase):
    """Sends no credentials, also where .netrc has some for the host."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave a request as it is."""
        return request


def impossible(what: str, error: Exception) -> ConfigurationError | None:
    """Return the error for an address or a header that cannot be used; None if something else went wrong.

    The libraries' own words would tell a part of a secret, or all of it.
    """
    if not isinstance(error, ValueError) or isinstance(root_cause(error), InvalidHeader):  # of the answer
        return None
    if "header value" in str(error):
        cause = "a secret for a header has a line break, or another character that no header can have; it is not shown"
        return ConfigurationError(f"{what}: {cause}; check the variables that sign in, such as IDENTITY_HEADER")
    if isinstance(error, UnicodeError):
        cause = "a character that cannot be sent"
    elif any("@" in address for address in getproxies().values()):
        cause = "an address that cannot be read, and is not shown, as a proxy's may hold a password"
    else:
        cause = _cause(error).rstrip(".")
    return ConfigurationError(f"{what}: {cause}; check the host's name and HTTPS_PROXY")


def _no_answer(what: str, error: Exception) -> Exception:
    if isinstance(root_cause(error), _STALE):
        return Stale(_cause(error))
    return Unavailable(f"{what}: no answer: {_cause(error)}")


def untrusted(what: str, error: BaseException) -> ConfigurationError | None:
    """Return the error for a server whose certificate is not trusted; None if something else went wrong."""
    cause = root_cause(error)
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return None
    return ConfigurationError(
        f"{what}: the server's certificate is not trusted ({clean(cause.verify_message, 120)}); where a proxy or "
        "an Azure of your own uses a private authority, set REQUESTS_CA_BUNDLE to a file that has its certificate"
    )


def _cause(error: Exception) -> str:
    root = root_cause(error)
    return clean(str(root) or type(root).__name__, 200)


def overdue(what: str) -> Unavailable:
    """Return the error for an answer that did not come whole in the time that was left."""
    return Unavailable(f"{what}: no complete answer in the time that was left")


def read_body(what: str, body: Any, deadline: Deadline, limit: int, *, is_cut: bool = False) -> bytes:  # noqa: ANN401 - urllib3's
    """Read the body, bounded in size (unpacked) and time, even if it trickles: each read takes what has arrived.

    is_cut: give the beginning of a body that is larger. Raises Rejected (it is larger) or Unavailable.
    """
    content = bytearray()
    try:
        while chunk := body.read1(_CHUNK, decode_content=True):
            content += chunk
            if len(content) > limit:
                if is_cut:
                    return bytes(content[:limit])
                raise Rejected(f"{what}: the answer is larger than {limit >> 20} MiB")
            deadline.left()
        deadline.left()
    except (Overdue, ReadTimeoutError):
        raise overdue(what) from None
    except (HTTPError, OSError) as error:
        raise Unavailable(f"{what}: the answer was cut off: {_cause(error)}") from None
    return bytes(content)
