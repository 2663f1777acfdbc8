"""Whatever Azure sends, parsing gives a model or the documented error; whatever a model holds, JSON gives it back."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_vmss_health import (
    ExtensionProfile,
    ExtensionStatus,
    ExtensionSummary,
    Instance,
    InstanceView,
    MalformedBody,
    OrchestrationService,
    RollingUpgrade,
    ScaleSet,
    Status,
    StatusCount,
    VirtualMachineInstanceView,
    VirtualMachineSummary,
)

TEXT = st.text(max_size=12)
SOME = st.none() | TEXT
COUNT = st.none() | st.integers(0, 10**9)
FLAG = st.none() | st.booleans()


def tuples(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3).map(tuple)


COUNTS = tuples(st.builds(StatusCount, SOME, st.integers(0, 10**9)))
STATUS = st.builds(Status, SOME, SOME, SOME, SOME, SOME)
VIEWS = st.builds(
    InstanceView,
    st.builds(VirtualMachineSummary, COUNTS),
    tuples(STATUS),
    tuples(st.builds(ExtensionSummary, SOME, COUNTS)),
    tuples(st.builds(OrchestrationService, SOME, SOME, SOME, SOME)),
)
VM_VIEWS = st.builds(
    VirtualMachineInstanceView,
    tuples(STATUS),
    tuples(st.builds(ExtensionStatus, SOME, tuples(STATUS), tuples(STATUS))),
    tuples(STATUS),
    st.none() | STATUS.filter(lambda each: bool(each.code)),
    FLAG,
)
INSTANCES = st.builds(
    Instance,
    TEXT.filter(bool),
    SOME,
    SOME,
    SOME,
    FLAG,
    tuples(TEXT),
    st.none() | VM_VIEWS,
    SOME,
    SOME,
    FLAG,
    FLAG,
    SOME,
)
HEALTH = st.builds(
    ExtensionProfile,
    SOME,
    st.just("Microsoft.ManagedServices"),
    st.just("ApplicationHealthLinux"),
    COUNT,
    COUNT,
    FLAG,
    tuples(TEXT),
)
SETS = st.builds(
    ScaleSet, SOME, SOME, SOME, SOME, SOME, SOME, COUNT, SOME, SOME, FLAG, tuples(TEXT),
    tuples(HEALTH | st.builds(ExtensionProfile, SOME, st.just("p"), SOME)), SOME, SOME, SOME, FLAG,
    FLAG, st.just(True), SOME, FLAG, FLAG, FLAG, FLAG, FLAG, FLAG, tuples(TEXT),
)  # fmt: skip
UPGRADES = st.builds(RollingUpgrade, SOME, SOME, SOME, SOME, COUNT, COUNT, COUNT, COUNT, SOME, SOME)


@given(st.one_of(VIEWS, VM_VIEWS, INSTANCES, SETS, UPGRADES))
def test_what_a_model_holds_comes_back_from_its_json(model: Any) -> None:
    assert type(model).from_json(model.to_json()) == model


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
KEYS = [
    "virtualMachine", "statusesSummary", "statuses", "extensions", "code", "count", "properties", "instanceView",
    "vmHealth", "status", "sku", "capacity", "zones", "virtualMachineProfile", "extensionProfile", "settings",
    "runningStatus", "progress", "vmAgent", "substatuses", "protectionPolicy", "publisher", "type", "tags",
    "message", "externalHealthPolicy", "enabled", "provisionAfterExtensions", "suppressFailures",
]  # fmt: skip
SHAPED = st.recursive(
    JSON,
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=20,
)


@pytest.mark.parametrize("kind", [InstanceView, VirtualMachineInstanceView, Instance, ScaleSet, RollingUpgrade])
@given(body=JSON | SHAPED)
def test_no_json_value_makes_parsing_raise_anything_but_the_documented_error(kind: Any, body: Any) -> None:
    with contextlib.suppress(MalformedBody):
        assert isinstance(kind.from_json(body), kind)
