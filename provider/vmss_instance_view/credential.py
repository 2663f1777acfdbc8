"""Which identity reads: the order that azure-native has, first match wins, no falling through to the next.

azure-identity does the work; it is imported when a token is first asked for, as it costs as much as everything else.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from vmss_instance_view.clock import Clock, Deadline, Overdue, SystemClock
from vmss_instance_view.cloud import Cloud
from vmss_instance_view.errors import CredentialError, InstanceViewError, Unavailable, clean
from vmss_instance_view.settings import Settings
from vmss_instance_view.wire import Bearer, Https, Silent, Stale

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

    from vmss_instance_view.sign_in import SignIn

TOKEN_WITHIN = 10.0  # seconds for one token, for all who wait for it together

_REFRESH_BEFORE = 300  # seconds before its end that a token is renewed: clocks differ, and requests take time
_REFRESH_AGAIN = 30  # seconds between two attempts to renew a token that is still good
_USABLE = 30  # seconds that a token must still last to be sent
_TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # noqa: S105 - the audience that federated tokens are made for
_AZ_OFFLINE = re.compile(
    r"max retries exceeded|connection (aborted|reset)|timed out|resolve|unreachable", re.IGNORECASE
)

# What these say of a failure is in the error. Where nobody logs, Python would print it once more, raw: MSAL's log has
# whole answers of an authority, or of a proxy that stands in for it.
for _library in ("azure", "msal", "urllib3"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


class TokenSource:
    """One token for all threads, asked for once, renewed before it expires."""

    def __init__(self, settings: Settings, cloud: Cloud, clock: Clock) -> None:
        """Nothing is asked for yet."""
        self._settings = settings
        self._cloud = cloud
        self._clock = clock
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        self._sign_in: SignIn | None = None
        self._token: AccessToken | None = None
        self._renew_at = 0.0
        self._claims: str | None = None

    def token(self, deadline: Deadline) -> str:
        """A bearer token for the cloud's Resource Manager, and for no other host.

        Raises CredentialError (says what was tried and what to set) or Unavailable (no token came in time, or the
        sign-in service had trouble of its own).
        """
        token = self._token
        if token is not None and self._now() < self._renew_at:
            return token.token
        seconds = _within(deadline)
        if not self._lock.acquire(timeout=seconds):
            raise Unavailable(f"no token came within {seconds:.0f}s: another read was waiting for one, too")
        try:
            token = self._token
            if token is None or self._now() >= self._renew_at:
                token = self._token = self._renewed(_within(deadline))
            return token.token
        finally:
            self._lock.release()

    def refused(self, token: str, claims: str | None) -> None:
        """Azure did not accept a token: the next one is a fresh one, with the claims that Azure asks for.

        token: as it was sent; what another thread has renewed meanwhile stays.
        claims: the JSON text of a claims challenge (continuous access evaluation), None without one.
        """
        with self._lock:
            if self._token is not None and self._token.token == token:
                self._token, self._claims = None, claims
                if claims is None:
                    self._credential = None  # which would answer from its cache

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _renewed(self, seconds: float) -> AccessToken:
        """Ask for a token; while the old one is good, trouble of the sign-in service does not matter."""
        try:
            token = self._ask(seconds)
        except Unavailable:
            if self._token is None or self._token.expires_on - self._now() < _USABLE:
                raise
            self._renew_at = self._now() + _REFRESH_AGAIN
            return self._token
        left = token.expires_on - self._now()
        self._renew_at = token.expires_on - min(_REFRESH_BEFORE, left / 2)
        return token

    def _ask(self, seconds: float) -> AccessToken:
        from azure.core.exceptions import AzureError

        way = _way(self._settings)
        try:
            return self._clock.call(lambda: self._get_token(way), seconds)
        except Overdue:
            self._credential = None  # its request may hang for ever
            raise Unavailable(f"{way.name} gave no token within {seconds:.0f}s") from None
        except InstanceViewError:
            raise
        except (AzureError, ValueError, OSError) as error:
            if trouble := _trouble(error, way, self._sign_in):
                raise Unavailable(f"no token from {way.name} for now: {trouble}") from None
            raise CredentialError(f"no token from {way.name}: {_cause(error)}; {way.advice}") from None

    def _get_token(self, way: _Way) -> AccessToken:
        from vmss_instance_view.sign_in import SignIn

        if self._credential is None or self._sign_in is None:
            self._sign_in = SignIn(TOKEN_WITHIN)
            self._credential = way.make(self._settings, self._cloud, self._sign_in)
        self._sign_in.refusal = self._sign_in.offline = ""
        return self._credential.get_token(self._cloud.scope, claims=self._claims)


def _within(deadline: Deadline) -> float:
    try:
        return min(deadline.left(), TOKEN_WITHIN)
    except Overdue:
        raise Unavailable("no time was left to get a token") from None


def _trouble(error: Exception, way: _Way, sign_in: SignIn | None) -> str:
    """What keeps a token away that says nothing about the credential; "" where the credential itself is wrong."""
    if sign_in and (sign_in.refusal or (way.is_remote and sign_in.offline)):
        return sign_in.refusal or sign_in.offline
    if way.make is not _az_cli:
        return ""
    is_slow = isinstance(error.__cause__, subprocess.TimeoutExpired)
    return _cause(error) if is_slow or _AZ_OFFLINE.search(str(error)) else ""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to get a token: when it is meant, how it is made, what to do when it does not work.

    is_remote: it asks a sign-in service, which a network may keep away; the others ask this machine first.
    """

    name: str
    meant: Callable[[Settings], bool]
    make: Callable[[Settings, Cloud, SignIn], TokenCredential]
    advice: str
    is_remote: bool = False


def _way(settings: Settings) -> _Way:
    return next(way for way in WAYS if way.meant(settings))


def _default(settings: Settings, cloud: Cloud, sign_in: SignIn) -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    client = {"managed_identity_client_id": settings.get("clientId")} if settings.get("clientId") else {}
    return DefaultAzureCredential(**_authority(settings, cloud, sign_in), **client)


def _certificate(settings: Settings, cloud: Cloud, sign_in: SignIn) -> TokenCredential:
    from azure.identity import CertificateCredential

    tenant, client = _application(settings, "a certificate")
    path, password = settings.get("clientCertificatePath"), settings.get("clientCertificatePassword")
    return CertificateCredential(tenant, client, path, password=password, **_authority(settings, cloud, sign_in))


def _secret(settings: Settings, cloud: Cloud, sign_in: SignIn) -> TokenCredential:
    from azure.identity import ClientSecretCredential

    tenant, client = _application(settings, "a client secret")
    secret = settings.get("clientSecret") or ""
    return ClientSecretCredential(tenant, client, secret, **_authority(settings, cloud, sign_in))


def _oidc(settings: Settings, cloud: Cloud, sign_in: SignIn) -> TokenCredential:
    from azure.identity import ClientAssertionCredential

    tenant, client = _application(settings, "OIDC")
    return ClientAssertionCredential(tenant, client, _assertion(settings), **_authority(settings, cloud, sign_in))


def _managed_identity(settings: Settings, _cloud: Cloud, sign_in: SignIn) -> TokenCredential:
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings.get("clientId"), **_transport(sign_in))


def _az_cli(settings: Settings, _cloud: Cloud, _sign_in: SignIn) -> TokenCredential:
    from azure.identity import AzureCliCredential

    return AzureCliCredential(tenant_id=settings.get("tenantId") or "", process_timeout=int(TOKEN_WITHIN))


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
        is_remote=True,
    ),
    _Way(
        "the client secret",
        lambda settings: settings.get("clientSecret") is not None,
        _secret,
        f"check {_names('clientId', 'tenantId', 'clientSecret')}",
        is_remote=True,
    ),
    _Way(
        "OIDC",
        lambda settings: settings.is_true("useOidc"),
        _oidc,
        f"check {_names('clientId', 'tenantId')}, and that the application trusts the issuer and the subject; the "
        f"token comes from {_names('oidcToken', 'oidcTokenFilePath')}, or from "
        f"{_names('oidcRequestUrl', 'oidcRequestToken')}",
        is_remote=True,
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


def _transport(sign_in: SignIn) -> dict[str, Any]:
    """How to ask: once. Waiting between attempts belongs to whoever waits for the scale set."""
    return {"transport": sign_in, "retry_total": 0}


def _authority(settings: Settings, cloud: Cloud, sign_in: SignIn) -> dict[str, Any]:
    """Where to ask. A cloud that Microsoft's directory does not list cannot be looked up there."""
    unlisted = not cloud.known or settings.is_true("disableInstanceDiscovery")
    return {"authority": cloud.authority, "disable_instance_discovery": unlisted, **_transport(sign_in)}


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
        return lambda: _request_oidc_token(url, request_token, SystemClock())
    raise CredentialError(
        f"OIDC is set, but no token: set {_names('oidcToken', 'oidcTokenFilePath')}, or both "
        f"{_names('oidcRequestUrl', 'oidcRequestToken')} (GitHub sets them with `permissions: id-token: write`)"
    )


def _request_oidc_token(url: str, request_token: str, clock: Clock) -> str:
    """Ask the pipeline's token service. Source: GitHub, "OpenID Connect reference", requesting the JWT."""
    if not url.startswith("https://"):
        raise ValueError(f"{Settings.names('oidcRequestUrl')} must be an https URL")
    what = "the OIDC token service"
    with_audience = f"{url}{'&' if '?' in url else '?'}{urlencode({'audience': _TOKEN_EXCHANGE})}"
    try:
        answer = Https().fetch(what, with_audience, Bearer(request_token), Deadline(TOKEN_WITHIN, clock))
    except (Silent, Stale, Overdue):
        raise Unavailable(f"{what} did not answer") from None
    if answer.status in (408, 429) or answer.status >= 500:
        raise Unavailable(f"{what} answered HTTP {answer.status}", status=answer.status)
    try:
        token = json.loads(answer.content)["value"]
    except (ValueError, LookupError, TypeError, RecursionError):
        token = None
    if not isinstance(token, str):
        raise ValueError(f"{what} gave no token (HTTP {answer.status})")  # noqa: TRY004 - its answer is wrong
    return token


def _cause(error: Exception) -> str:
    """The first line of azure-identity's text: the rest is a list of what else could be tried."""
    return clean((str(error).strip() or type(error).__name__).splitlines()[0], 300)
