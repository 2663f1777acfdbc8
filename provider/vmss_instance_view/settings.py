"""Where the cloud and the credential come from: the places that the stack's azure-native provider takes them from.

A user who can deploy the scale set configures nothing more: first azure-native's configuration, then its ARM_*
variables. Source: the configuration reference of pulumi-azure-native 3.29.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "clientId": ("ARM_CLIENT_ID",),
    "clientSecret": ("ARM_CLIENT_SECRET",),
    "disableInstanceDiscovery": ("ARM_DISABLE_INSTANCE_DISCOVERY",),
    "environment": ("ARM_ENVIRONMENT", "AZURE_ENVIRONMENT"),
    "metadataHost": ("ARM_METADATA_HOSTNAME",),
    "tenantId": ("ARM_TENANT_ID",),
    "useMsi": ("ARM_USE_MSI",),
}


class Settings:
    """azure-native's settings. Holds secrets: it has no repr of them and is never stored."""

    __slots__ = ("_config", "_environ")

    def __init__(self, environ: Mapping[str, str], config: Callable[[str], object] = lambda _key: None) -> None:
        """environ: the process's variables; config: looks up a key such as "azure-native:clientId"."""
        self._environ = environ
        self._config = config

    def get(self, key: str) -> str | None:
        """The value of a key such as "clientId", None where it is not set or empty."""
        configured = self._config(f"azure-native:{key}")
        if configured:
            return str(configured)
        return next((self._environ[name] for name in _VARIABLES[key] if self._environ.get(name)), None)

    def is_true(self, key: str) -> bool:
        """Whether a switch is on: azure-native takes exactly "true" for that."""
        return self.get(key) == "true"

    @staticmethod
    def names(key: str) -> str:
        """How a person sets a key: "azure-native:clientId or ARM_CLIENT_ID"."""
        return f"azure-native:{key} or {_VARIABLES[key][0]}"
