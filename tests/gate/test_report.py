"""The words that a person reads, whole."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.sets import Vm, snapshot

from pulumi_vmss_health import (
    ExtensionSummary,
    OrchestrationService,
    RollingUpgrade,
    ScaleSetDeleted,
    ScaleSetId,
    Snapshot,
    StatusCount,
    Unavailable,
    evaluate,
)
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.telling.failure import causes, failure_lines, headline, told_apart
from pulumi_vmss_health.telling.folding import folded
from pulumi_vmss_health.telling.status import status_line
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome

WEB = ScaleSetId("0b1f", "rg", "web")
PORTAL = "https://portal.azure.com"


def progress(seen: Snapshot, *, elapsed: float = 80, policy: GatePolicy | None = None) -> Progress:
    return Progress(elapsed, 1200, 9, seen, evaluate(seen, policy or GatePolicy()))


def test_the_status_line_counts_what_is_not_there_yet_and_ends_with_the_timeout() -> None:
    booting = Vm(provisioning="creating", health=None, extensions=())
    slow = Vm(extensions=(("cse", "creating"),), health="initializing")
    assert status_line(progress(snapshot(Vm(), Vm(), slow, booting, booting))) == (
        "3/5 VMs, cse 2/5, appHealth 2/5, timeout 20m"
    )


def test_the_status_line_begins_with_what_is_not_fine_for_a_narrow_terminal_shows_no_more() -> None:
    ill = snapshot(Vm(), Vm(health="unhealthy"))
    assert status_line(progress(ill)) == "appHealth 1/2, 2/2 VMs, timeout 20m"


def test_the_status_line_says_that_health_has_to_hold_and_that_a_set_is_failing() -> None:
    assert status_line(progress(snapshot(Vm(), Vm()))) == "healthy, holding, 2/2 VMs, appHealth 2/2, timeout 20m"
    failing = snapshot(Vm(), Vm(extensions=(("cse", "failed"),)))
    assert status_line(progress(failing)) == "failing, cse 1/2, 2/2 VMs, appHealth 2/2, timeout 20m"


def test_the_status_line_says_what_is_waited_for_where_all_counts_are_complete() -> None:
    upgrading = replace(snapshot(Vm()), rolling_upgrade=RollingUpgrade("RollingForward"))
    assert status_line(progress(upgrading)) == "rolling upgrade RollingForward, 1/1 VMs, appHealth 1/1, timeout 20m"
    stopped = snapshot(Vm(), Vm(power="stopped"))
    assert status_line(progress(stopped)) == "instance 1, power stopped, 2/2 VMs, appHealth 2/2, timeout 20m"


def test_counts_are_of_the_capacity_that_the_policy_expects() -> None:
    seen = replace(progress(snapshot(Vm(), Vm()), policy=GatePolicy(capacity=3)), capacity=3)
    assert status_line(seen) == "2/3 VMs, cse 2/3, health 2/3, appHealth 2/3, timeout 20m"


def test_what_could_not_be_judged_is_a_cause_too() -> None:
    assert causes(evaluate(Snapshot(snapshot(Vm()).view), GatePolicy()))[-1].startswith(
        "not judged for lack of evidence: "
    )


def test_the_status_line_says_what_keeps_it_from_seeing() -> None:
    assert status_line(Progress(5, 60)) == "looking, timeout 1m"
    assert status_line(Progress(5, 60, error=Unavailable("HTTP 503"))) == "cannot read: HTTP 503, timeout 1m"


def test_long_names_and_many_extensions_fit_a_column() -> None:
    seen = snapshot(Vm(), extensions=())
    waiting = tuple(
        ExtensionSummary(f"Microsoft.Azure.Security.Agent{number}", (StatusCount("ProvisioningState/creating", 1),))
        for number in range(6)
    )
    line = status_line(progress(replace(seen, view=replace(seen.view, extensions=waiting))))
    assert line.startswith("…t.Azure.Security.Agent0 0/1, …t.Azure.Security.Agent1 0/1, ")
    assert "3 more extensions" in line
    assert len(line) < 160


def test_a_failure_is_told_with_headline_causes_and_where_to_look() -> None:
    bad = Vm(extensions=(("cse", "failed/50"),), message="command terminated\nwith exit status=50")
    seen = progress(snapshot(Vm(), Vm(health="unhealthy"), bad))
    assert failure_lines(Outcome(Ending.FAILING, seen), WEB, PORTAL) == [
        "scale set web is failing, given up after 1m20s of 20m: 3/3 VMs, cse 2/3, appHealth 2/3",
        "instance 2: extension cse failed/50, want succeeded (2 of 3 pass, 3 required): command terminated with exit "
        "status=50",
        "next: check the log of extension cse on the instance, correct its settings, then update the instance",
        "instance 1: application health unhealthy, want healthy (2 of 3 pass, 3 required)",
        "next: check the application's log on the instance, and what its health endpoint answers there",
        "look closer: `az vmss list-instances -g rg -n web --subscription 0b1f --expand instanceView "
        "--query '[].{id:instanceId,vm:provisioningState,latest:latestModelApplied,"
        "health:instanceView.vmHealth.status.code}' -o table`",
        f"look closer: `az monitor activity-log list --resource-id {WEB} --offset 1d --query "
        "\"[?status.value=='Failed'].{at:eventTimestamp,what:operationName.value,why:subStatus.value}\" -o table`",
        f"look closer: {PORTAL}/#@/resource{WEB}/instances",
    ]


def test_health_that_did_not_hold_long_enough_says_so() -> None:
    lines = failure_lines(Outcome(Ending.TIMED_OUT, progress(snapshot(Vm()))), WEB)
    assert "healthy at the last look, but not for the whole hold" in lines[1]


def test_a_set_that_was_never_seen_is_told_without_places_to_look() -> None:
    lost = Progress(130, 1200, 9, error=Unavailable("HTTP 503"))
    assert failure_lines(Outcome(Ending.UNREADABLE, lost), WEB, PORTAL) == [
        "scale set web could not be read, given up after 2m10s",
        "the last look failed: HTTP 503",
    ]


def test_a_set_that_was_deleted_is_told_without_what_was_wrong_with_it_before() -> None:
    seen = replace(progress(snapshot(Vm(health="unhealthy"))), error=ScaleSetDeleted("it was deleted"))
    headline, error, advice, *closer = failure_lines(Outcome(Ending.DELETED, seen), WEB, PORTAL)
    assert headline.startswith("scale set web was deleted while the gate waited, after 1m20s")
    assert error == "the last look failed: it was deleted"
    assert advice.startswith("next: find out who deleted it; ")
    (activities,) = closer
    assert "az monitor activity-log list" in activities
    assert "who:caller" in activities


def test_evidence_that_was_lacking_is_named() -> None:
    seen = progress(Snapshot(snapshot(Vm()).view), policy=GatePolicy(capacity=1))
    lines = failure_lines(Outcome(Ending.TIMED_OUT, seen), WEB)
    assert any("not judged for lack of evidence: " in line and "power" in line for line in lines)


def test_suspended_repairs_are_told_with_the_way_to_resume_them() -> None:
    seen = snapshot(Vm(health="unhealthy"))
    view = replace(seen.view, orchestration_services=(OrchestrationService("AutomaticRepairs", "Suspended"),))
    lines = failure_lines(Outcome(Ending.TIMED_OUT, progress(replace(seen, view=view))), WEB)
    resume = "az vmss set-orchestration-service-state -g rg -n web --subscription 0b1f"
    assert any("AutomaticRepairs is suspended" in line and resume in line for line in lines)


def test_stale_instances_and_a_failed_upgrade_are_told_with_commands_ready_to_paste() -> None:
    stale = snapshot(Vm(latest=False), upgrade_mode="Manual")
    lines = failure_lines(Outcome(Ending.FAILING, progress(stale)), WEB)
    assert (
        "apply the latest model: `az vmss update-instances -g rg -n web --subscription 0b1f --instance-ids '*'`"
        in lines
    )
    faulted = replace(snapshot(Vm(latest=False), upgrade_mode="Rolling"), rolling_upgrade=RollingUpgrade("Faulted"))
    lines = failure_lines(Outcome(Ending.FAILING, progress(faulted)), WEB)
    assert not any("update-instances" in line for line in lines)
    assert "look closer: `az vmss rolling-upgrade get-latest -g rg -n web --subscription 0b1f`" in lines


def test_many_causes_are_cut_and_counted() -> None:
    ill = [Vm(extensions=((f"e{number}", "failed"),)) for number in range(15)]
    seen = snapshot(*ill, extensions=[f"e{number}" for number in range(15)])
    lines = failure_lines(Outcome(Ending.FAILING, progress(seen)), WEB)
    assert sum(line.startswith("instance ") for line in lines) == 10
    assert any(line.startswith("and ") and line.endswith(" more") for line in lines)


def test_every_ending_has_a_headline_of_its_own() -> None:
    headlines = {headline(Outcome(ending, progress(snapshot(Vm()))), "web") for ending in Ending}
    assert len(headlines) == len(Ending)


def test_scale_sets_of_one_name_are_told_apart_by_no_more_than_it_takes() -> None:
    sets = [("s", "rg", "api"), ("s", "rg", "web"), ("s", "Other", "WEB"), ("s2", "other", "web")]
    assert told_apart([ScaleSetId(*each) for each in sets]) == ["api", "rg/web", "s/Other/WEB", "s2/other/web"]


def test_a_line_is_folded_for_a_terminal_of_100_columns_and_commands_stay_whole() -> None:
    stale = snapshot(*[Vm(latest=False, provisioning="failed/Boom")] * 3, upgrade_mode="Manual")
    for line in failure_lines(Outcome(Ending.FAILING, progress(stale)), WEB, PORTAL):
        folds = folded(line).split("\n")
        assert " ".join(each.strip() for each in folds) == line
        assert all(each.startswith(" " * 6) for each in folds[1:])
        for fold in folds:
            is_one_word = "`" in fold or " " not in fold.strip()
            assert is_one_word or len(fold) <= 86
        commands = line.split("`")[1::2]
        assert all(any(f"`{command}`" in fold for fold in folds) for command in commands)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_folding_loses_nothing_but_spaces(text: str) -> None:
    assert "".join(folded(text).split()) == "".join(text.split())
