"""Turn an answer other than 200 into the error that a caller can act on.

HTTP status first: one error code appears under several statuses, OperationNotAllowed under 409 (of the set's mode or
of an upgrade) and under 429 (Compute's throttling).
Source: https://learn.microsoft.com/azure/azure-resource-manager/ common errors; request limits; claims challenges.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from vmss_instance_view.azure.api_version import API_VERSIONS, is_refused
from vmss_instance_view.errors import (
    AzureError,
    Forbidden,
    NotSupported,
    Rejected,
    ScaleSetNotFound,
    Throttled,
    Unauthorized,
    Unavailable,
)
from vmss_instance_view.text import clean

_RETRY_AFTER_LIMIT = 24 * 3600.0
# Azure names the operation that the mode does not know, as "VirtualMachineScaleSets.instanceView.GET".
_WRONG_MODE = re.compile(r"operation '[\w.]+\.GET' is not allowed on virtual machine scale set", re.IGNORECASE)
_ACTION = re.compile(r"perform action '([\w./*]+)' over scope '([^']+)'")
_CLAIMS = re.compile(r'claims="([A-Za-z0-9+/_=-]+)"')


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What Azure says of a failure: code, message, and the bucket where it throttles."""

    code: str = ""
    message: str = ""
    bucket: str = ""


def refusal(what: str, status: int, headers: Mapping[str, str], content: bytes, now: datetime) -> AzureError:
    """Return the error for an answer. what: the request as a person names it. now: the time of day, UTC.

    The text names request, status, Azure's code and message, the next step and the correlation id.
    """
    said = _envelope(content)
    kind = _kind(status, said)
    wait = retry_after(headers, now)
    correlation = headers.get("x-ms-correlation-request-id") or headers.get("x-ms-request-id")
    parts = [
        f"{what}: HTTP {status} {said.code}".rstrip(),
        f": {said.message}" if said.message else "",
        f"; {_next_step(kind, status, said, headers, _until(wait, now))}",
        f" (correlation id {clean(correlation, 80)})" if correlation else "",
    ]
    error = kind("".join(parts), status=status, code=said.code, retry_after=wait)
    if isinstance(error, Forbidden) and (match := _ACTION.search(said.message)):
        error.action, error.scope = match.groups()
    return error


def _kind(status: int, said: _Envelope) -> type[AzureError]:
    if status == 429:
        return Throttled
    if is_refused(said.code):
        return Rejected
    if status in (400, 409) and _WRONG_MODE.search(said.message):
        return NotSupported
    if status in _PASSING or status >= 500:
        return Unavailable
    return {401: Unauthorized, 403: Forbidden, 404: ScaleSetNotFound}.get(status, Rejected)


def _next_step(kind: type[AzureError], status: int, said: _Envelope, headers: Mapping[str, str], until: str) -> str:
    if kind is Throttled:
        by_compute = _is_of_compute(said, headers)
        whose = f"Compute's limit {said.bucket}".rstrip() if by_compute else "Resource Manager's limit"
        return f"{whose} is used up (all clients share it): wait{until}"
    if kind is Unavailable:
        return _PASSING.get(status, "this is an error on Azure's side: try again")
    if kind is Rejected and is_refused(said.code):
        return f"this cloud must serve api-version {' or '.join(API_VERSIONS)} of scale sets; ask its operator"
    if kind is Rejected:
        return _REJECTED.get(status, "Azure would refuse the same request again")
    return _NEXT[kind]


_NEXT = {
    Unauthorized: "Azure does not accept the token: check the tenant and the cloud of the credential",
    Forbidden: "give the identity the role Reader on the scale set; if it was given just now, wait a few minutes",
    ScaleSetNotFound: "check the subscription, the resource group and the name",
    NotSupported: "Uniform and Flexible scale sets are read by different operations",
}
_REJECTED = {
    301: "redirects are not followed: check the cloud's address",
    302: "redirects are not followed: check the cloud's address",
    307: "redirects are not followed: check the cloud's address",
    308: "redirects are not followed: check the cloud's address",
}
# Statuses that may pass by themselves, besides 5xx.
_PASSING = {
    408: "Azure timed the request out: try again",
    409: "another operation on the set is running: wait until it has ended",
    412: "the set has changed in the meantime: read it again",
}


def _until(wait: float | None, now: datetime) -> str:
    return "" if wait is None else f" {wait:.0f}s, until {now + timedelta(seconds=wait):%H:%M:%S} UTC"


def _is_of_compute(said: _Envelope, headers: Mapping[str, str]) -> bool:
    """Return whether a 429 is Compute's: its answers name the bucket; Resource Manager's do not."""
    return bool(said.bucket or headers.get("x-ms-ratelimit-remaining-resource"))


def throttled_by(headers: Mapping[str, str], content: bytes) -> str | None:
    """Return the bucket of Compute that a 429 names, "" if it names none; None if the limit is Resource Manager's."""
    said = _envelope(content)
    return said.bucket if _is_of_compute(said, headers) else None


def _envelope(content: bytes) -> _Envelope:
    """Read code and message, with or without the `error` wrapper; of any other body, its first words."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return _Envelope(message=clean(content[:200].decode("utf-8", "replace"), 120))
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return _Envelope()
    details = error.get("details")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    bucket = first.get("target") if first.get("code") == "TooManyRequests" else ""
    # Without the text's limit: the action and the scope of a 403 come late in a long message.
    return _Envelope(
        clean(str(error.get("code") or ""), 80),
        clean(str(error.get("message") or ""), 600),
        clean(str(bucket or ""), 80),
    )


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read the seconds to wait, given as seconds or as a date; None if absent or not understood. now: UTC."""
    value = (headers.get("Retry-After") or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _RETRY_AFTER_LIMIT)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(seconds, 0), _RETRY_AFTER_LIMIT)


def claims_challenge(headers: Mapping[str, str]) -> str | None:
    """Return the claims that a 401 asks for (continuous access evaluation), as JSON text; None if it asks for none."""
    challenge = headers.get("WWW-Authenticate") or ""
    match = _CLAIMS.search(challenge)
    if not match or "insufficient_claims" not in challenge:
        return None
    encoded = match.group(1).replace("+", "-").replace("/", "_").rstrip("=")
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
