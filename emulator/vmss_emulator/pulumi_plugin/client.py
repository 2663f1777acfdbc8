"""A small client of Azure Resource Manager: tokens, requests, long-running operations.

Requests run in threads, waiting on the event loop: the plugin serves all resources from one loop, which must not block.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

_TIMEOUT = (5, 30)
# Azure asks clients to wait longer; what waits here are demonstrations and tests, and nothing else reads this server.
_POLL = 0.2
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_ATTEMPTS = 20


class AzureError(Exception):
    """What a user is to read, in one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Who asks, and where; the provider's configuration wins over the environment, as in azure-native."""

    metadata_host: str
    subscription_id: str
    tenant_id: str
    client_id: str
    client_secret: str
    use_msi: bool
    location: str | None

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Settings:
        """Read configuration keys such as `clientId`, else variables such as ARM_CLIENT_ID.

        Raises:
            AzureError: there is no emulator to speak to, or another host is to be spoken to.
        """
        own = os.environ.get("VMSS_EMULATOR_URL", "").removeprefix("https://").rstrip("/")
        if not own:
            raise AzureError(
                "this is the vmss-emulator's stand-in for azure-native, and no emulator runs: "
                "start the command with `vmss-emulator exec`"
            )
        for where, host in (
            ("metadataHost (of the stack's configuration or of a provider in the program)", config.get("metadataHost")),
            ("the variable ARM_METADATA_HOSTNAME", os.environ.get("ARM_METADATA_HOSTNAME")),
        ):
            if host and host != own:
                raise AzureError(
                    f"{where} is {str(host)[:80]!r}, but the vmss-emulator's stand-in for azure-native speaks to its "
                    f"emulator only: remove the setting, or set it to {own!r} (VMSS_EMULATOR_URL)"
                )
        return cls(
            metadata_host=own,
            subscription_id=_setting(config, "subscriptionId"),
            tenant_id=_setting(config, "tenantId"),
            client_id=_setting(config, "clientId"),
            client_secret=_setting(config, "clientSecret"),
            use_msi=_setting(config, "useMsi").lower() == "true",
            location=_setting(config, "location") or None,
        )


def _setting(config: Mapping[str, Any], key: str) -> str:
    variable = "ARM_" + "".join(f"_{letter}" if letter.isupper() else letter for letter in key).upper()
    found = config.get(key, os.environ.get(variable, ""))
    return str(found).lower() if isinstance(found, bool) else str(found)


class ArmClient:
    """Asks Azure Resource Manager in the name of one application or managed identity."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._cloud: dict[str, Any] | None = None
        self._token = ""
        self._renewal = 0.0
        self._lock = asyncio.Lock()
        self._cancelled = asyncio.Event()

    def cancel(self) -> None:
        """End all waiting."""
        self._cancelled.set()

    async def get(self, path: str, version: str) -> dict[str, Any] | None:
        """Return a resource; None if there is none."""
        answer = await self._send("GET", self._url(path, version))
        return None if answer.status_code == 404 else _checked(answer)

    async def put(self, path: str, version: str, body: Mapping[str, Any]) -> requests.Response:
        """Send a body; `follow` waits for what that began.

        Raises:
            AzureError: Azure refused it.
        """
        answer = await self._send("PUT", self._url(path, version), body)
        _checked(answer)
        return answer

    async def delete(self, path: str, version: str) -> None:
        """Remove a resource and wait until it is gone; one that is gone already is no error."""
        answer = await self._send("DELETE", self._url(path, version))
        if answer.status_code != 404:
            _checked(answer)
            await self.follow(answer)

    async def follow(self, answer: requests.Response) -> None:
        """Wait until the operation that an answer began has ended.

        Raises:
            AzureError: it failed, or the engine wants to stop.
        """
        url = answer.headers.get("Azure-AsyncOperation")
        while url is not None:
            await self._wait(_POLL)
            body = _checked(await self._send("GET", url))
            if body.get("status") == "Succeeded":
                return
            if body.get("status") in ("Failed", "Canceled"):
                raise AzureError(_told(body, "the operation failed"))

    def _url(self, path: str, version: str) -> str:
        """Return the URL of a path below the subscription, or of one that begins with another resource's id."""
        below = path if path.startswith("/") else f"/subscriptions/{self.settings.subscription_id}/{path}"
        return f"{below}?api-version={version}"

    async def _send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        """Send until there is an answer that another attempt would not change."""
        for attempt in range(_ATTEMPTS):
            try:
                answer = await self._attempt(method, url, body)
            except requests.RequestException as error:
                if attempt + 1 == _ATTEMPTS:
                    raise AzureError(f"{method} {url}: {error}") from error
            else:
                if answer.status_code == 401:
                    self._renewal = 0.0
                if answer.status_code not in (_TRANSIENT | {401}) or attempt + 1 == _ATTEMPTS:
                    return answer
            await self._wait(_POLL)
        raise AssertionError("unreachable")

    async def _attempt(self, method: str, url: str, body: Mapping[str, Any] | None) -> requests.Response:
        token = await self._authorise()
        cloud = await self._discover()
        absolute = url if url.startswith("https://") else str(cloud["resourceManager"]).rstrip("/") + url
        headers = {"Authorization": f"Bearer {token}"}
        return await asyncio.to_thread(_request, method, absolute, json=body, headers=headers)

    async def _discover(self) -> dict[str, Any]:
        if self._cloud is None:
            url = f"https://{self.settings.metadata_host}/metadata/endpoints?api-version=2022-09-01"
            self._cloud = _checked(await asyncio.to_thread(_request, "GET", url))
        return self._cloud

    async def _authorise(self) -> str:
        async with self._lock:
            if time.monotonic() >= self._renewal:
                found = await self._ask_for_token()
                self._token = str(found["access_token"])
                self._renewal = time.monotonic() + 0.8 * float(found["expires_in"])
            return self._token

    async def _ask_for_token(self) -> dict[str, Any]:
        authentication = (await self._discover())["authentication"]
        audience, settings = authentication["audiences"][0], self.settings
        if settings.use_msi:
            url, header = os.environ.get("IDENTITY_ENDPOINT", ""), os.environ.get("IDENTITY_HEADER", "")
            if not url.startswith("http://127.0.0.1:"):
                raise AzureError(f"IDENTITY_ENDPOINT is {url!r}, which is not the emulator's: start it with `exec`")
            query = {"api-version": "2019-08-01", "resource": audience}
            return _checked(
                await asyncio.to_thread(_request, "GET", url, params=query, headers={"X-IDENTITY-HEADER": header})
            )
        url = f"{authentication['loginEndpoint']}/{settings.tenant_id}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "scope": f"{audience}/.default",
        }
        return _checked(await asyncio.to_thread(_request, "POST", url, data=form))

    async def _wait(self, seconds: float) -> None:
        """Wait, unless the engine wants to stop: then everything that waits ends at once."""
        try:
            await asyncio.wait_for(self._cancelled.wait(), seconds)
        except asyncio.TimeoutError:
            return
        raise AzureError("cancelled")


def _request(method: str, url: str, **more: Any) -> requests.Response:  # noqa: ANN401 - as in requests
    """Send one request; without an `auth` of its own .netrc would put another name and password into it."""
    return requests.request(method, url, auth=_as_it_is, timeout=_TIMEOUT, allow_redirects=False, **more)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _checked(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        body = {}
    if answer.status_code >= 400:
        request = f"{answer.request.method} {(answer.request.path_url or '').partition('?')[0]}"
        raise AzureError(f"{_told(body, f'HTTP {answer.status_code}')} ({request}, HTTP {answer.status_code})")
    return dict(body)


def _told(body: Mapping[str, Any], otherwise: str) -> str:
    """Return what an error's body says: ARM's envelope or Entra ID's."""
    error = body.get("error")
    if isinstance(error, Mapping):
        return f"{error.get('code')}: {error.get('message')}"
    return f"{error}: {body.get('error_description')}" if error else otherwise
