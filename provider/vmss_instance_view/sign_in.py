"""How token requests travel: bounded in time, without .netrc, and remembering trouble that is not the credential's.

Imported when a token is first asked for: it brings azure-core.
"""

from __future__ import annotations

from typing import Any

import requests
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport

from vmss_instance_view.errors import clean, root_cause
from vmss_instance_view.wire import Anonymous


class SignIn(RequestsTransport):  # type: ignore[misc] # azure-core types it as Any
    """azure-core's own transport.

    refusal: a status of the sign-in service that says nothing about the credential, such as "HTTP 503"; offline: why a
    request got no answer; "" for nothing of the kind. azure-identity raises the same for these and a wrong secret.
    """

    def __init__(self, seconds: float) -> None:
        """seconds: for connecting, and for each answer to begin."""
        session = requests.Session()
        session.auth = Anonymous()
        super().__init__(session=session, session_owner=False, connection_timeout=seconds, read_timeout=seconds)
        self.refusal = self.offline = ""

    def send(self, request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the base class has it
        """Send one request."""
        try:
            response = super().send(request, **kwargs)
        except AzureError as error:
            self.offline = clean(str(root_cause(error)), 200)
            raise
        if response.status_code in (408, 429) or response.status_code >= 500:
            self.refusal = f"HTTP {response.status_code}"
        return response
