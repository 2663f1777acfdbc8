"""Connections that share the trusted certificate authorities, whatever they are for."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from ssl import SSLContext
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context


class SharedTrust(HTTPAdapter):
    """Takes the authorities that the process has read; by itself requests reads them for each connection.

    That is 26 ms and 0.7 MB each time: with a connection for each gate that looks, most of a waiting gate's memory.
    Overrides what requests documents for a context of one's own.
    """

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
        if host["scheme"] != "https":
            return host, tls
        own = {key: value for key, value in tls.items() if key not in ("ca_certs", "ca_cert_dir")}
        return host, {**own, "ssl_context": _trust(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ANN401 - as above
        """Trust for the connection to a proxy alone: the shared context is that of the connection behind it."""
        if conn.proxy is not None and conn.proxy.scheme == "https":
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call] # as requests has it


_reading = threading.Lock()  # two contexts of the same authorities would keep their connections apart


def _trust(authorities: str) -> SSLContext:
    """Return the context of a file or folder as it is now. Raises OSError as `_trusting`."""
    path = Path(authorities)
    with _reading:
        return _trusting(authorities, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=8)
def _trusting(authorities: str, _changed: int) -> SSLContext:
    context = create_urllib3_context()
    where = {"capath" if Path(authorities).is_dir() else "cafile": authorities}
    try:
        context.load_verify_locations(**where)
    except OSError as error:  # which does not name the file
        raise OSError(f"no trusted authorities: {error.strerror or error}: {authorities}") from None
    return context
