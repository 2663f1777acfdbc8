"""The az CLI's own files, as `az cloud register`, `az cloud set` and `az login --service-principal` leave them.

So the command of `exec` finds az signed in, without four calls of half a second each. The folder is the command's own
and thrown away; az keeps the secret of a service principal in plain text there if it cannot encrypt it.
"""

from __future__ import annotations

import json
import uuid
from configparser import RawConfigParser
from pathlib import Path

from vmss_emulator.protocol.cloud import description

_CLOUD = "vmss-emulator"
_ENDPOINTS = {
    "resource_manager": "resourceManager",
    "management": "resourceManager",
    "active_directory": "resourceManager",
    "active_directory_resource_id": "resourceManager",
    "active_directory_graph_resource_id": "graphAudience",
    "microsoft_graph_resource_id": "microsoftGraphResourceId",
    "gallery": "gallery",
}
_SUFFIXES = {
    "storage_endpoint": "storage",
    "keyvault_dns": "keyVaultDns",
    "sql_server_hostname": "sqlServerHostname",
    "acr_login_server_endpoint": "acrLoginServer",
}


def write(folder: Path, url: str, tenant: str, subscription: str, client_id: str, secret: str) -> None:
    """Sign az in to the emulator at a URL, in a configuration folder that is its own."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    found = description(url)
    endpoints = {f"endpoint_{key}": str(found[name]) for key, name in _ENDPOINTS.items()}
    suffixes = {f"suffix_{key}": str(found["suffixes"][name]) for key, name in _SUFFIXES.items()}
    _ini(folder / "clouds.config", {_CLOUD: {**endpoints, **suffixes}})
    own = {"collect_telemetry": "no", "instance_discovery": "false", "encrypt_token_cache": "false"}
    _ini(folder / "config", {"cloud": {"name": _CLOUD}, "core": own})
    account = {
        "id": subscription,
        "name": "Emulated",
        "state": "Enabled",
        "user": {"name": client_id, "type": "servicePrincipal"},
        "isDefault": True,
        "tenantId": tenant,
        "environmentName": _CLOUD,
        "homeTenantId": tenant,
        "managedByTenants": [],
    }
    _json(folder / "azureProfile.json", {"installationId": str(uuid.uuid4()), "subscriptions": [account]})
    entry = {"client_id": client_id, "tenant": tenant, "client_secret": secret}
    _json(folder / "service_principal_entries.json", [entry])


def _ini(file: Path, sections: dict[str, dict[str, str]]) -> None:
    config = RawConfigParser()
    config.read_dict(sections)
    with file.open("w", encoding="utf-8") as to:
        config.write(to)


def _json(file: Path, value: object) -> None:
    file.touch(mode=0o600)
    file.write_text(json.dumps(value), encoding="utf-8")
