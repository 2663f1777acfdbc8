"""Which Azure: the Resource Manager's address, the scope of its tokens, the authority that issues them.

Three clouds are known by name; any other is described by its metadata host, as azure-native does it.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/ endpoints of national clouds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from vmss_instance_view.clock import Deadline, Overdue
from vmss_instance_view.errors import ConfigurationError, Rejected, Unavailable, clean
from vmss_instance_view.settings import Settings
from vmss_instance_view.wire import Anonymous, Answer, Https, Silent, Stale

_METADATA_VERSION = "2022-09-01"


@dataclass(frozen=True, slots=True)
class Cloud:
    """One Azure cloud. The addresses are https URLs without a trailing slash.

    known: Microsoft's own directory lists it. portal: None where there is none that is known.
    """

    resource_manager: str
    scope: str
    authority: str
    known: bool = False
    portal: str | None = None


PUBLIC = Cloud(
    "https://management.azure.com",
    "https://management.azure.com/.default",
    "https://login.microsoftonline.com",
    known=True,
    portal="https://portal.azure.com",
)
US_GOVERNMENT = Cloud(
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net/.default",
    "https://login.microsoftonline.us",
    known=True,
    portal="https://portal.azure.us",
)
CHINA = Cloud(
    "https://management.chinacloudapi.cn",
    "https://management.chinacloudapi.cn/.default",
    "https://login.chinacloudapi.cn",
    known=True,
    portal="https://portal.azure.cn",
)
_NAMES = {
    "public": PUBLIC,
    "azurecloud": PUBLIC,
    "azurepubliccloud": PUBLIC,
    "usgovernment": US_GOVERNMENT,
    "azureusgovernment": US_GOVERNMENT,
    "azureusgovernmentcloud": US_GOVERNMENT,
    "china": CHINA,
    "azurechinacloud": CHINA,
}


def find_cloud(settings: Settings, deadline: Deadline) -> Cloud:
    """The cloud that the settings name: a metadata host beats a name, no name is the public cloud.

    Raises ConfigurationError (unknown name, a metadata host that does not describe a cloud), Unavailable (no answer).
    """
    host = settings.get("metadataHost")
    if host:
        return _described_by(host, deadline)
    name = settings.get("environment") or "public"
    cloud = _NAMES.get(name.lower())
    if cloud is None:
        raise ConfigurationError(
            f"unknown cloud {clean(name, 60)!r} in {settings.names('environment')}: "
            "it is public, usgovernment or china; any other cloud is named by its metadata host"
        )
    return cloud


def _described_by(host: str, deadline: Deadline) -> Cloud:
    """Ask a metadata host for its cloud."""
    url = f"https://{host}/metadata/endpoints?api-version={_METADATA_VERSION}"
    if urlsplit(url).netloc != host:
        raise ConfigurationError(f"{Settings.names('metadataHost')} must be a host name, not {clean(host, 80)!r}")
    answer = _ask(f"metadata host {host}", url, deadline)
    try:
        cloud = _read_endpoints(answer.status, answer.content)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ConfigurationError(
            f"{url} does not describe a cloud ({clean(str(error), 120)}); check {Settings.names('metadataHost')}"
        ) from None
    _refuse_impostor(host, cloud)
    return cloud


def _ask(what: str, url: str, deadline: Deadline) -> Answer:
    try:
        answer = Https().fetch(what, url, Anonymous(), deadline)
    except (Silent, Stale, Overdue):
        raise Unavailable(f"{what}: no answer in time") from None
    except Rejected as error:  # too large for the description of a cloud
        raise ConfigurationError(f"{error}; check {Settings.names('metadataHost')}") from None
    if answer.status in (408, 429) or answer.status >= 500:
        raise Unavailable(f"{what} answered HTTP {answer.status}", status=answer.status)
    return answer


def _refuse_impostor(host: str, cloud: Cloud) -> None:
    """Refuse a description by which tokens for one cloud would be sent to another's Resource Manager."""
    for known in (PUBLIC, US_GOVERNMENT, CHINA):
        same = _host(cloud.scope) == _host(known.scope) or _host(cloud.authority) == _host(known.authority)
        if same and _host(cloud.resource_manager) != _host(known.resource_manager):
            raise ConfigurationError(
                f"metadata host {host} names the sign-in of {known.resource_manager}, but the Resource Manager "
                f"{clean(cloud.resource_manager, 120)}: tokens for the one must not go to the other; "
                f"check {Settings.names('metadataHost')}"
            )


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _read_endpoints(status: int, content: bytes) -> Cloud:
    if status != 200:
        raise ValueError(f"HTTP status {status}")
    body = json.loads(content)
    authentication = body["authentication"]
    return Cloud(
        _https(body["resourceManager"]),
        _https(authentication["audiences"][0]) + "/.default",
        _https(authentication["loginEndpoint"]),
    )


def _https(url: object) -> str:
    if not isinstance(url, str) or not url.startswith("https://"):
        raise ValueError(f"an https URL belongs where {clean(repr(url), 80)} is")
    return url.rstrip("/")
