"""Make a capture: look as a gate looks, at a gate's pace, and write down every answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from pulumi_vmss_health.capturing.folder import Folder, Sight
from pulumi_vmss_health.capturing.reads import Reads
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Ask, Depth, Snapshot
from pulumi_vmss_health.waiting import pace
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.watch import MARGIN
from vmss_instance_view.clock import Clock, Deadline, Overdue, Stopped
from vmss_instance_view.connection import Azure
from vmss_instance_view.errors import AzureError, InstanceViewError, Unavailable
from vmss_instance_view.model import ScaleSet
from vmss_instance_view.reading.retry import READ_TIMEOUT
from vmss_instance_view.reading.uniform import UniformReader
from vmss_instance_view.scale_set_id import ScaleSetId

_ANY = GatePolicy(capacity=1)  # nothing is judged; a capacity, because a gate refuses a set that has none


class Ended(Enum):
    """How a capture ended. UNREADABLE: no look of it is complete."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    UNREADABLE = "unreadable"


class Capture:
    """One capture of one scale set. mode: Uniform or Flexible, "" until it is known."""

    def __init__(
        self, azure: Azure, scale_set: ScaleSetId, reads: Reads, folder: Folder, say: Callable[[str], None]
    ) -> None:
        """reads: where the wire of `azure` keeps its answers. say: is told each look in a line."""
        self.mode = ""
        self._azure = azure
        self._clock: Clock = azure.clock
        self._id = scale_set
        self._look = Looker(azure, scale_set, _ANY)
        self._reads = reads
        self._folder = folder
        self._say = say
        self._began = self._clock.monotonic()
        self._number = 0
        self._last: Snapshot | None = None
        self._quiet = 0
        self._is_any_complete = False

    def run(self, seconds: float) -> Ended:
        """Look for so many seconds, at least once. Raises OSError where the folder cannot be written."""
        sweep: float | None = None
        try:
            self._clock.wait(self._look.turn(Ask(urgent=True)))
            while True:
                ask = Ask(Depth.FULL, self._clock.monotonic()) if sweep is None else Ask(Depth.OWN_VIEWS, sweep)
                error, is_complete = self._once(ask)
                sweep = ask.since if error is None and not is_complete else None
                if self._is_over(seconds, error, is_sweeping=sweep is not None):
                    break
                self._pause(ask if sweep is not None else Ask(), error)
            self._ask_for_refusal()
        except Stopped:
            return Ended.INTERRUPTED
        return Ended.COMPLETE if self._is_any_complete else Ended.UNREADABLE

    def _once(self, ask: Ask) -> tuple[InstanceViewError | None, bool]:
        """Look once, and write down what came; return what went wrong, and whether all was read since the ask."""
        began = self._clock.monotonic()
        self._number += 1
        error: InstanceViewError | None = None
        said, is_complete = "", False
        try:
            seen = self._clock.call(lambda: self._look(pace.LOOK_LIMIT, ask), pace.LOOK_LIMIT + MARGIN)
        except InstanceViewError as raised:
            error, said = raised, _name(raised)
        except Overdue:
            said = "overdue"
        except Stopped:
            self._folder.add(self._reads.take(), self._sight(began, error="interrupted"))
            raise
        else:
            is_complete = began - seen.age >= ask.since
            self._remember(seen)
        reads = self._reads.take()
        self._folder.add(reads, self._sight(began, is_complete=is_complete, error=said))
        self._is_any_complete |= is_complete
        self._say(f"look {self._number}: {len(reads)} reads{f', {error or said}' if said else ''}")
        return error, is_complete

    def _is_over(self, seconds: float, error: InstanceViewError | None, *, is_sweeping: bool) -> bool:
        """Return whether this was the last look: by the time, or because of an error that will not pass."""
        elapsed = self._clock.monotonic() - self._began
        if error is not None and not isinstance(error, Unavailable):
            return True
        return not is_sweeping and elapsed >= (seconds if self._is_any_complete else max(seconds, READ_TIMEOUT))

    def _sight(self, began: float, *, is_complete: bool = False, error: str = "") -> Sight:
        at, took = began - self._began, self._clock.monotonic() - began
        return Sight(self._number, round(at, 3), round(took, 3), is_complete, error or None)

    def _remember(self, seen: Snapshot) -> None:
        self.mode = (seen.scale_set or ScaleSet()).mode
        shown = replace(seen, age=0.0)
        self._quiet = self._quiet + 1 if shown == self._last else 0
        self._last = shown

    def _pause(self, ask: Ask, error: InstanceViewError | None) -> None:
        """Wait as a gate does between two looks: as Azure's limits allow."""
        self._clock.wait(pace.interval(self._look.room(ask), self._quiet, getattr(error, "retry_after", None)))
        self._clock.wait(self._look.turn(ask))

    def _ask_for_refusal(self) -> None:
        """Ask a Flexible set for the view that it has not, once: nobody knows how Azure refuses it."""
        if self.mode.lower() != "flexible":
            return
        self._number += 1
        began = self._clock.monotonic()

        def ask() -> None:
            deadline = Deadline(pace.LOOK_LIMIT, self._clock)
            UniformReader(self._azure.arm(deadline), self._id).view(deadline)

        said = ""
        try:
            self._clock.call(ask, pace.LOOK_LIMIT + MARGIN)
        except InstanceViewError as raised:
            said = _name(raised)
        except Overdue:
            said = "overdue"
        self._folder.add(self._reads.take(), self._sight(began, error=said))


def _name(error: InstanceViewError) -> str:
    """Return an error's kind, status and code: its text names the set."""
    told = f" {error.status or ''} {error.code or ''}" if isinstance(error, AzureError) else ""
    return f"{type(error).__name__}{told}".strip()
