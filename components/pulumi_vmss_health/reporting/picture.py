"""A picture that is a file of its own, for a pull request: the message of each wait, its causes, its drawing. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_vmss_health.judging.findings import State
from pulumi_vmss_health.reporting.chart import WIDE, Drawing, described
from pulumi_vmss_health.reporting.instances import courses
from pulumi_vmss_health.reporting.markup import Markup, element, joined, raw
from pulumi_vmss_health.reporting.scale import wrapped
from pulumi_vmss_health.reporting.style import of_picture
from pulumi_vmss_health.reporting.waits import Wait

_MARGIN = 20
_CAUSES = 3


def picture(waits: Sequence[Wait]) -> Markup:
    """Return the svg file of these waits, one below the other."""
    y, parts = float(_MARGIN), list[Markup]()
    for wait in waits:
        head, y = _head(wait, y)
        drawing = Drawing(wait, courses(wait), WIDE)
        parts += [head, element("g", drawing.content, transform=f"translate(0 {y:.0f})")]
        y += drawing.height + 2 * _MARGIN
    width, height = WIDE + 2 * _MARGIN, y - _MARGIN
    names = ", ".join(wait.name for wait in waits)
    told = (described(wait) for wait in waits)
    return element(
        "svg",
        element("title", f"How the wait for {names} went", id="title"),
        element("desc", " ".join(told), id="description"),
        element("style", raw(of_picture())),
        element("rect", class_="paper", width=width, height=f"{height:.0f}"),
        element("g", *parts, transform=f"translate({_MARGIN} 0)"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height:.0f}",
        width=width,
        height=f"{height:.0f}",
        role="img",
        aria_labelledby="title description",
    )


def _head(wait: Wait, y: float) -> tuple[Markup, float]:
    """Write the message of a wait and its first causes; return where what follows begins."""
    last = wait.last_verdict
    causes = [each.message for each in last.reasons if each.state is not State.HEALTHY] if last else []
    parts = []

    def write(text: str, size: float, lines: int, class_: str | None = None) -> None:
        nonlocal y
        for line in wrapped(text, size, WIDE, lines):
            y += size + 6
            parts.append(element("text", line, x=0, y=y - 6, class_=class_))

    write(wait.message, 17, 3, "title")
    for cause in causes[:_CAUSES]:
        write(cause, 12, 2)
    if len(causes) > _CAUSES:
        write(f"and {len(causes) - _CAUSES} more", 12, 1, "small")
    return joined(*parts), y + 16
