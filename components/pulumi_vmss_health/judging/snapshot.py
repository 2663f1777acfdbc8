"""What one look saw of a scale set. None means not read, which is no evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet, StatusCount, state_of


class Depth(Enum):
    """What a look reads. Only a full look decides; the others read what is still open in the cheapest way."""

    VIEW = "the instance view alone"
    INSTANCES = "the list of instances alone"
    OWN_VIEWS = "the instance views of single instances"
    UPGRADE = "the latest rolling upgrade alone"
    VIEW_AND_MODEL = "the instance view, the model and the latest rolling upgrade"
    FULL = "everything that the policy judges"


@dataclass(frozen=True, slots=True)
class Ask:
    """What the next look has to read.

    since: a moment of the clock; instance views of single instances that were read after it are not read again.
    which: ids of the instances that do not pass yet; None: all.
    sample: how many of these are enough to read as long as none of them has changed; None: all.
    urgent: whether the look may end the wait.
    """

    depth: Depth = Depth.FULL
    since: float = float("-inf")
    which: tuple[str, ...] | None = None
    sample: int | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The result of one look.

    scale_set: the model. instances: every VM with its own instance view. rolling_upgrade: the latest one; None also
        if there never was one.
    age: seconds between the oldest part and the beginning of the look; infinity if a part was never read.
    is_bare: whether the list of instances leaves out data that only the views of single instances have.
    in_standby_pool: how many VMs are in a standby pool; they are not among the instances.
    unread: ids of instances whose own views are needed and cannot be read, each with the reason why.
    """

    view: InstanceView
    scale_set: ScaleSet | None = None
    instances: tuple[Instance, ...] | None = None
    rolling_upgrade: RollingUpgrade | None = None
    age: float = 0.0
    is_bare: bool = False
    in_standby_pool: int = 0
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def vms_seen(self) -> int:
        """The number of VMs that the view counts, in any state."""
        return sum(each.count for each in self.view.virtual_machine.statuses_summary)

    @property
    def upgrade_state(self) -> str:
        """The latest rolling upgrade's code in lower case, such as "rollingforward"; "" for none."""
        return (self.rolling_upgrade.code or "").lower() if self.rolling_upgrade else ""

    @property
    def is_upgrading(self) -> bool:
        """Whether a rolling upgrade is running."""
        return self.upgrade_state in ("rollingforward", "rollingback")


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides one look.

    since: when the judged change began, which is the gate's last pass; None: not known.
    before_first_pass: whether this gate has never passed; a VM may then lack a change older than this deployment.
    surplus_settled: whether there have been more VMs than the capacity for so long that they will stay.
    """

    since: datetime | None = None
    before_first_pass: bool = False
    surplus_settled: bool = False


NOTHING_ELSE = Context()


def count_succeeded(summary: Sequence[StatusCount]) -> int:
    """Count the VMs of a summary that succeeded, whatever the detail and the case of the code."""
    return sum(each.count for each in summary if state_of(each.code) == "succeeded")
