"""The emulator's own certificate authority, and how clients come to trust it beside, never instead of, the others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM format.

    Attributes:
        ca: the authority's certificate.
        server: the server's key and certificate, for 127.0.0.1 and localhost.
        bundle: what clients trusted before, and the authority.
    """

    ca: Path
    server: Path
    bundle: Path


def issue(directory: Path) -> Certificates:
    """Make a certificate authority of our own, and write its files into a directory."""
    import trustme  # slow to import, and needed only once a server starts

    found = Certificates(directory / "ca.pem", directory / "server.pem", directory / "bundle.pem")
    authority = trustme.CA(organization_name="vmss-emulator")
    leaf = authority.issue_cert("127.0.0.1", "localhost", organization_name="vmss-emulator")
    authority.cert_pem.write_to_path(str(found.ca))
    leaf.private_key_and_cert_chain_pem.write_to_path(str(found.server))
    found.server.chmod(0o600)
    found.bundle.write_bytes(_trusted_already() + b"\n" + found.ca.read_bytes())
    return found


def client_certificate(directory: Path) -> Path:
    """Return a throw-away key and certificate in one PEM file, for an application that signs in with them; made once.

    RSA: Entra ID's clients sign their assertions with nothing else.
    """
    import trustme

    path = directory / "client.pem"
    if not path.exists():
        authority = trustme.CA(organization_name="vmss-emulator")
        leaf = authority.issue_cert(common_name="vmss-emulator client", key_type=trustme.KeyType.RSA)
        leaf.private_key_pem.write_to_path(str(path))
        path.chmod(0o600)
        leaf.cert_chain_pems[0].write_to_path(str(path), append=True)
    return path


def _trusted_already() -> bytes:
    """What the environment trusts already: a client's own choice must not be lost, a company's proxy least of all."""
    for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        path = os.environ.get(variable)
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    try:
        import certifi
    except ImportError:  # comes with requests, which the emulator itself does not need
        return b""
    return Path(certifi.where()).read_bytes()
