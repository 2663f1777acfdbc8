"""Connections that share the trusted certificate authorities."""

from __future__ import annotations

import threading
from pathlib import Path
from ssl import SSLContext
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context


class SharedTrust(HTTPAdapter):
    """Reads the file of trusted authorities once; by itself requests does for each connection: 26 ms and 0.7 MB.

    With a connection for each gate that looks, that would be most of a waiting gate's memory. Overrides what requests
    documents for a context of one's own.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as the base class has them
        """Set up as the base class does."""
        self._lock = threading.Lock()  # connections with contexts of their own would not be kept for others
        self._contexts: dict[str, SSLContext] = {}
        super().__init__(**settings)

    def build_connection_pool_key_attributes(
        self,
        request: Any,  # noqa: ANN401 - as the base class has it
        verify: Any,  # noqa: ANN401 - as above
        cert: Any = None,  # noqa: ANN401 - as above
    ) -> tuple[Any, Any]:
        """Return where to connect, and with the context instead of the file that it was made from.

        Raises OSError if there is no such file, or none of authorities.
        """
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        own = {key: value for key, value in tls.items() if key not in ("ca_certs", "ca_cert_dir")}
        context = self._context(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
        return host, {**own, "ssl_context": context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ANN401 - as above
        """Do nothing: the shared context already has the trusted authorities."""

    def _context(self, authorities: str) -> SSLContext:
        with self._lock:
            if authorities not in self._contexts:
                self._contexts[authorities] = _trusting(authorities)
            return self._contexts[authorities]


def _trusting(authorities: str) -> SSLContext:
    context = create_urllib3_context()
    where = {"capath" if Path(authorities).is_dir() else "cafile": authorities}
    try:
        context.load_verify_locations(**where)
    except OSError as error:  # which does not name the file
        raise OSError(f"no trusted authorities: {error.strerror or error}: {authorities}") from None
    return context
