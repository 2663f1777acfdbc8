"""The facts that every check starts from, derived from a snapshot and a policy. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Context, Snapshot
from vmss_instance_view.model import Instance, ScaleSet


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot, a policy, the context, and what follows from them.

    capacity: the expected number of VMs; None if neither the policy nor the model gives it.
    required: how many VMs the policy requires, at most the capacity (another check reports a policy that asks for
        more); None if the capacity is not known.
    extensions: names of the extensions to judge, in the order in which they are installed.
    suppressed: lower-case names of extensions whose failures the model suppresses and the policy does not name.
    """

    snapshot: Snapshot
    policy: GatePolicy
    context: Context
    capacity: int | None
    required: int | None
    extensions: tuple[str, ...]
    suppressed: frozenset[str]

    @classmethod
    def of(cls, snapshot: Snapshot, policy: GatePolicy, context: Context) -> Facts:
        """Derive the facts from a snapshot, a policy and a context."""
        capacity = expected_capacity(snapshot.scale_set, policy)
        required = None if capacity is None else min(policy.required(capacity), capacity)
        names, suppressed = _extensions(snapshot, policy), _suppressed(snapshot, policy)
        return cls(snapshot, policy, context, capacity, required, names, suppressed)

    @property
    def requirement(self) -> str:
        """The required number of VMs in words: "3 required", or "3 (90%) required" if the policy gives a percentage."""
        asked = self.policy.min_healthy
        share = f" ({asked})" if isinstance(asked, str) and asked != "100%" else ""
        return f"{self.required}{share} required"

    @property
    def is_manual(self) -> bool:
        """Whether the upgrade policy leaves it to people to bring VMs to the latest model."""
        model = self.snapshot.scale_set
        return model is not None and model.is_manual

    @property
    def is_without_profile(self) -> bool:
        """Whether VMs are attached to the set one by one, so that there is no model for them to run."""
        return _is_without_profile(self.snapshot)

    def runs_latest(self, instance: Instance) -> bool | None:
        """Return whether an instance runs the latest model; None if Azure does not say."""
        model = self.snapshot.scale_set
        return instance.latest_model_applied if model is None else model.runs_on(instance)

    def is_exempt(self, instance: Instance) -> bool:
        """Return whether an instance is known to run an older model, and may.

        It may if upgrades leave it alone, or if the policy allows it.
        """
        if self.runs_latest(instance) is not False:
            return False
        return self.allows_stale or is_left_alone(instance)

    def will_be_renewed(self, instance: Instance) -> bool:
        """Return whether an instance is known to run an older model that will still be replaced, and with it its state.

        Azure does that, or under a Manual upgrade policy whom `stale_instances="wait"` waits for. Nobody does where
        upgrades leave the instance alone.
        """
        if self.runs_latest(instance) is not False or is_left_alone(instance):
            return False
        return not self.is_manual or self.snapshot.is_upgrading or self.policy.stale_instances == "wait"

    @property
    def allows_stale(self) -> bool:
        """Whether the policy allows instances to run an older model.

        With "auto" it does under a Manual upgrade policy until the gate has passed once: the change that the instances
        lack may be older than this deployment.
        """
        wanted = self.policy.stale_instances
        return wanted == "ignore" or (wanted == "auto" and self.context.before_first_pass and self.is_manual)

    @property
    def wants_health(self) -> bool:
        """Whether every VM must report application health: it is required, or the model has a source of it."""
        model, wanted = self.snapshot.scale_set, self.policy.application_health
        return wanted == "required" or (wanted == "auto" and model is not None and model.reports_health)

    @property
    def may_not_know_models(self) -> bool:
        """Whether a VM passes if its model is not known: in a Flexible set, unless the policy says "fail" or "wait"."""
        model, wanted = self.snapshot.scale_set, self.policy.stale_instances
        return self.is_without_profile or (model is not None and model.is_flexible and wanted in ("auto", "ignore"))

    @property
    def vms(self) -> int:
        """The number of VMs that could pass: those that exist, or the capacity if it is larger."""
        return max(self.snapshot.vms_seen, len(self.snapshot.instances or ()), self.capacity or 0)

    def is_told(self, name: str) -> bool:
        """Return whether the failure of an extension is reported by a check of its own."""
        lower = name.lower()
        return lower not in self.suppressed and any(lower == each.lower() for each in self.extensions)

    def is_ignored(self, name: str) -> bool:
        """Return whether the policy leaves an extension out, by name or because it names others."""
        ignored = {each.lower() for each in self.policy.ignore_extensions}
        return name.lower() in ignored or (self.policy.extensions != "all" and not self.is_told(name))


def expected_capacity(model: ScaleSet | None, policy: GatePolicy) -> int | None:
    """Return the expected number of VMs: the policy's, else the model's; None if neither gives it."""
    if policy.capacity is not None:
        return policy.capacity
    return model.capacity if model else None


def is_left_alone(instance: Instance) -> bool:
    """Return whether upgrades leave an instance alone: it is protected, or its application asks to be skipped."""
    return bool(instance.protected_from_scale_set_actions or (instance.view and instance.view.skips_upgrades))


def _is_without_profile(snapshot: Snapshot) -> bool:
    model = snapshot.scale_set
    return model is not None and model.is_flexible and not model.has_profile


def _extensions(snapshot: Snapshot, policy: GatePolicy) -> tuple[str, ...]:
    """Return the extensions named by the policy, else by the model, else by the VMs, else by the instance view."""
    if policy.extensions != "all":
        return _in_order(tuple(policy.extensions), snapshot.scale_set)
    ignored = {name.lower() for name in policy.ignore_extensions}
    names: dict[str, str] = {}
    for name in _known_extensions(snapshot):
        names.setdefault(name.lower(), name)
    return _in_order(tuple(names[each] for each in names if each not in ignored), snapshot.scale_set)


def _known_extensions(snapshot: Snapshot) -> list[str]:
    if snapshot.scale_set is not None and not _is_without_profile(snapshot):
        return [each.name for each in snapshot.scale_set.extensions if each.name]
    if snapshot.scale_set is not None and snapshot.instances is not None:
        return [name for instance in snapshot.instances for name in listed_extensions(instance)]
    return [each.name for each in snapshot.view.extensions if each.name]


def unknown_extensions(facts: Facts) -> list[str]:
    """Return the extensions that the policy names and that neither the model nor any VM has."""
    if facts.policy.extensions == "all":
        return []
    return [name for name in facts.extensions if is_unknown(facts, name)]


def is_unknown(facts: Facts, name: str) -> bool:
    """Return whether neither the model nor any VM has an extension of this name; False before the model is read."""
    model, instances = facts.snapshot.scale_set, facts.snapshot.instances
    if model is None:
        return False
    names = [each.name or "" for each in model.extensions]
    names += [each.name or "" for each in facts.snapshot.view.extensions]
    names += [each for instance in instances or () for each in listed_extensions(instance)]
    return all(name.lower() != each.lower() for each in names)


def listed_extensions(instance: Instance) -> list[str]:
    """Return the names of the extensions that a VM lists."""
    return [each.name for each in instance.view.extensions if each.name] if instance.view else []


def _in_order(names: tuple[str, ...], model: ScaleSet | None) -> tuple[str, ...]:
    """Sort names in the order in which their extensions are installed; break cycles anywhere."""
    before = {
        (each.name or "").lower(): {name.lower() for name in each.provision_after}
        for each in (model.extensions if model else ())
    }
    pending = {name.lower(): name for name in names}
    ordered = []
    while pending:
        ready = (each for each in pending if not (before.get(each, set()) - {each}) & pending.keys())
        ordered.append(pending.pop(next(ready, next(iter(pending)))))
    return tuple(ordered)


def _suppressed(snapshot: Snapshot, policy: GatePolicy) -> frozenset[str]:
    named = set() if policy.extensions == "all" else {name.lower() for name in policy.extensions}
    extensions = snapshot.scale_set.extensions if snapshot.scale_set else ()
    return frozenset((each.name or "").lower() for each in extensions if each.suppress_failures) - named
