"""An answer other than 200, as the error that a caller would act on.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/ common errors and request limits. HTTP
status first: one error code appears under several statuses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from vmss_instance_view.errors import AzureError, Forbidden, Rejected, ScaleSetNotFound, Throttled, Unavailable, clean

_NEXT = {
    401: "Azure does not accept the token: check the tenant and the cloud of the credential",
    403: "give the identity the role Reader on the scale set, or wait if that was done just now",
    404: "check the subscription, the resource group and the name",
    429: "too many requests by all clients together: fewer readers of this subscription, or wait",
}
_RETRY_AFTER_LIMIT = 24 * 3600.0


def refusal(what: str, status: int, headers: Mapping[str, str], content: bytes) -> AzureError:
    """The error for an answer. what: the request as a person names it; its text names code, message and next step."""
    code, message = _envelope(content)
    correlation = headers.get("x-ms-correlation-request-id") or headers.get("x-ms-request-id")
    parts = [
        f"{what}: HTTP {status} {code}".rstrip(),
        f": {message}" if message else "",
        f"; {_NEXT[status]}" if status in _NEXT else "",
        f" (correlation id {clean(correlation, 80)})" if correlation else "",
    ]
    kind = _kind(status)
    return kind("".join(parts), status=status, code=code, retry_after=retry_after(headers))


def _kind(status: int) -> type[AzureError]:
    if status == 429:
        return Throttled
    if status == 408 or status >= 500:
        return Unavailable
    return {403: Forbidden, 404: ScaleSetNotFound}.get(status, Rejected)


def _envelope(content: bytes) -> tuple[str, str]:
    """Azure's code and message; with or without the `error` wrapper; empty for a body that is neither."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return "", clean(content[:200].decode("utf-8", "replace"), 120)
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return clean(str(error.get("code") or ""), 80), clean(str(error.get("message") or ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from seconds or a date; None where it is absent or makes no sense."""
    value = (headers.get("Retry-After") or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _RETRY_AFTER_LIMIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return min(max((moment - datetime.now(timezone.utc)).total_seconds(), 0), _RETRY_AFTER_LIMIT)
