"""The stack's Azure: which cloud, which identity, its rate limits. Connected when something is first read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from vmss_instance_view.azure.api_version import ApiVersion
from vmss_instance_view.azure.arm import Arm, Tokens
from vmss_instance_view.azure.cloud import Cloud, find_cloud, name_of
from vmss_instance_view.azure.credential import TokenSource
from vmss_instance_view.azure.recording import Read, Recording
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Https, Wire
from vmss_instance_view.clock import Clock, Deadline, Overdue, SystemClock
from vmss_instance_view.errors import Unavailable
from vmss_instance_view.limits.budget import Budget
from vmss_instance_view.parallel import SingleFlight
from vmss_instance_view.reading.reader import ScaleSetReader
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import clean

METADATA_WITHIN = 10.0  # seconds for the description of a cloud


@dataclass(frozen=True, slots=True)
class Connection:
    """How a cloud is reached."""

    cloud: Cloud
    wire: Wire
    tokens: Tokens


class Azure:
    """One cloud, read with one identity: tokens, connections and budget are shared by all threads of the process."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        connection: Connection | None = None,
        budget: Budget | None = None,
        keep: Callable[[Read], None] | None = None,
    ) -> None:
        """Do no I/O yet: Pulumi configures providers under a process-wide lock.

        connection: None: it is made, as the settings say, when something is first read. budget: None: one of its own.
        keep: is handed every answer of the connection that is made.
        """
        self.clock: Clock = clock or SystemClock()
        self.budget: Budget = budget or Budget()
        self._version = ApiVersion()
        self._settings = settings
        self._connecting = SingleFlight()
        self._connection = connection
        self._keep = keep

    @property
    def portal(self) -> str | None:
        """The address of the cloud's portal, None if it is not known (yet)."""
        return self._connection.cloud.portal if self._connection else None

    def reader(
        self, scale_set: ScaleSetId, deadline: Deadline | None = None, *, needs_extensions: bool = False
    ) -> ScaleSetReader:
        """Return a reader of one set. Raises ConfigurationError or Unavailable if the cloud cannot be found."""
        arm = self.arm(deadline or Deadline(METADATA_WITHIN, self.clock))
        return ScaleSetReader(arm, scale_set, needs_extensions=needs_extensions)

    def arm(self, deadline: Deadline) -> Arm:
        """Return its Resource Manager. Raises as `reader`."""
        found = self._connect(deadline)
        return Arm(found.cloud, found.wire, found.tokens, self.budget, self.clock, self._version)

    def _connect(self, deadline: Deadline) -> Connection:
        if self._connection is not None:
            return self._connection
        seconds = _within(deadline)
        try:
            return self._connecting.get(lambda: self._connection, lambda: self._connected(_within(deadline)), seconds)
        except TimeoutError as late:
            waited = f"no description of the cloud within {seconds:.0f}s: another read is waiting for it, too"
            raise Unavailable(str(late) or waited) from None

    def _connected(self, seconds: float) -> Connection:
        https, deadline = Https(), Deadline(seconds, self.clock)

        def find() -> Cloud:
            try:
                return find_cloud(self._settings, deadline, https)
            except Unavailable:
                deadline.left()  # the time may be over, which says nothing about the host
                raise

        try:
            cloud = self.clock.call(find, seconds)
        except Overdue:
            host = clean(self._settings.metadata_host or "", 120)
            said = f"metadata host {host} did not describe its cloud within {seconds:.0f}s"
            # Others who wait for it may have much more time: see SingleFlight. Half of it, because who names no
            # deadline has METADATA_WITHIN, of which a little is over by now.
            if seconds < METADATA_WITHIN / 2:
                raise TimeoutError(said) from None
            raise Unavailable(said) from None
        wire = https if self._keep is None else Recording(https, self.clock, self._keep)
        self._connection = Connection(cloud, wire, TokenSource(self._settings, cloud, self.clock))
        return self._connection


def _within(deadline: Deadline) -> float:
    try:
        return min(deadline.left(), METADATA_WITHIN)
    except Overdue:
        raise Unavailable("no time was left to ask which cloud it is") from None


_shared: dict[tuple[str, ...], Azure] = {}
_budgets: dict[str, Budget] = {}
_sharing = threading.Lock()


def shared_azure(settings: Settings, clock: Clock) -> Azure:
    """Return the Azure of these settings, one for the whole process: gates and views draw on one token.

    All identities that read one cloud draw on one budget: Compute's limits are those of resources and subscriptions.
    """
    with _sharing:
        budget = _budgets.setdefault(name_of(settings), Budget())
        return _shared.setdefault(settings.fingerprint(), Azure(settings, clock, budget=budget))
