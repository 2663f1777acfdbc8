"""Client assertions: tokens with which an application proves who it is instead of showing a secret.

An application with a certificate signs one itself: issuer and subject are its own id. A federated one brings a token
that somebody else made for it, such as GitHub's service for a workflow. Signatures are not checked: the emulator holds
nobody's keys. Numbers and conditions are those of Entra ID's error reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vmss_emulator.entra import jwts
from vmss_emulator.protocol.errors import IdentityError

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# What tokens of other issuers must be made for.
EXCHANGE = "api://AzureADTokenExchange"


def check(assertion: str, client_id: str, now: float) -> None:
    """Take an assertion for what it says, if it can be what it should be.

    Raises:
        IdentityError: it is malformed, expired, another application's, or made for something else.
    """
    try:
        claims = jwts.decode(assertion)
    except ValueError as error:
        raise IdentityError(400, "invalid_request", 50027, f"The client assertion is malformed: {error}.") from None
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str):
        raise IdentityError(400, "invalid_request", 50027, "The client assertion names no issuer or no subject.")
    _check_time(claims, now)
    if client_id in (issuer, subject):
        _check_own(issuer, subject)
    elif EXCHANGE not in _audiences(claims):
        message = f"The federated token is made for '{claims.get('aud')}', not for '{EXCHANGE}'."
        raise IdentityError(401, "invalid_client", 700212, message)


def _check_own(issuer: str, subject: str) -> None:
    if issuer != subject:
        message = "Issuer and subject of an assertion that an application signs itself must both be its id."
        raise IdentityError(401, "invalid_client", 700021, message)


def _check_time(claims: Mapping[str, Any], now: float) -> None:
    expiry = claims.get("exp", now + 1)
    if not isinstance(expiry, int | float) or expiry <= now:
        raise IdentityError(401, "invalid_client", 700024, "The client assertion is not valid any more.")


def _audiences(claims: Mapping[str, Any]) -> list[Any]:
    found = claims.get("aud")
    return found if isinstance(found, list) else [found]
