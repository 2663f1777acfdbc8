"""Send token requests: bounded in size and time, without .netrc; tell service errors from wrong credentials."""

from __future__ import annotations

import io
from typing import Any

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from vmss_instance_view.azure.trust import SharedTrust
from vmss_instance_view.azure.wire import SMALL, USER_AGENT, Anonymous, impossible, read_body, untrusted
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.errors import ConfigurationError, root_cause
from vmss_instance_view.text import clean

_WHAT = "the sign-in service"
_PASSING = (408, 410, 429)  # 410: how a virtual machine's own says that it is being updated


class SignIn(requests.Session):
    """The session by which MSAL and azure-identity ask.

    refusal: what went wrong though the credential may be right, such as "HTTP 503" or an answer that did not come;
    offline: why the service could not be reached; said: how it refused the last request, in its own words, which the
    libraries may leave out; "" for nothing of the kind. The libraries raise the same for the first two and for a wrong
    secret. clock: that its time is measured by.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        """seconds: for connecting, for each answer to begin, and for each to be complete."""
        super().__init__()
        self.auth = Anonymous()
        self.headers["User-Agent"] = USER_AGENT
        for scheme in ("https://", "http://"):  # managed identities are asked over http, on the machine itself
            self.mount(scheme, _Bounded(seconds, clock))
        self.clock = clock
        self.refusal: str = ""
        self.offline: str = ""
        self.said: str = ""
        self._seconds = seconds

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as the base class has it
        """Send one request. A redirect is not followed: a secret goes only where it was meant to go.

        Raises ConfigurationError if no certificate, or not the service's, is trusted, or if nothing can be sent there.
        """
        try:
            bounded = {**kwargs, "timeout": self._seconds, "allow_redirects": False}
            response = super().request(method, url, *args, **bounded)
        except (requests.RequestException, ValueError) as error:
            if wrong := untrusted(_WHAT, error) or impossible(_WHAT, error):
                raise wrong from None
            self.offline = clean(str(root_cause(error)), 200) or type(error).__name__
            if _was_reached(error):
                self.refusal = f"no answer: {self.offline}"
            raise
        except OSError as error:  # requests could not open the file of trusted authorities
            raise ConfigurationError(f"{error}; check REQUESTS_CA_BUNDLE") from None
        self.said = _description(response)
        if response.status_code in _PASSING or response.status_code >= 500:
            self.refusal = f"HTTP {response.status_code}"
        return response


def _was_reached(error: Exception) -> bool:
    """Return whether the service took the request, and did not answer it."""
    if isinstance(error, requests.ConnectionError):  # of which a connection that takes too long is one
        return bool(error.args) and isinstance(error.args[0], ProtocolError)
    return True


def _description(response: requests.Response) -> str:
    """Return how an answer describes what is wrong; "" if it does not.

    Source: RFC 6749, 5.2; Azure/azure-cli#14509 and #22145 for a tenant that is not there.
    """
    try:
        described = response.json()["error_description"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return described if isinstance(described, str) else ""


class _Bounded(SharedTrust):
    """Reads an answer at once, as much of it as an answer can have and for as long as it may take."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """seconds: for the body."""
        super().__init__()
        self._seconds = seconds
        self._clock = clock

    def build_response(self, req: Any, resp: Any) -> requests.Response:  # noqa: ANN401 - as the base class has it
        """Return the answer with its body in memory. Raises Rejected (it is too large) or Unavailable."""
        try:
            content = read_body(_WHAT, resp, Deadline(self._seconds, self._clock), SMALL)
        finally:
            resp.close()
        kept = {name: value for name, value in resp.headers.items() if name.lower() not in _OF_THE_WIRE}
        whole = HTTPResponse(
            io.BytesIO(content), kept, resp.status, reason=resp.reason, preload_content=False, request_method=req.method
        )
        return super().build_response(req, whole)


_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")
