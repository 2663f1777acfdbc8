"""Read the cloud and the credential from the same settings as the stack's azure-native provider.

A user who can deploy the scale set configures nothing more: first azure-native's configuration, then its variables.
The plugin has the same settings under a name of its own, for the engine shows a plugin no other package's.
Source: the configuration reference and the source of pulumi-azure-native 3.29.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from configparser import Error as ConfigParserError
from configparser import RawConfigParser
from contextlib import suppress
from pathlib import Path

# Each key of azure-native's configuration, and the variables that stand in for it, in their order.
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "clientCertificatePassword": ("ARM_CLIENT_CERTIFICATE_PASSWORD",),
    "clientCertificatePath": ("ARM_CLIENT_CERTIFICATE_PATH",),
    "clientId": ("ARM_CLIENT_ID",),
    "clientSecret": ("ARM_CLIENT_SECRET",),
    "disableInstanceDiscovery": ("ARM_DISABLE_INSTANCE_DISCOVERY",),
    "environment": ("ARM_ENVIRONMENT", "AZURE_ENVIRONMENT"),
    "metadataHost": ("ARM_METADATA_HOSTNAME",),
    "oidcAudience": ("ARM_OIDC_AUDIENCE",),
    # GitHub's own variables, and the ones that older versions of azure-native and Pulumi's page name.
    "oidcRequestToken": ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ARM_OIDC_REQUEST_TOKEN"),
    "oidcRequestUrl": ("ACTIONS_ID_TOKEN_REQUEST_URL", "ARM_OIDC_REQUEST_URL"),
    "oidcToken": ("ARM_OIDC_TOKEN",),
    "oidcTokenFilePath": ("ARM_OIDC_TOKEN_FILE_PATH",),
    "subscriptionId": ("ARM_SUBSCRIPTION_ID",),
    "tenantId": ("ARM_TENANT_ID",),
    "useDefaultAzureCredential": ("ARM_USE_DEFAULT_AZURE_CREDENTIAL",),
    "useMsi": ("ARM_USE_MSI",),
    "useOidc": ("ARM_USE_OIDC",),
}
# Further variables by which azure-identity and the az CLI choose an identity.
_OF_IDENTITIES = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_")


class Settings:
    """azure-native's settings. Holds secrets: it has no repr of them and is never stored."""

    __slots__ = ("_config", "_environ", "_package")

    def __init__(
        self,
        environ: Mapping[str, str],
        config: Callable[[str], object] = lambda _key: None,
        package: str = "azure-native",
    ) -> None:
        """environ: the process's variables; config: looks up a key such as "azure-native:clientId".

        package: whose configuration it is.
        """
        self._environ = environ
        self._config = config
        self._package = package

    def get(self, key: str) -> str | None:
        """Return the value of a key such as "clientId", None if it is not set or empty."""
        configured = self._config(f"{self._package}:{key}")
        if configured:
            return str(configured)
        return next((self._environ[name] for name in VARIABLES[key] if self._environ.get(name)), None)

    def is_true(self, key: str) -> bool:
        """Return whether a switch is on: azure-native takes exactly "true" for that."""
        return self.get(key) == "true"

    @property
    def metadata_host(self) -> str | None:
        """The host that describes the cloud, None if it is not set; azure-native takes its address, too."""
        return _host(self.get("metadataHost"))

    @property
    def emulator(self) -> str | None:
        """The host of the vmss-emulator that stands in for Azure here, None if none does."""
        return _host(self._environ.get("VMSS_EMULATOR_URL"))

    @property
    def asks_az(self) -> bool:
        """Whether the az CLI gives the token, because nothing names another way to sign in."""
        others = any(map(self.is_true, ("useDefaultAzureCredential", "useOidc", "useMsi")))
        return not (others or self.get("clientCertificatePath") or self.get("clientSecret"))

    @property
    def az_cloud(self) -> str | None:
        """The name of the cloud that the az CLI is set to, None if it is not. Source: its page on configuration."""
        folder = Path(self._environ.get("AZURE_CONFIG_DIR") or "~/.azure")
        config = RawConfigParser()
        with suppress(OSError, RuntimeError, ValueError, ConfigParserError):  # RuntimeError: nobody's home
            config.read(folder.expanduser() / "config", encoding="utf-8")
        return self._environ.get("AZURE_CLOUD_NAME") or config.get("cloud", "name", fallback=None)

    def fingerprint(self) -> tuple[str, ...]:
        """Return all values in a fixed order, secrets included: what differs here is another cloud or identity."""
        others = sorted(f"{name}={value}" for name, value in self._environ.items() if name.startswith(_OF_IDENTITIES))
        return (self.emulator or "", *(self.get(key) or "" for key in VARIABLES), *others)

    def names(self, *keys: str) -> str:
        """Return how a person sets each of the keys: "azure-native:clientId or ARM_CLIENT_ID"."""
        return ", ".join(f"{self._package}:{key} or {VARIABLES[key][0]}" for key in keys)


def _host(address: str | None) -> str | None:
    return (address or "").removeprefix("https://").rstrip("/") or None
