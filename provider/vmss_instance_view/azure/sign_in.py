"""Send token requests: bounded in size and time, without .netrc; tell service errors from wrong credentials.

Imported when a token is first asked for: it brings azure-core.
"""

from __future__ import annotations

import io
from typing import Any

import requests
from azure.core.exceptions import AzureError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from urllib3 import HTTPResponse

from vmss_instance_view.azure.trust import SharedTrust
from vmss_instance_view.azure.wire import SMALL, Anonymous, impossible, read_body, untrusted
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.errors import ConfigurationError, root_cause
from vmss_instance_view.text import clean

_WHAT = "the sign-in service"
_PASSING = (408, 410, 429)  # 410: how a virtual machine's own says that it is being updated


class SignIn(RequestsTransport):  # type: ignore[misc] # azure-core types it as Any
    """azure-core's own transport.

    refusal: what went wrong though the credential may be right, such as "HTTP 503" or an answer that did not come;
    offline: why the service could not be reached; "" for nothing of the kind. azure-identity raises the same for these
    and for a wrong secret. clock: that its time is measured by.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        """seconds: for connecting, for each answer to begin, and for each to be complete."""
        session = requests.Session()
        session.auth = Anonymous()
        for scheme in ("https://", "http://"):  # managed identities are asked over http, on the machine itself
            session.mount(scheme, _Bounded(seconds, clock))
        super().__init__(session=session, session_owner=False, connection_timeout=seconds, read_timeout=seconds)
        self.clock = clock
        self.refusal: str = ""
        self.offline: str = ""

    def send(self, request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the base class has it
        """Send one request.

        Raises ConfigurationError if no certificate, or not the service's, is trusted, or if nothing can be sent there.
        """
        try:
            response = super().send(request, **kwargs)
        except (AzureError, ValueError) as error:
            inner = getattr(error, "inner_exception", None) or error
            if wrong := untrusted(_WHAT, inner) or impossible(_WHAT, inner):
                raise wrong from None
            self.offline = clean(str(root_cause(inner)), 200) or type(error).__name__
            if isinstance(error, ServiceResponseError):  # it was reached
                self.refusal = f"no answer: {self.offline}"
            raise error from None
        except OSError as error:  # requests could not open the file of trusted authorities
            raise ConfigurationError(f"{error}; check REQUESTS_CA_BUNDLE") from None
        if response.status_code in _PASSING or response.status_code >= 500:
            self.refusal = f"HTTP {response.status_code}"
        return response


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
