"""Which Azure: the Resource Manager's address, the scope of its tokens, the authority that issues them.

Three clouds are known by name; any other is described by its metadata host, as azure-native does it.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/ endpoints of national clouds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Anonymous, Answer, Https, Silent, Stale
from vmss_instance_view.clock import Deadline, Overdue
from vmss_instance_view.errors import ConfigurationError, Rejected, Unavailable
from vmss_instance_view.text import clean

_METADATA_VERSION = "2022-09-01"


# What a host may be called, and how a cloud's addresses are written: in forms that every parser of URLs reads alike.
_HOST = r"(?:[a-z0-9]|[a-z0-9][a-z0-9.-]{0,250}[a-z0-9.]|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?"
_HOST_NAME = re.compile(_HOST, re.IGNORECASE)
_ADDRESS = re.compile(rf"https://{_HOST}(?:/[\w.~/-]{{0,250}})?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Cloud:
    """One Azure cloud. The addresses are https URLs without a trailing slash.

    known: Microsoft's own directory lists it. portal: None if there is none that is known. names: all hosts for
    which it issues a Resource Manager's tokens, or at which it does.
    """

    resource_manager: str
    scope: str
    authority: str
    known: bool = False
    portal: str | None = None
    names: frozenset[str] = frozenset()


PUBLIC = Cloud(
    "https://management.azure.com",
    "https://management.azure.com/.default",
    "https://login.microsoftonline.com",
    known=True,
    portal="https://portal.azure.com",
    names=frozenset(
        {
            "management.azure.com",
            "management.core.windows.net",
            "login.microsoftonline.com",
            "login.microsoft.com",
            "login.windows.net",
            "sts.windows.net",
        }
    ),
)
US_GOVERNMENT = Cloud(
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net/.default",
    "https://login.microsoftonline.us",
    known=True,
    portal="https://portal.azure.us",
    names=frozenset(
        {
            "management.usgovcloudapi.net",
            "management.core.usgovcloudapi.net",
            "login.microsoftonline.us",
            "login.usgovcloudapi.net",
        }
    ),
)
CHINA = Cloud(
    "https://management.chinacloudapi.cn",
    "https://management.chinacloudapi.cn/.default",
    "https://login.chinacloudapi.cn",
    known=True,
    portal="https://portal.azure.cn",
    names=frozenset(
        {
            "management.chinacloudapi.cn",
            "management.core.chinacloudapi.cn",
            "login.chinacloudapi.cn",
            "login.partner.microsoftonline.cn",
        }
    ),
)
# Where Microsoft's services, and the customers' own machines in its clouds, have their names.
_MICROSOFT = (
    "azure.com", "azure.net", "azure.us", "azure.cn", "windows.net", "windows.com", "microsoft.com", "microsoft.us",
    "microsoftonline.com", "microsoftonline.us", "microsoftonline.cn", "usgovcloudapi.net", "chinacloudapi.cn",
)  # fmt: skip
_NAMES = {
    "public": PUBLIC,
    "azurecloud": PUBLIC,
    "azurepubliccloud": PUBLIC,
    "usgov": US_GOVERNMENT,
    "usgovernment": US_GOVERNMENT,
    "usgovernmentl4": US_GOVERNMENT,
    "azureusgovernment": US_GOVERNMENT,
    "azureusgovernmentcloud": US_GOVERNMENT,
    "china": CHINA,
    "azurechinacloud": CHINA,
}


def name_of(settings: Settings) -> str:
    """Return what the settings call their cloud: its metadata host, or one name of those that it has."""
    name = (settings.get("environment") or _of_az(settings) or "public").lower()
    known = _NAMES.get(name)
    return settings.metadata_host or (known.resource_manager if known else name)


def find_cloud(settings: Settings, deadline: Deadline, https: Https | None = None) -> Cloud:
    """Return the cloud that the settings name: a metadata host beats a name.

    Without either it is that of the az CLI where that gives the token, else the public cloud.

    https: what asks a metadata host, so that who reads its cloud goes on with the same connection.
    Raises ConfigurationError (unknown name, a metadata host that does not describe a cloud), Unavailable (no answer).
    """
    host = settings.metadata_host
    _stay_with_the_emulator(settings, host)
    if host:
        return _described_by(settings, host, deadline, https or Https())
    name, of_az = settings.get("environment"), _of_az(settings)
    cloud = _NAMES.get((name or of_az or "public").lower())
    if cloud is None and not name:
        raise ConfigurationError(
            f"the az CLI is set to the cloud {clean(of_az or '', 60)!r}, which is not known here: "
            f"set {settings.names('metadataHost')} to the host that describes it; or choose public, usgovernment or "
            f"china by {settings.names('environment')}, and by `az cloud set`"
        )
    if cloud is None:
        raise ConfigurationError(
            f"unknown cloud {clean(name or '', 60)!r} in {settings.names('environment')}: "
            f"use public, usgovernment or china; for any other cloud set {settings.names('metadataHost')}"
        )
    return cloud


def _of_az(settings: Settings) -> str | None:
    """Return the cloud of the az CLI, if that gives the token: its tokens are for no other."""
    return settings.az_cloud if settings.asks_az else None


def _stay_with_the_emulator(settings: Settings, host: str | None) -> None:
    """Refuse every other cloud beside an offline Azure: the configuration of a stack could name a real one."""
    own = settings.emulator
    if own is not None and host != own:
        raise ConfigurationError(
            f"VMSS_EMULATOR_URL is set, so that only the vmss-emulator at {clean(own, 80)!r} is spoken to, but "
            f"{settings.names('metadataHost')} is {clean(host or 'not set', 80)!r}: set it to the emulator's, or "
            "unset VMSS_EMULATOR_URL"
        )


def check_metadata_host(settings: Settings, host: str) -> None:
    """Raise ConfigurationError for what is no name of a host."""
    if not _HOST_NAME.fullmatch(host):
        raise ConfigurationError(f"{settings.names('metadataHost')} must be a host name, not {clean(host, 80)!r}")


def _described_by(settings: Settings, host: str, deadline: Deadline, https: Https) -> Cloud:
    """Ask a metadata host for its cloud."""
    check_metadata_host(settings, host)
    url = f"https://{host}/metadata/endpoints?api-version={_METADATA_VERSION}"
    answer = _ask(settings, f"metadata host {host}", url, deadline, https)
    try:
        cloud = _read_endpoints(answer.status, answer.content)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ConfigurationError(
            f"{url} does not describe a cloud ({clean(str(error), 120)}); check {settings.names('metadataHost')}"
        ) from None
    _refuse_impostor(settings, host, cloud)
    return cloud


def _ask(settings: Settings, what: str, url: str, deadline: Deadline, https: Https) -> Answer:
    try:
        answer = https.fetch(what, url, Anonymous(), deadline)
    except (Silent, Stale, Overdue):
        raise Unavailable(f"{what}: no answer in time") from None
    except Rejected as error:  # too large for the description of a cloud
        raise ConfigurationError(f"{error}; check {settings.names('metadataHost')}") from None
    if answer.status in (408, 429) or answer.status >= 500:
        raise Unavailable(f"{what} answered HTTP {answer.status}", status=answer.status)
    return answer


def _refuse_impostor(settings: Settings, host: str, cloud: Cloud) -> None:
    """Refuse a description by which tokens for one cloud would be sent to another's Resource Manager.

    The az CLI and managed identities give out tokens for any audience, whatever the sign-in service is called here.
    """
    manager, audience, sign_in = map(_name, (cloud.resource_manager, cloud.scope, cloud.authority))
    known = next((each for each in (PUBLIC, US_GOVERNMENT, CHINA) if {manager, audience, sign_in} & each.names), None)
    if known is not None:
        is_whole = manager == _name(known.resource_manager) and {audience, sign_in} <= known.names
    else:
        is_whole = _are_of_one(manager, audience) and not any(map(_is_microsofts, (manager, audience, sign_in)))
    if not is_whole:
        raise ConfigurationError(
            f"metadata host {host} names the Resource Manager {clean(cloud.resource_manager, 120)}, the audience "
            f"{clean(cloud.scope.removesuffix('/.default'), 120)} and the sign-in {clean(cloud.authority, 120)}, "
            f"which are not of one cloud: tokens for the one must not go to the other; "
            f"check {settings.names('metadataHost')}"
        )


def _name(url: str) -> str:
    """Return the host of an address, with its port where that is not the usual one."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return (parts.hostname or "").rstrip(".") + port


def _is_microsofts(name: str) -> bool:
    return name.partition(":")[0].endswith(tuple(f".{domain}" for domain in _MICROSOFT))


def _are_of_one(manager: str, audience: str) -> bool:
    """Return whether two hosts are the same, or have names in one domain: "management" and "management.core" of it."""
    one, other = (name.partition(":")[0].split(".")[-2:] for name in (manager, audience))
    return manager == audience or (one == other and len(one) == 2 and not one[-1].isdigit())


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
    if not isinstance(url, str) or not _ADDRESS.fullmatch(url):
        raise ValueError(f"an https URL belongs where {clean(repr(url)[:200], 80)} is")
    _ = urlsplit(url).port  # raises ValueError where it is none
    return url.rstrip("/")
