"""Which identity reads: the order that azure-native has, first match wins, no falling through to the next.

azure-identity does the work; it is imported when a token is first asked for, as it costs as much as everything else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmss_instance_view.cloud import Cloud
from vmss_instance_view.errors import CredentialError, Unavailable, clean, root_cause
from vmss_instance_view.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

_REFRESH_BEFORE = 300  # seconds before its end that a token is renewed: clocks differ, and requests take time
_TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # noqa: S105 - the audience that federated tokens are made for
_OIDC_TIMEOUT = 30  # seconds

# What these say of a failure is in the error. Where nobody logs, Python would print it once more, raw: MSAL's log has
# whole answers of an authority, or of a proxy that stands in for it.
for _library in ("azure", "msal", "urllib3"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


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
        self._claims: str | None = None

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

    def refused(self, token: str, claims: str | None) -> None:
        """Azure did not accept a token: the next one is a fresh one, with the claims that Azure asks for.

        token: as it was sent; what another thread has renewed meanwhile stays.
        claims: the JSON text of a claims challenge (continuous access evaluation), None without one.
        """
        with self._lock:
            if self._token is not None and self._token.token == token:
                self._token, self._claims = None, claims

    def _ask(self) -> AccessToken:
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        way = _way(self._settings)
        try:
            if self._credential is None:
                self._credential = way.make(self._settings, self._cloud)
            return self._credential.get_token(self._cloud.scope, claims=self._claims)
        except (ClientAuthenticationError, ValueError, OSError) as error:
            raise CredentialError(f"no token from {way.name}: {_cause(error)}; {way.advice}") from None
        except AzureError as error:
            raise Unavailable(f"no answer from {self._cloud.authority} for {way.name}: {_cause(error)}") from None


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to get a token: when it is meant, how it is made, what to do when it does not work."""

    name: str
    meant: Callable[[Settings], bool]
    make: Callable[[Settings, Cloud], TokenCredential]
    advice: str


def _way(settings: Settings) -> _Way:
    return next(way for way in WAYS if way.meant(settings))


def _default(settings: Settings, cloud: Cloud) -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    client = {"managed_identity_client_id": settings.get("clientId")} if settings.get("clientId") else {}
    return DefaultAzureCredential(**_authority(settings, cloud), **client)


def _certificate(settings: Settings, cloud: Cloud) -> TokenCredential:
    from azure.identity import CertificateCredential

    tenant, client = _application(settings, "a certificate")
    path, password = settings.get("clientCertificatePath"), settings.get("clientCertificatePassword")
    return CertificateCredential(tenant, client, path, password=password, **_authority(settings, cloud))


def _secret(settings: Settings, cloud: Cloud) -> TokenCredential:
    from azure.identity import ClientSecretCredential

    tenant, client = _application(settings, "a client secret")
    secret = settings.get("clientSecret") or ""
    return ClientSecretCredential(tenant, client, secret, **_authority(settings, cloud))


def _oidc(settings: Settings, cloud: Cloud) -> TokenCredential:
    from azure.identity import ClientAssertionCredential

    tenant, client = _application(settings, "OIDC")
    return ClientAssertionCredential(tenant, client, _assertion(settings), **_authority(settings, cloud))


def _managed_identity(settings: Settings, _cloud: Cloud) -> TokenCredential:
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings.get("clientId"), **_NO_RETRY)


def _az_cli(settings: Settings, _cloud: Cloud) -> TokenCredential:
    from azure.identity import AzureCliCredential

    return AzureCliCredential(tenant_id=settings.get("tenantId") or "")


def _names(*keys: str) -> str:
    return ", ".join(map(Settings.names, keys))


WAYS: tuple[_Way, ...] = (
    _Way(
        "the default credential",
        lambda settings: settings.is_true("useDefaultAzureCredential"),
        _default,
        "set the variables of one of its sources (AZURE_TOKEN_CREDENTIALS chooses), or sign in with `az login`",
    ),
    _Way(
        "the client certificate",
        lambda settings: settings.get("clientCertificatePath") is not None,
        _certificate,
        f"check {_names('clientId', 'tenantId', 'clientCertificatePath', 'clientCertificatePassword')}",
    ),
    _Way(
        "the client secret",
        lambda settings: settings.get("clientSecret") is not None,
        _secret,
        f"check {_names('clientId', 'tenantId', 'clientSecret')}",
    ),
    _Way(
        "OIDC",
        lambda settings: settings.is_true("useOidc"),
        _oidc,
        f"check {_names('clientId', 'tenantId')}, and that the application trusts the issuer and the subject; the "
        f"token comes from {_names('oidcToken', 'oidcTokenFilePath')}, or from "
        f"{_names('oidcRequestUrl', 'oidcRequestToken')}",
    ),
    _Way(
        "the managed identity",
        lambda settings: settings.is_true("useMsi"),
        _managed_identity,
        f"check that this machine has one, and {_names('clientId')}",
    ),
    _Way(
        "the az CLI",
        lambda _settings: True,
        _az_cli,
        f"sign in with `az login`, or set {_names('clientId', 'clientSecret', 'tenantId')}, or "
        f"{Settings.names('useMsi')} or {Settings.names('useOidc')} to true",
    ),
)
"""azure-native's order. Source: its authentication code, 3.29."""

# Waiting between attempts belongs to whoever waits for the scale set, not to the transport.
_NO_RETRY: dict[str, Any] = {"retry_total": 0}


def _authority(settings: Settings, cloud: Cloud) -> dict[str, Any]:
    """Where to ask. A cloud that Microsoft's directory does not list cannot be looked up there."""
    unlisted = not cloud.known or settings.is_true("disableInstanceDiscovery")
    return {"authority": cloud.authority, "disable_instance_discovery": unlisted, **_NO_RETRY}


def _application(settings: Settings, what: str) -> tuple[str, str]:
    """Tenant and client of an application, which this way cannot do without."""
    values = {key: settings.get(key) for key in ("tenantId", "clientId")}
    for key, value in values.items():
        if not value:
            raise CredentialError(f"{what} is set, but no {key}: set {settings.names(key)}")
    return values["tenantId"] or "", values["clientId"] or ""


def _assertion(settings: Settings) -> Callable[[], str]:
    """A function that gives the federated token; a file is read, and a URL asked, for every token anew."""
    token, path = settings.get("oidcToken"), settings.get("oidcTokenFilePath")
    url, request_token = settings.get("oidcRequestUrl"), settings.get("oidcRequestToken")
    if token:
        return lambda: token
    if path:
        return lambda: Path(path).read_text(encoding="utf-8").strip()
    if url and request_token:
        return lambda: _request_oidc_token(url, request_token)
    raise CredentialError(
        f"OIDC is set, but no token: set {_names('oidcToken', 'oidcTokenFilePath')}, or both "
        f"{_names('oidcRequestUrl', 'oidcRequestToken')} (GitHub sets them with `permissions: id-token: write`)"
    )


def _request_oidc_token(url: str, request_token: str) -> str:
    """Ask the pipeline's token service. Source: GitHub, "OpenID Connect reference", requesting the JWT."""
    import requests

    if not url.startswith("https://"):
        raise ValueError(f"{Settings.names('oidcRequestUrl')} must be an https URL")
    try:
        answer = requests.get(
            url,
            params={"audience": _TOKEN_EXCHANGE},
            headers={"Authorization": f"Bearer {request_token}"},
            timeout=_OIDC_TIMEOUT,
            allow_redirects=False,
        )
        token = answer.json()["value"]
    except (requests.RequestException, LookupError, TypeError) as error:
        raise ValueError(f"the OIDC token service gave no token: {clean(str(root_cause(error)), 200)}") from None
    if not isinstance(token, str):
        raise ValueError("the OIDC token service gave no token")  # noqa: TRY004 - its answer is wrong, not an argument
    return token


def _cause(error: Exception) -> str:
    """The first line of azure-identity's text: the rest is a list of what else could be tried."""
    return clean((str(error).strip() or type(error).__name__).splitlines()[0], 300)
