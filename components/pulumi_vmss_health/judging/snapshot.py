"""What one look saw of a scale set, and the counts that follow from it. None: not looked at, which is no evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet, StatusCount, state_of


class Depth(Enum):
    """How much a look looks at. Only a full one decides; the others ask for what is still open by the cheapest read."""

    VIEW = "the instance view alone"
    INSTANCES = "the list of instances alone"
    OWN_VIEWS = "the views that single instances give of themselves"
    UPGRADE = "the latest rolling upgrade alone"
    VIEW_AND_MODEL = "the instance view, the model and the latest rolling upgrade"
    FULL = "everything that the policy judges"


@dataclass(frozen=True, slots=True)
class Ask:
    """What the next look is for.

    since: own views of instances that were read since this moment (of the clock) need not be read again.
    which: ids of the instances that are still open; None: all that matter to the depth.
    urgent: it may end the wait.
    """

    depth: Depth = Depth.FULL
    since: float = float("-inf")
    which: tuple[str, ...] | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look.

    scale_set: the model. instances: every VM with its own instance view. rolling_upgrade: the latest one; None also
        where there never was one.
    age: seconds by which the oldest of it is older than the look; infinity where something was never read.
    is_bare: the list of instances leaves out what the model promises of some; their own views have it.
    in_standby_pool: how many VMs wait in a standby pool; they are not among the instances.
    """

    view: InstanceView
    scale_set: ScaleSet | None = None
    instances: tuple[Instance, ...] | None = None
    rolling_upgrade: RollingUpgrade | None = None
    age: float = 0.0
    is_bare: bool = False
    in_standby_pool: int = 0

    @property
    def vms_seen(self) -> int:
        """How many VMs the view counts, in any state."""
        return sum(each.count for each in self.view.virtual_machine.statuses_summary)

    @property
    def upgrade_state(self) -> str:
        """The latest rolling upgrade's code in lower case, such as "rollingforward"; "" for none."""
        return (self.rolling_upgrade.code or "").lower() if self.rolling_upgrade else ""

    @property
    def is_upgrading(self) -> bool:
        """Whether a rolling upgrade is under way."""
        return self.upgrade_state in ("rollingforward", "rollingback")


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside one look.

    since: when the change began that is being judged: the gate's last pass; None: not known.
    before_first_pass: this gate has never passed, so that nobody knows whose change a VM lacks.
    surplus_settled: more VMs than the capacity have been there, unchanged, for so long that they will stay.
    """

    since: datetime | None = None
    before_first_pass: bool = False
    surplus_settled: bool = False


NOTHING_ELSE = Context()


def count_state(summary: Sequence[StatusCount], state: str) -> int:
    """How many of a summary are in a state such as "succeeded"; the reason behind it and case do not matter."""
    return sum(each.count for each in summary if state_of(each.code) == state)


def describe(summary: Sequence[StatusCount]) -> str:
    """A summary in words: "2 succeeded, 1 failed"; "none reported" for an empty one."""
    counts: dict[str, int] = {}
    for each in summary:
        state = state_of(each.code) or (each.code or "unknown")
        counts[state] = counts.get(state, 0) + each.count
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none reported"
