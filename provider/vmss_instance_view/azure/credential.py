"""Choose the identity in azure-native's order: the first match wins, without falling back to the next.

MSAL and azure-identity do the work. They are imported when a token is first asked for, as they take long to load.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from vmss_instance_view.azure.cloud import Cloud
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.sign_in import SignIn
from vmss_instance_view.azure.wire import Bearer, Https, Silent, Stale
from vmss_instance_view.clock import Clock, Deadline, Overdue, Stopped
from vmss_instance_view.errors import ConfigurationError, CredentialError, InstanceViewError, Unavailable
from vmss_instance_view.parallel import SingleFlight
from vmss_instance_view.text import clean

TOKEN_WITHIN = 10.0  # seconds for one token, for all who wait for it together

_REFRESH_BEFORE = 300  # seconds before its end that a token is renewed: clocks differ, and requests take time
_REFRESH_AGAIN = 30  # seconds between two attempts to renew a token that is still good
_USABLE = 30  # seconds that a token must still last to be sent
_TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # noqa: S105 - the audience that federated tokens are made for
_TOKEN = re.compile(r"[!-~]+")  # what a header can carry
_TENANT = re.compile(r"[A-Za-z0-9._-]+")  # an id, or a domain
_AZ_OFFLINE = re.compile(
    r"max retries exceeded|connection (aborted|refused|reset)|timed out|unreachable|getaddrinfo"
    r"|(fail\w*|unable|not) to resolve|name resolution|ssl: unexpected_eof",
    re.IGNORECASE,
)

# Avoid duplicate output by logging's last-resort handler: the error has the text already, and MSAL's log has
# whole answers of an authority, or of a proxy that stands in for it.
for _library in ("azure", "msal", "urllib3"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


class _Token(Protocol):
    """What a request bears, and when it ends, in seconds since 1970."""

    @property
    def token(self) -> str: ...
    @property
    def expires_on(self) -> int: ...


class _Credential(Protocol):
    """One of ours, or of azure-identity's."""

    def get_token(self, scope: str, /, *, claims: str | None = None) -> _Token: ...


class TokenSource:
    """One token for all threads, asked for once, renewed before it expires."""

    def __init__(self, settings: Settings, cloud: Cloud, clock: Clock) -> None:
        """Ask for nothing yet."""
        self._settings = settings
        self._cloud = cloud
        self._clock = clock
        self._renewal = SingleFlight()
        self._credential: _Credential | None = None
        self._sign_in: SignIn | None = None
        self._token: _Token | None = None
        self._renew_at = 0.0
        self._claims: str | None = None

    def token(self, deadline: Deadline) -> str:
        """Return a bearer token for the cloud's Resource Manager, and for no other host.

        Raises CredentialError (says what was tried and what to set), Unavailable (no token came in time, or the
        sign-in service had trouble of its own) or ConfigurationError (its certificate is not trusted).
        """
        if fresh := self._fresh():
            return fresh
        old = self._usable()
        seconds = 0.0 if old else _within(deadline)  # while the old one is good, one thread alone waits for a new one
        try:
            return self._renewal.get(self._fresh, lambda: self._renewed(_within(deadline)), seconds)
        except TimeoutError as late:
            if old:
                return old
            waited = f"no token came within {seconds:.0f}s: another read is waiting for it, too"
            raise Unavailable(str(late) or waited) from None

    def refused(self, token: str, claims: str | None) -> None:
        """Drop a token that Azure did not accept: the next one is fresh, with the claims that Azure asks for.

        token: as it was sent; what another thread has renewed meanwhile stays.
        claims: the JSON text of a claims challenge (continuous access evaluation), None without one.
        """
        known = self._token
        if known is not None and known.token == token:
            self._token, self._claims = None, claims
            if claims is None:
                self._credential = None  # which would answer from its cache

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _fresh(self) -> str | None:
        token = self._token
        return token.token if token is not None and self._now() < self._renew_at else None

    def _usable(self) -> str | None:
        token = self._token
        return token.token if token is not None and token.expires_on - self._now() >= _USABLE else None

    def _renewed(self, seconds: float) -> str:
        """Ask for a token; while the old one is good, no trouble matters."""
        try:
            token = self._ask(seconds)
        except (InstanceViewError, TimeoutError):
            old = self._usable()
            if old is None:
                raise
            self._renew_at = self._now() + _REFRESH_AGAIN
            return old
        left = token.expires_on - self._now()
        self._token, self._renew_at = token, token.expires_on - min(_REFRESH_BEFORE, left / 2)
        return token.token

    def _ask(self, seconds: float) -> _Token:
        way = _way(self._settings)
        try:
            return self._clock.call(lambda: self._get_token(way), seconds)
        except Stopped:
            raise
        except Overdue:
            self._credential = None  # its request may hang for ever
            late = f"{way.name} gave no token within {seconds:.0f}s"
            if seconds < TOKEN_WITHIN:  # others who wait for the token may have more time: see SingleFlight
                raise TimeoutError(late) from None
            raise Unavailable(late) from None
        except Exception as error:  # whatever a library makes of an answer from outside
            self._credential = None  # MSAL would give the same answer for a minute, without asking
            if way.make is _az_cli:
                self._claims = None  # az takes none: whoever signs in anew, as its error says, has answered them
            raise self._failure(error, way) from None

    def _failure(self, error: Exception, way: _Way) -> InstanceViewError:
        if ours := _ours(error):
            return ours
        if trouble := _trouble(error, way, self._sign_in):
            return Unavailable(f"no token from {way.name} for now: {trouble}")
        said = self._sign_in.said if self._sign_in and way.is_remote else ""
        return CredentialError(f"no token from {way.name}: {_cause(said or error)}; {way.advice(self._settings)}")

    def _get_token(self, way: _Way) -> _Token:
        credential, sign_in = self._credential, self._sign_in
        if credential is None or sign_in is None:
            self._sign_in = sign_in = SignIn(TOKEN_WITHIN, self._clock)
            self._credential = credential = way.make(self._settings, self._cloud, sign_in)
        sign_in.refusal = sign_in.offline = sign_in.said = ""
        token = credential.get_token(self._cloud.scope, claims=self._claims)
        if not isinstance(token.token, str) or not _TOKEN.fullmatch(token.token):
            raise ValueError("the answer is not a token")
        return token


def _within(deadline: Deadline) -> float:
    try:
        return min(deadline.left(), TOKEN_WITHIN)
    except Overdue:
        raise Unavailable("no time was left to get a token") from None


def _ours(error: BaseException | None) -> InstanceViewError | None:
    """Find an error of our own that the libraries have wrapped; None if there is none that says what to do."""
    while error is not None:
        if isinstance(error, (ConfigurationError, CredentialError, Unavailable)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _trouble(error: Exception, way: _Way, sign_in: SignIn | None) -> str:
    """Return what keeps a token away but says nothing about the credential; "" if the credential itself is wrong."""
    if sign_in and (sign_in.refusal or (way.is_remote and sign_in.offline)):
        return sign_in.refusal or sign_in.offline
    if way.make is not _az_cli:
        return ""
    if isinstance(error.__cause__, subprocess.TimeoutExpired):
        return f"az did not answer within {TOKEN_WITHIN:.0f}s"
    said = str(error)
    return _cause(error) if "AADSTS" not in said and _AZ_OFFLINE.search(said) else ""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to get a token: when it is meant, how it is made, what to do when it does not work.

    is_remote: it asks a sign-in service, which a network may keep away; the others ask this machine first.
    """

    name: str
    meant: Callable[[Settings], bool]
    make: Callable[[Settings, Cloud, SignIn], _Credential]
    advice: Callable[[Settings], str]
    is_remote: bool = False


def _way(settings: Settings) -> _Way:
    return next(way for way in WAYS if way.meant(settings))


def _default(settings: Settings, cloud: Cloud, sign_in: SignIn) -> _Credential:
    from azure.identity import DefaultAzureCredential

    # As azure-native, without its clientId: the variables of azure-identity name the application or the identity.
    return DefaultAzureCredential(**_authority(settings, cloud, sign_in))


def _certificate(settings: Settings, cloud: Cloud, sign_in: SignIn) -> _Credential:
    from azure.identity import CertificateCredential

    tenant, client = _application(settings, "a certificate")
    path, password = settings.get("clientCertificatePath"), settings.get("clientCertificatePassword")
    return CertificateCredential(tenant, client, path, password=password, **_authority(settings, cloud, sign_in))


def _secret(settings: Settings, cloud: Cloud, sign_in: SignIn) -> _Credential:
    return _signed_in(settings, cloud, sign_in, "a client secret", settings.get("clientSecret") or "")


def _oidc(settings: Settings, cloud: Cloud, sign_in: SignIn) -> _Credential:
    return _signed_in(settings, cloud, sign_in, "OIDC", _assertion(settings, sign_in.clock))


def _signed_in(
    settings: Settings, cloud: Cloud, sign_in: SignIn, what: str, proof: str | Callable[[], str]
) -> _Credential:
    from vmss_instance_view.azure.application import Application

    tenant, client = _application(settings, what)
    authority = f"{cloud.authority}/{tenant}"
    return Application(authority, client, proof, sign_in, is_listed=not _is_unlisted(settings, cloud))


def _managed_identity(settings: Settings, _cloud: Cloud, sign_in: SignIn) -> _Credential:
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings.get("clientId"), **_transport(sign_in))


def _without_another_way(settings: Settings) -> str:
    """Say what to do where the az CLI was asked, because nothing else was named, and gave no token."""
    if settings.get("clientId"):
        missing = settings.names("clientSecret", "clientCertificatePath", "useOidc", "useMsi")
        return f"{settings.names('clientId')} is set, but no {missing} beside it: set one, or sign in with `az login`"
    return (
        f"sign in with `az login`, or set {settings.names('clientId', 'clientSecret', 'tenantId')}, or "
        f"{settings.names('useMsi')} or {settings.names('useOidc')} to true"
    )


def _az_cli(settings: Settings, _cloud: Cloud, _sign_in: SignIn) -> _Credential:
    from azure.identity import AzureCliCredential

    # As azure-native, without a tenant: it is the subscription's, and az takes none beside one, or beside an identity.
    return AzureCliCredential(subscription=settings.get("subscriptionId"), process_timeout=int(TOKEN_WITHIN))


WAYS: tuple[_Way, ...] = (
    _Way(
        "the default credential",
        lambda settings: settings.is_true("useDefaultAzureCredential"),
        _default,
        lambda _settings: (
            "set the variables of one of its sources (AZURE_TOKEN_CREDENTIALS chooses), or sign in with `az login`"
        ),
    ),
    _Way(
        "the client certificate",
        lambda settings: settings.get("clientCertificatePath") is not None,
        _certificate,
        lambda settings: (
            "check " + settings.names("clientId", "tenantId", "clientCertificatePath", "clientCertificatePassword")
        ),
        is_remote=True,
    ),
    _Way(
        "the client secret",
        lambda settings: settings.get("clientSecret") is not None,
        _secret,
        lambda settings: f"check {settings.names('clientId', 'tenantId', 'clientSecret')}",
        is_remote=True,
    ),
    _Way(
        "OIDC",
        lambda settings: settings.is_true("useOidc"),
        _oidc,
        lambda settings: (
            f"check {settings.names('clientId', 'tenantId')}, and that the application trusts the issuer and "
            f"the subject; the token comes from {settings.names('oidcToken', 'oidcTokenFilePath')}, or from "
            f"{settings.names('oidcRequestUrl', 'oidcRequestToken')}"
        ),
        is_remote=True,
    ),
    _Way(
        "the managed identity",
        lambda settings: settings.is_true("useMsi"),
        _managed_identity,
        lambda settings: f"check that this machine has one, and {settings.names('clientId')}",
    ),
    _Way(
        "the az CLI",
        lambda _settings: True,
        _az_cli,
        _without_another_way,
    ),
)
"""azure-native's order. Source: its authentication code, 3.29."""


def _transport(sign_in: SignIn) -> dict[str, Any]:
    """Return a transport without retries: the wait for the scale set decides when to try again."""
    from azure.core.pipeline.transport import RequestsTransport

    return {"transport": RequestsTransport(session=sign_in, session_owner=False), "retry_total": 0}


def _authority(settings: Settings, cloud: Cloud, sign_in: SignIn) -> dict[str, Any]:
    is_unlisted = _is_unlisted(settings, cloud)
    return {"authority": cloud.authority, "disable_instance_discovery": is_unlisted, **_transport(sign_in)}


def _is_unlisted(settings: Settings, cloud: Cloud) -> bool:
    """Return whether a cloud cannot be looked up in Microsoft's directory, or is not to be."""
    return not cloud.known or settings.is_true("disableInstanceDiscovery")


def _application(settings: Settings, what: str) -> tuple[str, str]:
    """Return tenant and client of an application. Raises CredentialError without them: this way needs both."""
    values = {key: settings.get(key) for key in ("tenantId", "clientId")}
    for key, value in values.items():
        if not value:
            raise CredentialError(f"{what} is set, but no {key}: set {settings.names(key)}")
    if not _TENANT.fullmatch(values["tenantId"] or ""):
        raise CredentialError(
            f"{settings.names('tenantId')} must be the id of a tenant, or its domain, not "
            f"{clean(values['tenantId'] or '', 80)!r}"
        )
    return values["tenantId"] or "", values["clientId"] or ""


def _assertion(settings: Settings, clock: Clock) -> Callable[[], str]:
    """Return a function that gives the federated token; a file is read, and a URL asked, for every token anew."""
    token, path = settings.get("oidcToken"), settings.get("oidcTokenFilePath")
    url, request_token = settings.get("oidcRequestUrl"), settings.get("oidcRequestToken")
    if token:
        return lambda: token
    if path:
        return lambda: Path(path).read_text(encoding="utf-8").strip()
    if url and request_token:
        return lambda: _request_oidc_token(settings, url, request_token, clock)
    raise CredentialError(
        f"OIDC is set, but no token: set {settings.names('oidcToken', 'oidcTokenFilePath')}, or both "
        f"{settings.names('oidcRequestUrl', 'oidcRequestToken')} (GitHub sets them with `permissions: id-token: write`)"
    )


def _request_oidc_token(settings: Settings, url: str, request_token: str, clock: Clock) -> str:
    """Ask the pipeline's token service. Source: GitHub, "OpenID Connect reference", requesting the JWT."""
    if not url.startswith("https://"):
        raise ConfigurationError(f"{settings.names('oidcRequestUrl')} must be an https URL")
    if not _TOKEN.fullmatch(request_token):
        name = settings.names("oidcRequestToken")
        raise ConfigurationError(f"{name} is not a token: it has characters that a token never has")
    what = "the OIDC token service"
    parts, audience = urlsplit(url), settings.get("oidcAudience") or _TOKEN_EXCHANGE
    others = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "audience"]
    with_audience = parts._replace(query=urlencode([*others, ("audience", audience)]))
    try:
        answer = Https().fetch(what, with_audience.geturl(), Bearer(request_token), Deadline(TOKEN_WITHIN, clock))
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


def _cause(error: Exception | str) -> str:
    """Return the first line: the rest of azure-identity's text is a list of what else could be tried."""
    return clean((str(error).strip() or type(error).__name__).splitlines()[0], 300)
