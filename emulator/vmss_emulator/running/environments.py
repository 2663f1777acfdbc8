"""The variables that lead Azure's clients to an emulator, and the ways in which they can sign in there."""

from __future__ import annotations

import os
from pathlib import Path

from vmss_emulator.entra.identity import Identity


def cloud(url: str, tenant_id: str, subscription_id: str, bundle: Path) -> dict[str, str]:
    """Return where the cloud is and whom to trust; nobody is signed in by these alone."""
    no_proxy = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    direct = ",".join(dict.fromkeys([*filter(None, no_proxy.split(",")), "127.0.0.1", "localhost"]))
    return {
        "ARM_TENANT_ID": tenant_id,
        "ARM_SUBSCRIPTION_ID": subscription_id,
        # Else Go's azidentity, and so azure-native itself, asks login.microsoftonline.com about this host.
        "ARM_DISABLE_INSTANCE_DISCOVERY": "true",
        "ARM_METADATA_HOSTNAME": url.removeprefix("https://"),
        "REQUESTS_CA_BUNDLE": str(bundle),
        "SSL_CERT_FILE": str(bundle),
        "NODE_EXTRA_CA_CERTS": str(bundle),
        "NO_PROXY": direct,
        "no_proxy": direct,
        "VMSS_EMULATOR_URL": url,
    }


def secret(identity: Identity) -> dict[str, str]:
    """Return the application's secret."""
    return {"ARM_CLIENT_ID": identity.client_id, "ARM_CLIENT_SECRET": identity.client_secret}


def certificate(identity: Identity, path: Path) -> dict[str, str]:
    """Return the application's certificate, with its key in the same file."""
    return {"ARM_CLIENT_ID": identity.client_id, "ARM_CLIENT_CERTIFICATE_PATH": str(path)}


def oidc(identity: Identity, url: str) -> dict[str, str]:
    """Return a pipeline's token service, as GitHub announces it: with a query of its own in the URL."""
    return {
        "ARM_CLIENT_ID": identity.client_id,
        "ARM_USE_OIDC": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/oidc/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": identity.oidc_request_token,
    }


def managed_identity(identity: Identity, url: str) -> dict[str, str]:
    """Return a managed identity as App Service offers it; url: of the plain http server."""
    endpoint = f"{url}/msi/token"
    return {
        "ARM_USE_MSI": "true",
        "ARM_MSI_ENDPOINT": endpoint,
        "IDENTITY_ENDPOINT": endpoint,
        "IDENTITY_HEADER": identity.identity_header,
    }
