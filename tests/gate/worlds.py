"""What may be true of a set and asked of a gate: the strategies that whole lives and single looks are drawn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from tests.gate.oracle import GOOD, World

from pulumi_vmss_health import GatePolicy
from pulumi_vmss_health.judging.snapshot import Context

ECHO = "failed/VMExtensionProvisioningError"  # what a VM says of itself when one of its extensions failed
DONE = ("cse", "succeeded")
# One thing wrong with a machine; two would hide a check that looks at neither.
FLAWS: list[dict[str, Any]] = [
    *({"provisioning": each} for each in ("creating", "updating", "deleting", "failed/X", "canceled", None)),
    *({"provisioning": each} for each in ("failed/AllocationFailed", ECHO)),
    *({"power": each} for each in ("starting", "deallocated", "stopped", None)),
    *({"health": each} for each in ("unhealthy", "initializing", "unknown", None)),
    *({"extensions": (("cse", each),)} for each in ("failed/1", "canceled", "transitioning")),
    *({"extensions": (DONE, ("logs", each))} for each in ("failed/7", "transitioning")),
    {"extensions": ()},
    *({"provisioning": ECHO, "extensions": each} for each in ((("cse", "failed/1"),), (DONE, ("logs", "failed/7")))),
    {"provisioning": "failed/X", "extensions": (DONE, ("logs", "failed/7"))},
    *({"agent": each} for each in ("Unavailable", "NotReady", "failed")),
    {"agent": "Unavailable", "power": "deallocated"},
    {"agent": "Unavailable", "health": None},
    *({"latest": each} for each in (False, None)),
    {"latest": False, "protected": True},
    {"latest": False, "skips": True},
    {"latest": False, "extensions": ()},
    {"extensions": (("cse", "failed/1"),), "agent": "Unavailable"},
    {"zone": "2"},
]
# What waits in a standby pool: mostly stopped, and running machines that nothing tells from the set's but the flag.
POOL = st.sampled_from([replace(GOOD, pool=True, power="deallocated", health=None), replace(GOOD, pool=True)])
POLICIES = st.fixed_dictionaries(
    {"hold": st.sampled_from([*["auto", "0s", "20s", "2m"] * 8, "20m"])},
    optional={
        "min_healthy": st.sampled_from(["100%", "50%", "34%", 1, 2]),
        "min_healthy_per_zone": st.sampled_from(["50%", 1]),
        "extensions": st.sampled_from([[], ["cse"], ["cse", "logs"]]),
        "ignore_extensions": st.just(["logs"]),
        "ignore_failure_codes": st.just(["AllocationFailed"]),
        "set_status": st.sampled_from(["auto", "required", "ignored"]),
        "application_health": st.sampled_from(["auto", "required", "ignored"]),
        "power_state": st.sampled_from(["running", "ignored"]),
        "stale_instances": st.sampled_from(["auto", "fail", "wait", "ignore"]),
        "rolling_upgrade": st.sampled_from(["wait", "ignore"]),
        "confirm_failure": st.sampled_from([None, "60s", "0s"]),
        "before_first_pass": st.just(True),
    },
)

FLAW: st.SearchStrategy[dict[str, Any]] = st.one_of(st.just({}), st.sampled_from(FLAWS))
MODE = st.sampled_from(["Uniform", "Uniform", "Uniform", "Flexible", "Flexible", "attached"])
SOURCE = st.sampled_from(["extension", "extension", "external", "none"])
LOGS = st.sampled_from(["", "counts", "suppressed"])


def of_mode(world: World, mode: str) -> World:
    """A world of a set of this mode; without a model there is none that would name the health extension."""
    if mode != "attached":
        return replace(world, flexible=mode == "Flexible")
    source = "none" if world.source == "extension" else world.source
    return replace(world, flexible=True, attached=True, source=source, upgrading=False)


def agreed(policy: dict[str, Any], world: World, capacity: int | None) -> tuple[dict[str, Any], World]:
    """A policy and a world that go together: no name that is also ignored, or that nothing has, nor an absurd number.

    capacity: what the policy says it is; None: nothing.
    """
    left_out = set()
    if "logs" in policy.get("extensions", []):
        left_out.add("ignore_extensions")
        world = replace(world, logs=world.logs or "counts")
    if capacity is not None:
        policy = {**policy, "capacity": capacity}
        if isinstance(least := policy.get("min_healthy"), int) and least > capacity:
            left_out.add("min_healthy")
    return {name: value for name, value in policy.items() if name not in left_out}, world


def gate_policy(policy: dict[str, Any], timeout: float) -> GatePolicy:
    """The policy as a gate has it."""
    given = {name: value for name, value in policy.items() if name != "before_first_pass"}
    return GatePolicy(timeout=timedelta(seconds=timeout), **given)


def context_of(policy: dict[str, Any]) -> Context:
    """What the gate knows beside the policy."""
    return Context(before_first_pass="before_first_pass" in policy)
