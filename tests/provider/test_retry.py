import pytest
from tests.clocks import VirtualClock

from pulumi_vmss_health import (
    CredentialError,
    Forbidden,
    InstanceViewError,
    Rejected,
    ScaleSetNotFound,
    Throttled,
    Unavailable,
)
from vmss_instance_view.clock import Deadline, Stopped
from vmss_instance_view.errors import AzureError
from vmss_instance_view.reading.retry import read_with_retry


class Story:
    """Fails in turn with each of some errors, then succeeds."""

    def __init__(self, *errors: InstanceViewError) -> None:
        self.errors = list(errors)
        self.attempts = 0

    def __call__(self, _deadline: Deadline) -> str:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return "seen"


def read(story: Story, clock: VirtualClock, *, seconds: float = 60, grace: float = 0, jitter: float = 0.5) -> str:
    return read_with_retry(story, seconds, clock, grace=grace, jitter=lambda: jitter)


def test_what_may_pass_is_tried_again_with_growing_pauses() -> None:
    clock = VirtualClock()
    assert read(Story(*[Unavailable("503")] * 4), clock) == "seen"
    assert clock.waits == [0.5, 1, 2, 4]


def test_callers_that_failed_together_come_back_apart() -> None:
    early, late = VirtualClock(), VirtualClock()
    read(Story(Unavailable("503")), early, jitter=0)
    read(Story(Unavailable("503")), late, jitter=1)
    assert early.time < late.time


@pytest.mark.parametrize("error", [Rejected("400"), CredentialError("no"), ScaleSetNotFound("404")])
def test_what_no_repetition_mends_is_raised_at_once(error: InstanceViewError) -> None:
    story = Story(error)
    with pytest.raises(type(error)):
        read(story, VirtualClock())
    assert story.attempts == 1


def test_what_azure_asks_for_is_waited() -> None:
    clock = VirtualClock()
    assert read(Story(Throttled("429", retry_after=17)), clock) == "seen"
    assert clock.waits == [17]


def test_a_retry_after_beyond_the_deadline_ends_the_call_at_once() -> None:
    clock = VirtualClock()
    with pytest.raises(Throttled):
        read(Story(Throttled("429", retry_after=1200)), clock, seconds=20)
    assert clock.time == 0


def test_the_time_bounds_all_attempts_together() -> None:
    clock = VirtualClock()
    story = Story(*[Unavailable("503")] * 1000)
    with pytest.raises(Unavailable):
        read(story, clock, seconds=20)
    assert clock.time <= 20
    assert 4 <= story.attempts <= 8


@pytest.mark.parametrize("error", [ScaleSetNotFound, Forbidden])
def test_a_set_or_a_role_about_to_appear_is_waited_for_as_long_as_the_caller_allows(error: type[AzureError]) -> None:
    missing = [error("not yet")] * 3
    assert read(Story(*missing), VirtualClock(), grace=30) == "seen"
    clock = VirtualClock()
    with pytest.raises(error):
        read(Story(*[error("never")] * 1000), clock, grace=5)
    assert clock.time <= 10


def test_a_stop_ends_the_waiting() -> None:
    clock = VirtualClock()
    clock.stop_at = 3
    with pytest.raises(Stopped):
        read(Story(*[Unavailable("503")] * 1000), clock)
    assert clock.time == 3


def test_an_attempt_that_hangs_is_unavailable() -> None:
    clock = VirtualClock()

    def hang(_deadline: Deadline) -> str:
        clock.time += 1000
        return "too late"

    with pytest.raises(Unavailable, match="no complete answer within 60s"):
        read_with_retry(hang, 60, clock)
