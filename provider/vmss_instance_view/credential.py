"""Which identity reads: the order that azure-native has, first match wins, no falling through.

Known here: client secret, managed identity, and the az CLI last. azure-identity does the work; it is imported when a
token is first asked for, as it costs as much as everything else.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from vmss_instance_view.cloud import Cloud
from vmss_instance_view.errors import CredentialError, Unavailable, clean
from vmss_instance_view.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

_REFRESH_BEFORE = 300  # seconds before its end that a token is renewed: clocks differ, and requests take time


class TokenSource:
    """One token for all threads, asked for once, renewed before it expires."""

    def __init__(self, settings: Settings, cloud: Cloud) -> None:
        """Nothing is asked for yet."""
        self._settings = settings
        self._cloud = cloud
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        self._token: AccessToken | None = None
        self._renew_at = 0.0

    def token(self) -> str:
        """A bearer token for the cloud's Resource Manager, and for no other host.

        Raises CredentialError (says what was tried and what to set) or Unavailable (the authority did not answer).
        """
        with self._lock:
            if self._token is None or time.time() >= self._renew_at:
                self._token = self._ask()
                left = self._token.expires_on - time.time()
                self._renew_at = self._token.expires_on - min(_REFRESH_BEFORE, left / 2)
            return self._token.token

    def forget(self) -> None:
        """Drop the token: Azure refused it."""
        with self._lock:
            self._token = None

    def _ask(self) -> AccessToken:
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        name, what_to_set = _kind(self._settings)
        try:
            if self._credential is None:
                self._credential = _make(self._settings, self._cloud)
            return self._credential.get_token(self._cloud.scope)
        except ClientAuthenticationError as error:
            raise CredentialError(f"no token from {name}: {_cause(error)}; {what_to_set}") from None
        except AzureError as error:
            raise Unavailable(f"no answer from {self._cloud.authority} for {name}: {_cause(error)}") from None
        except ValueError as error:
            raise CredentialError(f"no token from {name}: {_cause(error)}; {what_to_set}") from None


def _kind(settings: Settings) -> tuple[str, str]:
    """The credential that the settings choose, by name, and what a person would set to mend it."""
    if settings.get("clientSecret"):
        keys = ", ".join(settings.names(key) for key in ("clientId", "clientSecret", "tenantId"))
        return "the client secret", f"check {keys}"
    if settings.is_true("useMsi"):
        return "the managed identity", f"check that this machine has one, and {settings.names('clientId')}"
    return (
        "the az CLI",
        f"sign in with `az login`, or set {settings.names('clientId')}, {settings.names('clientSecret')} and "
        f"{settings.names('tenantId')}, or {settings.names('useMsi')} to true",
    )


def _make(settings: Settings, cloud: Cloud) -> TokenCredential:
    from azure import identity

    tenant, client = settings.get("tenantId"), settings.get("clientId")
    secret = settings.get("clientSecret")
    if secret:
        return identity.ClientSecretCredential(
            _need(settings, "tenantId", tenant),
            _need(settings, "clientId", client),
            secret,
            **_authority(settings, cloud),
        )
    if settings.is_true("useMsi"):
        return identity.ManagedIdentityCredential(client_id=client, **_NO_RETRY)
    return identity.AzureCliCredential(tenant_id=tenant or "")


# Waiting between attempts belongs to whoever waits for the scale set, not to the transport.
_NO_RETRY: dict[str, Any] = {"retry_total": 0}


def _authority(settings: Settings, cloud: Cloud) -> dict[str, Any]:
    """Where to ask. A cloud that Microsoft's directory does not list cannot be looked up there."""
    discovery = not cloud.known or settings.is_true("disableInstanceDiscovery")
    return {"authority": cloud.authority, "disable_instance_discovery": discovery, **_NO_RETRY}


def _need(settings: Settings, key: str, value: str | None) -> str:
    if not value:
        raise CredentialError(f"a client secret is set, but no {key}: set {settings.names(key)}")
    return value


def _cause(error: Exception) -> str:
    """The first line of azure-identity's text: the rest is a list of what else could be tried."""
    return clean((str(error).strip() or type(error).__name__).splitlines()[0], 300)
