"""The live panel of `vmss-health wait`: a row for each scale set, what holds it up, and the time. Needs rich."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.text import Text

from pulumi_vmss_health.cli.console.tables import short
from pulumi_vmss_health.judging.findings import State
from pulumi_vmss_health.telling.folding import folded
from pulumi_vmss_health.telling.status import counts_of
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.clock import Clock
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.text import LINE, clean

_A_SECOND = 2  # refreshes
_NARROW = 72  # columns; with fewer the extensions are a number alone
_GAP = "  "
_INDENT = "  "  # of a cause
_BELOW = "    "  # of its further lines
_WANTED = re.compile(r", want [^:]*? \(\d+ of \d+ pass, [^()]*\)")  # the row has the numbers
_CAUSES = 3  # lines of causes for a scale set among several
_CAUSES_OF_ONE = 12
_LEAST_NAME = 8  # columns
_ENDED = {
    Ending.HEALTHY: "passed",
    Ending.FAILING: "failed",
    Ending.TIMED_OUT: "timed out",
    Ending.UNREADABLE: "not readable",
    Ending.DELETED: "deleted",
    Ending.CANCELLED: "cancelled",
}
_BAD = "red"
_STYLES = {"healthy": "green", "passed": "green", "failing": _BAD, "cannot read": "yellow"}
_WORST_FIRST = ("failing", "cannot read", "waiting", "looking", "healthy", "passed")  # any other: before these


@dataclass(slots=True)
class _Row:
    """A scale set: what its wait said last, and how it ended, if it did."""

    name: str
    progress: Progress | None = None
    outcome: Outcome | None = None

    @property
    def state(self) -> str:
        """What the wait does, in a word or two."""
        if self.outcome is not None:
            return _ENDED[self.outcome.ending]
        progress = self.progress
        if progress is not None and progress.error is not None:
            return "cannot read"
        if progress is None or progress.verdict is None:
            return "looking"
        if progress.verdict.state is State.FAILING:
            return "failing"
        return "healthy" if progress.verdict.passes else "waiting"

    @property
    def rank(self) -> int:
        """The worst has the lowest."""
        return _WORST_FIRST.index(self.state) if self.state in _WORST_FIRST else -1

    @property
    def style(self) -> str:
        """Its colour; the word says the same without."""
        return _STYLES.get(self.state, "") if self.rank >= 0 else _BAD

    def since(self, elapsed: float) -> str:
        """Return for how long it has been healthy or failing, such as " for 12s"; else ""."""
        progress = self.progress
        if self.state not in ("healthy", "failing") or progress is None or not progress.transitions:
            return ""
        since, state = progress.transitions[-1]
        is_same = progress.verdict is not None and progress.verdict.state is state
        return f" for {format_seconds(elapsed - since)}" if is_same else ""

    def causes(self) -> list[str]:
        """Return what keeps it from passing, worst first."""
        progress = self.progress
        if progress is None or self.state == "passed":
            return []
        if progress.error is not None:
            return [str(progress.error)]
        if progress.verdict is None:
            return []
        unjudged = ", ".join(progress.verdict.unjudged)
        return [
            *(_WANTED.sub("", each.message) for each in progress.verdict.reasons if each.state is not State.HEALTHY),
            *([clean(f"not judged yet: {unjudged}", LINE)] if unjudged else []),
        ]


class _Forgiving:
    """A terminal that may close: what it does not take any more is lost, and the waits go on to their end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what it takes."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what it takes."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever rich asks a stream
        return getattr(self._stream, name)


class Panel:
    """Shows several waits until they have ended, and then nothing: results are printed afterwards.

    Safe for the threads of all waits.
    """

    def __init__(self, names: Sequence[str], limit: float, clock: Clock, console: Console | None = None) -> None:
        """Show nothing yet. limit: seconds. console: None: standard error."""
        self._rows = [_Row(clean(name)) for name in names]
        self._limit = limit
        self._clock = clock
        self._began = clock.monotonic()
        # Standard output is left alone: it may be a file, for which the results are.
        self._live = Live(
            self,
            console=console or Console(file=cast(TextIO, _Forgiving(sys.stderr))),
            refresh_per_second=_A_SECOND,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Panel:
        """Begin to show it."""
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wipe it away and give the cursor back."""
        self._live.stop()

    def report(self, index: int) -> Callable[[Progress], None]:
        """Return what a wait reports to."""
        row = self._rows[index]

        def show(progress: Progress) -> None:
            row.progress = progress

        return show

    def ended(self, index: int, outcome: Outcome) -> None:
        """Show how a wait ended, while others go on."""
        self._rows[index].progress = outcome.progress
        self._rows[index].outcome = outcome

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Draw it, as rich asks."""
        for line in self._lines(options.max_width, console.size.height - 1):
            line.no_wrap, line.overflow = True, "ellipsis"
            yield line

    def _lines(self, width: int, height: int) -> list[Text]:
        elapsed = self._clock.monotonic() - self._began
        rows = list(self._rows)
        room = max(height - 2, 1)  # besides titles and time
        hidden: list[_Row] = []
        if len(rows) > room:
            rows, hidden = _worst(rows, max(room - 1, 1))
        below = [_wrapped(row.causes(), width) for row in rows]
        causes = _shared_out(below, rows, room - len(rows) - bool(hidden))
        titles, *cells = _table(rows, elapsed, width)
        lines = [Text(_GAP.join(titles), "dim")]
        for row, (name, state, *counts), told in zip(rows, cells, causes, strict=True):
            lines.append(Text.assemble(name, _GAP, (state, row.style), _GAP, _GAP.join(counts)))
            lines += map(Text, told)
        return [*lines, *_more(hidden), Text(self._time(elapsed), "dim")]

    def _time(self, elapsed: float) -> str:
        text = f"{format_seconds(elapsed)} of {format_seconds(self._limit)}"
        if len(self._rows) == 1:
            return text
        passed = sum(row.state == "passed" for row in self._rows)
        return f"{text}, {passed} of {len(self._rows)} scale sets passed"


def _worst(rows: Sequence[_Row], room: int) -> tuple[list[_Row], list[_Row]]:
    """Return the rows that are shown, the worst first, each with a line for a cause, and the others."""
    by_rank = sorted(rows, key=lambda row: row.rank)
    shown = 0
    while shown < len(rows) and room > 0:
        room -= 1 + bool(by_rank[shown].causes())
        shown += 1
    return by_rank[:shown], by_rank[shown:]


def _more(hidden: Sequence[_Row]) -> list[Text]:
    """Say how many scale sets there is no room for, and in which states."""
    if not hidden:
        return []
    states = Counter(row.state for row in sorted(hidden, key=lambda row: row.rank))
    return [Text(f"and {len(hidden)} more: {', '.join(f'{count} {state}' for state, count in states.items())}", "dim")]


def _table(rows: Sequence[_Row], elapsed: float, width: int) -> list[list[str]]:
    """Return the cells of a line of titles and of each row; the names get what is left of the width."""
    is_narrow = width < _NARROW
    cells = [["scale set", "state", "VMs", "extensions", "app health"]]
    cells += [[row.name, f"{row.state}{row.since(elapsed)}", *_counts(row, is_narrow=is_narrow)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = width - sum(widths[1:]) - len(_GAP) * (len(widths) - 1)
    widths[0] = min(widths[0], max(left, _LEAST_NAME))
    return [[short(cell, wide).ljust(wide) for cell, wide in zip(line, widths, strict=True)] for line in cells]


def _counts(row: _Row, *, is_narrow: bool) -> tuple[str, str, str]:
    """Return VMs, extensions and application health: done of expected, "-" for what was not seen."""
    progress = row.progress
    if progress is None or progress.snapshot is None:
        return "-", "-", "-"
    vms, *others = counts_of(progress.snapshot, progress.capacity)
    health = next((f"{each.done}/{each.total}" for each in others if each.of == "appHealth"), "-")
    waiting = [each for each in others if each.of != "appHealth"]
    if not waiting:
        extensions = "all" if progress.snapshot.view.extensions else "-"
    elif is_narrow:
        extensions = f"{waiting[0].done}/{waiting[0].total}" if len(waiting) == 1 else f"{len(waiting)} open"
    else:
        extensions = str(waiting[0]) if len(waiting) == 1 else f"{waiting[0]}, {len(waiting) - 1} more"
    return f"{vms.done}/{vms.total}", extensions, health


def _wrapped(causes: Sequence[str], width: int) -> list[str]:
    """Break causes into lines that are indented below their scale set."""
    room = max(width - len(_BELOW), 20)
    return [
        f"{_BELOW if index else _INDENT}{line}"
        for cause in causes
        for index, line in enumerate(folded(cause, room, "").split("\n"))
    ]


def _shared_out(causes: Sequence[list[str]], rows: Sequence[_Row], room: int) -> list[list[str]]:
    """Give each scale set a line for its causes while there is room, the worst first; then each another one."""
    most = _CAUSES_OF_ONE if len(rows) == 1 else _CAUSES
    given = [0] * len(rows)
    order = sorted(range(len(rows)), key=lambda index: rows[index].rank)
    for _ in range(most):
        for index in order:
            if room > 0 and given[index] < len(causes[index]):
                given[index] += 1
                room -= 1
    return [
        [*lines[: count - 1], f"{lines[count - 1]} …" if count < len(lines) else lines[count - 1]] if count else []
        for lines, count in zip(causes, given, strict=True)
    ]
