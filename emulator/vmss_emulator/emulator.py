"""The emulator as one object: start it, point clients at it, look at what they did."""

from __future__ import annotations

import secrets
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vmss_emulator import bodies
from vmss_emulator.azure.compute import ScaleSetRoutes
from vmss_emulator.azure.world import World
from vmss_emulator.entra import assertions
from vmss_emulator.entra.identity import Identity
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.quota import Quota
from vmss_emulator.running import environments, kept
from vmss_emulator.script.captured import Captured
from vmss_emulator.script.timeline import LIST_CARRIES, Timeline
from vmss_emulator.sections import Section
from vmss_emulator.web import tls
from vmss_emulator.web.journal import Journal, Request

if TYPE_CHECKING:
    from vmss_emulator.web.server import Server


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
        list_carries: what the expanded list of a set's VMs tells, of `extensions`, `health` and `standby`, where the
            timeline does not say it. Azure's documentation promises none of them.
        quota: may be asked only as much as Azure documents, and told what is left; a mapping says which buckets have
            other sizes, as the timeline's key `quota` does, which wins.
        latency: seconds before each answer begins.
        clock: Unix seconds; tests may give their own.
        capture: a folder that `vmss-health capture` made: its answers are given again, at the same times since the
            first request, and nothing else is there.

    Raises:
        TimelineError: the timeline, or the quota, cannot mean anything.
        CaptureError: the folder is no capture.
    """

    def __init__(
        self,
        timeline: Timeline | Mapping[str, object] | Path | str | None = None,
        *,
        port: int = 0,
        token_lifetime: float = 3600,
        page_size: int = 200,
        list_carries: Collection[str] = LIST_CARRIES,
        quota: bool | Mapping[str, object] = False,
        latency: float = 0.0,
        clock: Callable[[], float] = time.time,
        capture: Path | None = None,
    ) -> None:
        asked = Section({"quota": quota or None}, "")
        usual = Quota.parse(asked)
        asked.refuse_mistakes()
        captured = None if capture is None else Captured.load(capture)
        self._identity = Identity(clock, token_lifetime)
        self._journal = Journal()
        self._world = World(
            captured.subscription_id if captured else str(uuid.uuid4()),
            clock,
            page_size,
            Timeline.load(timeline),
            frozenset(list_carries),
            usual,
            captured=captured,
            tenant_id=self._identity.tenant_id,
        )
        self._port = port
        self._latency = latency
        self._server: Server | None = None
        self._files: tempfile.TemporaryDirectory[str] | None = None
        self._certificates: tls.Certificates | None = None
        self._identity_url = ""
        self._control_token = secrets.token_urlsafe(30)

    def start(self) -> None:
        """Begin to listen; returns when clients may connect.

        Raises:
            OSError: the port is taken.
            RuntimeError: it runs already.
        """
        if self._server is not None:
            raise RuntimeError("the emulator runs already")
        from vmss_emulator.web import app, server, wire  # a web server: 0.2 s that an import need not cost

        azure, identity = server.listen(self._port), server.listen()
        self._files = tempfile.TemporaryDirectory(prefix="vmss-emulator-")
        self._certificates = tls.issue(Path(self._files.name))
        self._world.url = f"https://{server.HOST}:{azure.getsockname()[1]}"
        self._identity_url = f"http://{server.HOST}:{identity.getsockname()[1]}"

        def wired(door: wire.App) -> wire.App:
            faulty = wire.Faulty(door, self._world, self._identity, self._latency)
            return wire.Recorded(wire.Guarded(faulty), self._journal, self._identity)

        secure = wired(app.azure(self._world, self._identity, self._journal, self._control_token))
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
        """Start the emulator."""
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
    def control_token(self) -> str:
        """What requests to `{url}/emulator/...` show: `Authorization: Bearer {control_token}`."""
        return self._control_token

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests so far, those that are still being answered included."""
        return self._journal.requests

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every access token it issued, so that a test can search for them where they must not be."""
        return self._identity.tokens

    @property
    def idle_entries(self) -> tuple[str, ...]:
        """The timeline's entries that were about no scale set so far: a misspelled name, perhaps."""
        with self._world.lock:
            return tuple(self._world.idle_entries())

    @property
    def idle_faults(self) -> tuple[str, ...]:
        """The timeline's faults that no request matched so far, such as `faults[0] (GET */instanceview)`."""
        return tuple(f"faults[{index}] ({fault})" for index, fault in self._world.faults.idle())

    @property
    def scale_sets(self) -> tuple[str, ...]:
        """The names of all scale sets that there ever were, in the order in which they were created."""
        with self._world.lock:
            return tuple(dict.fromkeys(self._world.names))

    def federated_token(self) -> str:
        """Return a token of the pipeline's token service, for clients that take one from a variable or a file."""
        return str(self._identity.federated(assertions.EXCHANGE)["value"])

    @property
    def token_requests(self) -> int:
        """How often an access token was asked for, whatever the answer; a pipeline's OIDC token is none."""
        paths = (request.path for request in self.requests)
        return sum(path.endswith("/token") and not path.startswith("/oidc/") for path in paths)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make Azure's clients use it, to be laid over `os.environ`; with the client's secret."""
        return {**self._cloud, **environments.secret(self._identity)}

    @property
    def managed_identity_environment(self) -> dict[str, str]:
        """The same with managed identity, and without any secret of an application."""
        return {**self._cloud, **environments.managed_identity(self._identity, self._identity_url)}

    @property
    def certificate_environment(self) -> dict[str, str]:
        """The same with a client certificate, which is made in the emulator's own folder."""
        path = tls.client_certificate(self._running.ca.parent)
        return {**self._cloud, **environments.certificate(self._identity, path)}

    @property
    def oidc_environment(self) -> dict[str, str]:
        """The same with the token service of a pipeline, and without any secret of an application."""
        return {**self._cloud, **environments.oidc(self._identity, self.url)}

    @property
    def _cloud(self) -> dict[str, str]:
        cloud = environments.cloud(self.url, self._identity.tenant_id, self.subscription_id, self._running.bundle)
        return {**cloud, "VMSS_EMULATOR_TOKEN": self._control_token}

    def load(self, timeline: Timeline | Mapping[str, object] | Path | str | None) -> None:
        """Let another timeline hold from now on.

        Operations that have ended stay ended as they did; everything else is as if the new timeline had always held.
        Also `PUT {url}/emulator/timeline` with YAML text and the control token.

        Raises:
            TimelineError: it cannot mean anything; the old one still holds.
        """
        self._world.load(Timeline.load(timeline))

    def save(self, file: Path) -> None:
        """Write what the offline Azure holds to a file, for `restore`; see the module `kept`.

        Raises:
            OSError: it cannot be written.
        """
        kept.write(self._world, file)

    def restore(self, file: Path) -> None:
        """Begin with what another emulator held when it was saved, as if no time had passed since.

        Tenant and subscription are those of the other one, too.

        Raises:
            KeptError: the file is broken, or of another version.
            OSError: it cannot be read.
            RuntimeError: it runs already, or plays a capture.
        """
        if self._server is not None:
            raise RuntimeError("the emulator runs already: restore before it starts")
        if self._world.captured is not None:
            raise RuntimeError("the emulator plays a capture, beside which there is nothing: restore another one")
        kept.read(self._world, file)
        self._identity.tenant_id = self._world.tenant_id

    def put_scale_set(
        self,
        name: str = "web",
        *,
        resource_group: str = "rg",
        capacity: int | None = 3,
        extensions: Sequence[str | Mapping[str, Any]] = (),
        health: bool = False,
        upgrade_mode: str = "Manual",
        orchestration_mode: str | None = None,
        zones: Sequence[str] = (),
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """Create or update a scale set without HTTP, and its resource group; returns its id.

        Args:
            name: of the set.
            resource_group: made if there is none.
            capacity: instances; None: a Flexible set without a model, which VMs are attached to (the timeline says how
                many).
            extensions: of the model: a name stands for a custom script, a mapping is ARM's {"name", "properties"}.
            health: add an application health extension, named `health`.
            upgrade_mode: Manual, Automatic or Rolling.
            orchestration_mode: Uniform or Flexible; None: Uniform for a new set, and what it is for one that exists.
            zones: over which the instances are spread in turn.
            properties: more of the body's `properties`, in ARM's names; upgradePolicy and virtualMachineProfile join
                what the other arguments say.

        Raises:
            ArmError: what Azure would answer.
        """
        body = bodies.scale_set(capacity, bodies.extensions(extensions, health=health), upgrade_mode, properties or {})
        if orchestration_mode is not None:
            body["properties"]["orchestrationMode"] = orchestration_mode
        if zones:
            body["zones"] = list(zones)
        group = ArmPath(self.subscription_id, resource_group)
        path = ArmPath(self.subscription_id, resource_group, "Microsoft.Compute", ("virtualMachineScaleSets", name))
        with self._world.lock:
            if group.id.lower() not in self._world.resources.groups:
                self._world.resources.put_group(group, {"location": body["location"]})
            found = self._world.scale_sets.get(path.id.lower())
            if found is None:
                return ScaleSetRoutes(self._world).create(path, body).id
            found.put({**body, "location": found.body["location"]}, self._world.life(found), self._world.clock())
            return found.id
