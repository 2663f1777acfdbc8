"""What nobody has seen of Azure yet, and how a capture answers it: a table, a row for each question. Pure.

Each row looks at masked answers and tells what it saw; None: this capture does not show it, which is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vmss_instance_view.model import state_of
from vmss_instance_view.model.instance import PROFILE_TAG
from vmss_instance_view.model.status import in_group


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer. kind: as in the folder's file names. look: its number. at: seconds since the first look began."""

    kind: str
    look: int
    at: float
    status: int
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


Answers = Sequence[Seen]


@dataclass(frozen=True, slots=True)
class Question:
    """ask: in a few words. how: what answers it. find: what was seen, in words; None: nothing."""

    ask: str
    how: str
    find: Callable[[Answers], str | None]


def answered(answers: Answers) -> list[dict[str, object]]:
    """Return each question with what was seen of it, as a manifest has it."""
    found = [(each, each.find(answers)) for each in QUESTIONS]
    return [{"question": each.ask, "how": each.how, "seen": said is not None, "answer": said} for each, said in found]


def table(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Return the same in lines."""
    return [f"{'seen    ' if each['seen'] else 'not seen'}  {each['question']}{_told(each)}" for each in rows]


def _told(row: Mapping[str, object]) -> str:
    return f": {row['answer']}" if row["seen"] else ""


# --- What is in the answers ----------------------------------------------------------------------------------------


def _of(answers: Answers, kind: str) -> Iterator[Seen]:
    return (each for each in answers if each.kind == kind and each.status == 200 and isinstance(each.body, dict))


def _objects(body: object, *keys: str) -> list[dict[str, Any]]:
    """Return the objects of the list at the end of a path of keys."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return [each for each in body if isinstance(each, dict)] if isinstance(body, list) else []


def _codes(statuses: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(each.get("code") or "") for each in statuses]


def _vms(answers: Answers) -> Iterator[tuple[Seen, dict[str, Any], dict[str, Any]]]:
    """Return each VM of each list that was asked for with the instance views, and its view."""
    for each in answers:
        if each.kind in ("instances", "vms") and each.status == 200 and _expands(each):
            for vm in _objects(each.body, "value"):
                properties = vm.get("properties") or {}
                yield each, vm, properties.get("instanceView") or {}


def _expands(answer: Seen) -> bool:
    return any(name.lower() == "$expand" for name in answer.query)


def _summaries(view: Seen) -> list[dict[str, Any]]:
    of_extensions = (_objects(each, "statusesSummary") for each in _objects(view.body, "extensions"))
    return [*_objects(view.body, "virtualMachine", "statusesSummary"), *(one for each in of_extensions for one in each)]


def _distinct(words: Iterable[str]) -> str | None:
    return ", ".join(dict.fromkeys(words)) or None


def _failed_in_view(view: Seen) -> int:
    counted = _objects(view.body, "virtualMachine", "statusesSummary")
    return sum(int(each.get("count") or 0) for each in counted if state_of(str(each.get("code"))) == "failed")


def _failed_vms(answers: Answers) -> Iterator[tuple[Seen, int]]:
    """Return each expanded list of a Uniform set with the number of its VMs that failed."""
    for each in _of(answers, "instances"):
        if _expands(each):
            views = [(vm.get("properties") or {}).get("instanceView") or {} for vm in _objects(each.body, "value")]
            codes = [code for view in views for code in _codes(_objects(view, "statuses"))]
            provisioning = [code for code in codes if in_group(code, "ProvisioningState")]
            yield each, sum(state_of(code) == "failed" for code in provisioning)


# --- The questions -------------------------------------------------------------------------------------------------


def _set_status(answers: Answers) -> str | None:
    codes = [code for view in _of(answers, "view") for code in _codes(_objects(view.body, "statuses"))]
    return _distinct(code for code in codes if state_of(code) in ("failed", "updating"))


def _other_groups(answers: Answers) -> str | None:
    codes = [code for view in _of(answers, "view") for code in _codes(_summaries(view))]
    return _distinct(code for code in codes if in_group(code, "HealthState") or in_group(code, "PowerState"))


def _empty_set(answers: Answers) -> str | None:
    empty = {each.look for each in _of(answers, "model") if (each.body.get("sku") or {}).get("capacity") == 0}
    views = [each.body for each in _of(answers, "view") if each.look in empty]
    if not views:
        return None
    summary = (views[-1].get("virtualMachine") or {}).get("statusesSummary", "none")
    return f"the view has {', '.join(views[-1]) or 'no field'}; statusesSummary: {summary}"


def _expanded_list(answers: Answers) -> str | None:
    views = [view for _, _, view in _vms(answers)]
    if not views:
        return None
    told = {"statuses": "statuses", "extensions": "extensions", "health": "vmHealth", "agent": "vmAgent"}
    counted = ", ".join(f"{sum(bool(view.get(key)) for view in views)} {word}" for word, key in told.items())
    return f"of {len(views)} listed VMs have: {counted}"


def _standby_pool(answers: Answers) -> str | None:
    flags = [view["isVMInStandbyPool"] for _, _, view in _vms(answers) if "isVMInStandbyPool" in view]
    return f"{flags.count(True)} of {len(flags)} listed VMs with isVMInStandbyPool have it true" if any(flags) else None


def _profile_tag(answers: Answers) -> str | None:
    tags: dict[str, list[str]] = {}
    for _, vm, _ in _vms(answers):
        for name, value in (vm.get("tags") or {}).items():
            if name.lower() == PROFILE_TAG.lower():
                tags.setdefault(str((vm.get("properties") or {}).get("vmId")), []).append(str(value))
    changed = [values for values in tags.values() if len(set(values)) > 1]
    return f"{len(changed)} VMs kept their id and got another time in the tag" if changed else None


def _probe_health(answers: Answers) -> str | None:
    profiles = [
        (each.body.get("properties") or {}).get("virtualMachineProfile") or {} for each in _of(answers, "model")
    ]
    probed = [each for each in profiles if ((each.get("networkProfile") or {}).get("healthProbe") or {}).get("id")]
    types = [
        str((each.get("properties") or {}).get("type")).lower()
        for profile in probed
        for each in _objects(profile, "extensionProfile", "extensions")
    ]
    views = [view for _, _, view in _vms(answers)]
    if not probed or not views or any(each.startswith("applicationhealth") for each in types):
        return None
    return f"{sum('vmHealth' in view for view in views)} of {len(views)} listed VMs of a set with a probe have vmHealth"


def _running_upgrade(answers: Answers) -> str | None:
    bodies = [each.body.get("properties") or {} for each in _of(answers, "upgrade")]
    codes = [str((each.get("runningStatus") or {}).get("code")) for each in bodies]
    return _distinct(code for code in codes if code.lower() in ("rollingforward", "rollingback"))


def _server_error(answers: Answers) -> str | None:
    return _distinct(f"{each.status} for the {each.kind}{_error_code(each)}" for each in answers if each.status >= 500)


def _throttled(answers: Answers) -> str | None:
    refused = [each for each in answers if each.status == 429]
    return _distinct(f"for the {each.kind}, with {', '.join(each.headers) or 'no headers'}" for each in refused)


def _refused_view(answers: Answers) -> str | None:
    refused = [each for each in answers if each.kind == "view" and each.status in (400, 409)]
    return _distinct(f"{each.status}{_error_code(each)}" for each in refused)


def _error_code(answer: Seen) -> str:
    error = answer.body.get("error", answer.body) if isinstance(answer.body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return f" {code}" if code else ""


def _cache_age(answers: Answers) -> str | None:
    ages = [each.headers["age"] for each in _of(answers, "view") if "age" in each.headers]
    if ages:
        return f"the header Age: {', '.join(dict.fromkeys(ages))}"
    lag = _lag(answers)
    return None if lag is None else f"at most {lag:.1f}s, by the time that a failure took to appear in it"


def _reaction(answers: Answers) -> str | None:
    lag = _lag(answers)
    return None if lag is None else f"{lag:.1f}s after the list of instances showed the failure"


def _lag(answers: Answers) -> float | None:
    """Return the seconds from a VM's failure in the list to the same number of failures in the view; None: neither."""
    lists = list(_failed_vms(answers))
    begins = next((now for before, now in pairwise(lists) if now[1] > before[1]), None)
    if begins is None:
        return None
    listed, number = begins
    views = (each for each in _of(answers, "view") if _failed_in_view(each) >= number)
    shown = next((each.at for each in views), None)
    return None if shown is None else max(shown - listed.at, 0.0)


QUESTIONS = (
    Question("a set's own status failed or updating", "the view's statuses", _set_status),
    Question("health or power states in the view's counts", "the view's statusesSummary", _other_groups),
    Question("the view of a set of capacity 0", "the view, where the model's capacity is 0", _empty_set),
    Question("what a list with $expand=instanceView tells", "the lists of VMs", _expanded_list),
    Question("a VM of a standby pool in a Flexible set's list", "isVMInStandbyPool in the lists", _standby_pool),
    Question("the profile's tag after an upgrade in place", "tags of VMs that keep their vmId", _profile_tag),
    Question("vmHealth from a load balancer's probe alone", "the lists of a set without the extension", _probe_health),
    Question("a rolling upgrade under way", "rollingUpgrades/latest", _running_upgrade),
    Question("a server error for a scale set", "any answer with 500 or more", _server_error),
    Question("a refusal for too many requests", "any answer with 429, and its headers", _throttled),
    Question("how a Flexible set refuses its view", "the view of a Flexible set, asked once", _refused_view),
    Question("how old the view is", "the header Age; else the view beside the list", _cache_age),
    Question("how soon a failed VM is counted", "the view beside the list", _reaction),
)
