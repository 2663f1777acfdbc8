"""The emulator as one object: start it, point clients at it, look at what they did."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vmss_emulator import tls
from vmss_emulator.arm_path import ArmPath
from vmss_emulator.compute import ScaleSetRoutes
from vmss_emulator.identity import Identity
from vmss_emulator.journal import Journal, Request
from vmss_emulator.timeline import Timeline
from vmss_emulator.world import World

if TYPE_CHECKING:
    from vmss_emulator.server import Server

_HEALTH_EXTENSION = {
    "name": "health",
    "properties": {
        "publisher": "Microsoft.ManagedServices",
        "type": "ApplicationHealthLinux",
        "typeHandlerVersion": "2.0",
        "settings": {"protocol": "http", "port": 80, "requestPath": "/healthz"},
    },
}


class Emulator:
    """An offline Azure on 127.0.0.1, over https with an authority of its own.

    ```python
    with Emulator("scale_sets: {web: {boot: 200ms}}") as azure:
        scale_set = azure.put_scale_set("web", capacity=3, health=True)
        subprocess.run(["my-tool", scale_set], env={**os.environ, **azure.environment})
        assert azure.requests[-1].path.endswith("/instanceView")
    ```

    Args:
        timeline: what happens when: a `pathlib.Path` is a file, a string is YAML text, a mapping is what YAML would
            have given; None lets all go well. See the module `timeline`.
        port: of the https server; 0 takes a free one.
        token_lifetime: seconds.
        page_size: instances on one page of a list.
        clock: Unix seconds; tests may give their own.

    Raises:
        TimelineError: the timeline cannot mean anything.
    """

    def __init__(
        self,
        timeline: Timeline | Mapping[str, object] | Path | str | None = None,
        *,
        port: int = 0,
        token_lifetime: float = 3600,
        page_size: int = 200,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._identity = Identity(clock, token_lifetime)
        self._journal = Journal()
        self._world = World(str(uuid.uuid4()), clock, page_size, Timeline.load(timeline))
        self._port = port
        self._server: Server | None = None
        self._files: tempfile.TemporaryDirectory[str] | None = None
        self._certificates: tls.Certificates | None = None
        self._identity_url = ""

    def start(self) -> None:
        """Begin to listen; returns when clients may connect.

        Raises:
            OSError: the port is taken.
            RuntimeError: it runs already.
        """
        if self._server is not None:
            raise RuntimeError("the emulator runs already")
        from vmss_emulator import app, server, wire  # a web server: 0.2 s that an import need not cost

        azure, identity = server.listen(self._port), server.listen()
        self._files = tempfile.TemporaryDirectory(prefix="vmss-emulator-")
        self._certificates = tls.issue(Path(self._files.name))
        self._world.url = f"https://{server.HOST}:{azure.getsockname()[1]}"
        self._identity_url = f"http://{server.HOST}:{identity.getsockname()[1]}"

        def wired(door: wire.App) -> wire.App:
            return wire.Recorded(wire.Faulty(door, self._world), self._journal)

        secure = wired(app.azure(self._world, self._identity, self._journal))
        plain = wired(app.managed_identity(self._identity))
        self._server = server.Server(
            [server.Site(secure, azure, self._certificates.server), server.Site(plain, identity)]
        )
        self._server.start()

    def stop(self) -> None:
        """Stop at once, also under hanging requests, and remove its files. Does nothing when it does not run."""
        if self._server is not None and self._files is not None:
            self._server.stop()
            self._files.cleanup()
        self._server = self._files = self._certificates = None

    def __enter__(self) -> Emulator:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """Azure Resource Manager, Entra ID and the remote control: https://127.0.0.1:{port}."""
        return self._world.url

    @property
    def identity_url(self) -> str:
        """Managed identity, over plain http: azure-identity asks for it no other way."""
        return self._identity_url

    @property
    def ca_file(self) -> Path:
        """The certificate of its authority, in PEM format.

        Raises:
            RuntimeError: it does not run.
        """
        return self._running.ca

    @property
    def _running(self) -> tls.Certificates:
        if self._certificates is None:
            raise RuntimeError("the emulator does not run: use it in a with statement, or call start()")
        return self._certificates

    @property
    def subscription_id(self) -> str:
        """The one subscription."""
        return self._world.subscription_id

    @property
    def tenant_id(self) -> str:
        """The one tenant."""
        return self._identity.tenant_id

    @property
    def client_id(self) -> str:
        """The one application that is let in."""
        return self._identity.client_id

    @property
    def client_secret(self) -> str:
        """Its secret."""
        return self._identity.client_secret

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests so far, those that are still being answered included."""
        return self._journal.requests

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every access token it issued, so that a test can search for them where they must not be."""
        return self._identity.tokens

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make Azure's clients use it, to be laid over `os.environ`; with the client's secret."""
        secret = {"ARM_CLIENT_ID": self.client_id, "ARM_CLIENT_SECRET": self.client_secret}
        return {**self._cloud_environment(), **secret}

    @property
    def managed_identity_environment(self) -> dict[str, str]:
        """The same with managed identity, and without any secret of an application."""
        endpoint = f"{self._identity_url}/msi/token"
        return {
            **self._cloud_environment(),
            "ARM_USE_MSI": "true",
            "ARM_MSI_ENDPOINT": endpoint,
            "IDENTITY_ENDPOINT": endpoint,
            "IDENTITY_HEADER": self._identity.identity_header,
        }

    def _cloud_environment(self) -> dict[str, str]:
        bundle = str(self._running.bundle)
        no_proxy = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
        direct = ",".join(dict.fromkeys([*filter(None, no_proxy.split(",")), "127.0.0.1", "localhost"]))
        return {
            "ARM_TENANT_ID": self.tenant_id,
            "ARM_SUBSCRIPTION_ID": self.subscription_id,
            "ARM_METADATA_HOSTNAME": self.url.removeprefix("https://"),
            "REQUESTS_CA_BUNDLE": bundle,
            "SSL_CERT_FILE": bundle,
            "NODE_EXTRA_CA_CERTS": bundle,
            "NO_PROXY": direct,
            "no_proxy": direct,
            "VMSS_EMULATOR_URL": self.url,
        }

    def load(self, timeline: Timeline | Mapping[str, object] | Path | str | None) -> None:
        """Let another timeline hold from now on.

        Operations that have ended stay ended as they did; everything else is as if the new timeline had always held.
        Also `PUT {url}/emulator/timeline` with YAML text.

        Raises:
            TimelineError: it cannot mean anything; the old one still holds.
        """
        self._world.load(Timeline.load(timeline))

    def put_scale_set(
        self,
        name: str = "web",
        *,
        resource_group: str = "rg",
        capacity: int = 3,
        extensions: Sequence[str | Mapping[str, Any]] = (),
        health: bool = False,
        upgrade_mode: str = "Manual",
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """Create or update a scale set without HTTP, and its resource group; returns its id.

        Args:
            name: of the set.
            resource_group: made if there is none.
            capacity: instances.
            extensions: of the model: a name stands for a custom script, a mapping is ARM's {"name", "properties"}.
            health: add an application health extension, named `health`.
            upgrade_mode: Manual or Automatic.
            properties: more of the body's `properties`, in ARM's names.

        Raises:
            ArmError: what Azure would answer.
        """
        location = {"location": "westeurope"}
        wanted = [_extension(extension) for extension in extensions] + [_HEALTH_EXTENSION] * health
        profile = {"virtualMachineProfile": {"extensionProfile": {"extensions": wanted}}}
        own = {**profile, **(properties or {}), "upgradePolicy": {"mode": upgrade_mode}}
        body = {**location, "sku": {"name": "Standard_B1s", "capacity": capacity}, "properties": own}
        group = ArmPath(self.subscription_id, resource_group)
        path = ArmPath(self.subscription_id, resource_group, "Microsoft.Compute", ("virtualMachineScaleSets", name))
        with self._world.lock:
            self._world.resources.put_group(group, location)
            found = self._world.scale_sets.get(path.id.lower())
            if found is None:
                return ScaleSetRoutes(self._world).create(path, body).id
            found.put(body, self._world.life(found), self._world.clock())
            return found.id


def _extension(extension: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(extension, str):
        return dict(extension)
    script = {"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1"}
    return {"name": extension, "properties": script}
