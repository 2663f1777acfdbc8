"""Entra ID and managed identity, as far as Azure's clients ask: discovery, tokens, and who is turned away.

A token looks like Azure's (a JWT with `tid`, `appid`, `aud` and `exp`, which the az CLI reads) and is known because it
was issued here. All tokens are remembered, so that tests can search state and logs for them, and with them the claims
that they were asked for with. Audiences are not checked: clients disagree about which one Azure Resource Manager has.
"""

from __future__ import annotations

import json
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from vmss_emulator.entra import assertions, jwts
from vmss_emulator.protocol.errors import IdentityError

_FEDERATED_LIFETIME = 300
_SHARED_TENANTS = ("adfs", "common", "organizations")


class Identity:
    """One tenant with one application; knows each token that it gave out.

    Args:
        clock: Unix seconds.
        lifetime: of a token, in seconds.
    """

    def __init__(self, clock: Callable[[], float], lifetime: float) -> None:
        self.tenant_id = str(uuid.uuid4())
        self.client_id = str(uuid.uuid4())
        # A letter first: a secret that begins with a dash reads as an option on a command line.
        self.client_secret = "s" + secrets.token_urlsafe(30)
        self.identity_header = secrets.token_hex(16)
        self._clock = clock
        self._lifetime = lifetime
        self.oidc_request_token = secrets.token_urlsafe(30)
        self._expiry: dict[str, float] = {}
        self._owners: dict[str, str] = {}
        self._claims: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token that was issued, oldest first."""
        with self._lock:
            return tuple(self._expiry)

    def valid(self, token: str) -> bool:
        """Return whether this token was issued here and has not expired."""
        with self._lock:
            return self._expiry.get(token, 0.0) > self._clock()

    def owner(self, token: str) -> str | None:
        """Return the id of the application or managed identity that this token was issued to, also an expired one."""
        with self._lock:
            return self._owners.get(token)

    def claimed(self, token: str, wanted: Mapping[str, Any]) -> bool:
        """Return whether this token was requested with at least these claims."""
        with self._lock:
            asked = self._claims.get(token)
        try:
            return asked is not None and _contains(json.loads(asked or "{}"), wanted)
        except ValueError:
            return False

    def discovery(self, tenant: str, url: str) -> dict[str, Any]:
        """Return the OpenID configuration of a tenant.

        Raises:
            IdentityError: the tenant does not exist.
        """
        self._known(tenant)
        middle = "/oauth2" if tenant == "adfs" else "/oauth2/v2.0"
        return {
            "issuer": f"{url}/{tenant}" if tenant == "adfs" else f"{url}/{tenant}/v2.0",
            "authorization_endpoint": f"{url}/{tenant}{middle}/authorize",
            "token_endpoint": f"{url}/{tenant}{middle}/token",
            "device_authorization_endpoint": f"{url}/{tenant}{middle}/devicecode",
            "jwks_uri": f"{url}/{tenant}/discovery/v2.0/keys",  # msal for JavaScript wants it, and never asks there
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": None,
        }

    def grant(self, tenant: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a token request by client credentials: a secret is checked, an assertion is taken for what it says.

        Raises:
            IdentityError: unknown tenant or application, wrong secret, another grant.
        """
        self._known(tenant)
        if form.get("grant_type") != "client_credentials":
            message = f"The emulator grants client_credentials only, not '{form.get('grant_type')}'."
            raise IdentityError(400, "unsupported_grant_type", 70003, message)
        self._authenticate(form)
        audience = form.get("resource") or form.get("scope", "").removesuffix("/.default")
        token = self._issue(audience, form["client_id"], form.get("claims", ""))
        seconds = int(self._lifetime)
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}

    def managed(self, resource: str, client_id: str | None = None) -> dict[str, Any]:
        """Answer a managed identity's token request; numbers are strings there."""
        token = self._issue(resource, client_id or self.client_id)
        seconds, now = int(self._lifetime), int(self._clock())
        expiry = {"expires_in": str(seconds), "expires_on": str(now + seconds), "not_before": str(now)}
        return {"access_token": token, "resource": resource, "token_type": "Bearer", **expiry}

    def federated(self, audience: str) -> dict[str, Any]:
        """The answer of a token service like GitHub's: a token about the workflow that asked, for an audience."""
        now = self._clock()
        repository = "contoso/infrastructure"
        claims = {
            "iss": "https://token.actions.githubusercontent.com",
            "sub": f"repo:{repository}:ref:refs/heads/main",
            "aud": audience,
            "repository": repository,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + _FEDERATED_LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        token = jwts.encode(claims)
        return {"count": len(token), "value": token}

    def _known(self, tenant: str) -> None:
        if tenant.lower() not in (self.tenant_id, *_SHARED_TENANTS):
            message = f"Tenant '{tenant}' not found. Check that it is the tenant of this subscription."
            raise IdentityError(400, "invalid_request", 90002, message)

    def _authenticate(self, form: Mapping[str, str]) -> None:
        if form.get("client_id") != self.client_id:
            message = f"Application with identifier '{form.get('client_id')}' was not found in the directory."
            raise IdentityError(400, "unauthorized_client", 700016, message)
        if form.get("client_assertion_type") == assertions.TYPE:
            return assertions.check(form.get("client_assertion", ""), self.client_id, self._clock())
        if not secrets.compare_digest(form.get("client_secret", "").encode(), self.client_secret.encode()):
            message = f"Invalid client secret provided for app '{self.client_id}'."
            raise IdentityError(401, "invalid_client", 7000215, message)
        return None

    def _issue(self, audience: str, application: str, asked: str = "") -> str:
        now = self._clock()
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + self._lifetime),
            "appid": application,
            "tid": self.tenant_id,
            "oid": str(uuid.uuid5(uuid.UUID(self.tenant_id), application)),
            "uti": secrets.token_urlsafe(12),
        }
        token = jwts.encode(claims)
        with self._lock:
            self._expiry[token] = now + self._lifetime
            self._owners[token] = application
            self._claims[token] = asked
        return token


def _contains(found: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and _contains(found[key], value) for key, value in wanted.items())
    return bool(found == wanted)
