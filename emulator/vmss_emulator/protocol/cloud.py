"""The cloud's own description: where its services are, which names its resources get, what its locations are called.

Every service that there is not would be at this address, too, and names end in `.invalid`, which leads nowhere
(RFC 2606): a client that follows them reaches no real Azure.
"""

from __future__ import annotations

from typing import Any

SUFFIX = "emulator.invalid"


def description(url: str) -> dict[str, Any]:
    """Return the description, for an Azure at a URL."""
    services = (
        "portal",
        "batch",
        "gallery",
        "graph",
        "media",
        "sqlManagement",
        "vmImageAliasDoc",
        "ossrDbmsManagement",
    )
    audiences = ("graphAudience", "microsoftGraphResourceId", "activeDirectoryDataLake", "appInsightsResourceId")
    return {
        "name": "vmss-emulator",
        "resourceManager": url,
        "authentication": {"loginEndpoint": url, "audiences": [url], "tenant": "common", "identityProvider": "AAD"},
        **dict.fromkeys((*services, *audiences, "logAnalyticsResourceId", "synapseAnalyticsResourceId"), url),
        "suffixes": {
            "acrLoginServer": f"azurecr.{SUFFIX}",
            "attestationEndpoint": f"attest.{SUFFIX}",
            "azureDataLakeAnalyticsCatalogAndJob": f"datalakeanalytics.{SUFFIX}",
            "azureDataLakeStoreFileSystem": f"datalakestore.{SUFFIX}",
            "azureFrontDoorEndpointSuffix": f"frontdoor.{SUFFIX}",
            "keyVaultDns": f"vault.{SUFFIX}",
            "mariadbServerEndpoint": f"mariadb.{SUFFIX}",
            "mhsmDns": f"managedhsm.{SUFFIX}",
            "mysqlServerEndpoint": f"mysql.{SUFFIX}",
            "postgresqlServerEndpoint": f"postgres.{SUFFIX}",
            "sqlServerHostname": f"database.{SUFFIX}",
            "storage": f"core.{SUFFIX}",
            "storageSyncEndpointSuffix": f"afs.{SUFFIX}",
            "synapseAnalytics": f"synapse.{SUFFIX}",
        },
    }


def location(called: object) -> str:
    """Return the name of a location, which clients may also call as people do: West Europe is westeurope."""
    return str(called).replace(" ", "").lower()
