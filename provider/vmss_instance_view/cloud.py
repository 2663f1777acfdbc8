"""Which Azure: the Resource Manager's address, the scope of its tokens, the authority that issues them.

Three clouds are known by name; any other is described by its metadata host, as azure-native does it.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/ endpoints of national clouds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from vmss_instance_view.errors import ConfigurationError, Unavailable, clean, root_cause
from vmss_instance_view.settings import Settings

_METADATA_VERSION = "2022-09-01"
_METADATA_TIMEOUT = 30  # seconds


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


def find_cloud(settings: Settings) -> Cloud:
    """The cloud that the settings name: a metadata host beats a name, no name is the public cloud.

    Raises ConfigurationError (unknown name, a metadata host that does not describe a cloud), Unavailable (no answer).
    """
    host = settings.get("metadataHost")
    if host:
        return _described_by(host)
    name = settings.get("environment") or "public"
    cloud = _NAMES.get(name.lower())
    if cloud is None:
        raise ConfigurationError(
            f"unknown cloud {clean(name, 60)!r} in {settings.names('environment')}: "
            "it is public, usgovernment or china; any other cloud is named by its metadata host"
        )
    return cloud


def _described_by(host: str) -> Cloud:
    """Ask a metadata host for its cloud."""
    import requests

    url = f"https://{host}/metadata/endpoints?api-version={_METADATA_VERSION}"
    if urlsplit(url).netloc != host:
        raise ConfigurationError(f"{Settings.names('metadataHost')} must be a host name, not {clean(host, 80)!r}")
    try:
        answer = requests.get(url, timeout=_METADATA_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise Unavailable(f"no answer from metadata host {host}: {clean(str(root_cause(error)), 200)}") from None
    except OSError as error:  # requests could not open the file of trusted authorities
        raise ConfigurationError(f"{clean(str(error), 200)}; check REQUESTS_CA_BUNDLE") from None
    if answer.status_code >= 500:
        raise Unavailable(f"metadata host {host} answered HTTP {answer.status_code}", status=answer.status_code)
    try:
        return _read_endpoints(answer.status_code, answer.content)
    except (ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(
            f"{url} does not describe a cloud ({clean(str(error), 120)}); check {Settings.names('metadataHost')}"
        ) from None


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
