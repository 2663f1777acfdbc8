"""What the services that run pipelines make of a wait: folded progress, an annotation, and the job's summary.

Every text is cleaned before it comes here: none can be taken for a command of a pipeline.
Sources: "Workflow commands for GitHub Actions", "Logging commands" of Azure Pipelines.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from pulumi_vmss_health.cli.printing import progress, result
from pulumi_vmss_health.telling.failure import headline
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.watch import Outcome

_ANSWER = {True: "yes", False: "**no**"}
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#!])")
_CODE = re.compile("((?<!`)`[^`]+`(?!`))")
_TOLD = 10  # scale sets whose causes are in the summary


def on_github() -> bool:
    """Return whether GitHub Actions runs this process."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def on_azure() -> bool:
    """Return whether Azure Pipelines runs this process."""
    return os.environ.get("TF_BUILD") == "True"


@contextmanager
def log_group(title: str) -> Iterator[None]:
    """Put the progress that is printed meanwhile into one group, which readers may open."""
    begin, end = ("::group::", "::endgroup::") if on_github() else ("##[group]", "##[endgroup]")
    is_grouped = on_github() or on_azure()
    if is_grouped:
        progress(f"{begin}{title}")
    try:
        yield
    finally:
        if is_grouped:
            progress(end)


def annotate(lines: Sequence[str]) -> None:
    """Print a failure as the services want an error."""
    if on_github():
        text = "%0A".join(line.replace("%", "%25") for line in lines)
        result(f"::error title=Scale set not healthy::{text}")
    if on_azure():
        result(f"##vso[task.logissue type=error]{lines[0]}")


def summarize(ended: Sequence[tuple[str, Outcome, Sequence[str]]]) -> None:
    """Add a table, and the causes of failures, to the job's summary. ended: name, outcome, lines that were printed."""
    told = _summary(ended)
    try:
        if on_azure() and (folder := os.environ.get("AGENT_TEMPDIRECTORY")):
            with tempfile.NamedTemporaryFile(
                "w", dir=folder, prefix="vmss-health-", suffix=".md", delete=False, encoding="utf-8"
            ) as file:  # the agent reads it when the step has ended, and removes its folder after the job
                file.write(told)
            result(f"##vso[task.uploadsummary]{file.name}")
        if path := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(path).open("a", encoding="utf-8") as summary:
                summary.write(told)
    except OSError as error:
        progress(f"the job's summary could not be written: {error}")


def _summary(ended: Sequence[tuple[str, Outcome, Sequence[str]]]) -> str:
    rows = [
        f"| {_text(name)} | {_ANSWER[_is_healthy(outcome)]} | {_text(headline(outcome, name))} |"
        for name, outcome, _ in ended
    ]
    failed = [(name, lines[1:]) for name, outcome, lines in ended if not _is_healthy(outcome)]
    causes = [
        part
        for name, lines in failed[:_TOLD]
        if lines
        for part in ["", f"**{_text(name)}**", "", *(f"- {_text(line)}" for line in lines)]
    ]
    more = ["", f"and {len(failed) - _TOLD} more in the log"] if len(failed) > _TOLD else []
    return "\n".join(["| scale set | healthy | |", "|---|---|---|", *rows, *causes, *more, "", ""])


def _is_healthy(outcome: Outcome) -> bool:
    return outcome.ending is Ending.HEALTHY


def _text(text: str) -> str:
    """Return Markdown that shows a text as it is; a command between backticks stays one, so that it can be copied."""
    return "".join(
        part.replace("|", "\\|") if is_code else _MARKDOWN.sub(r"\\\1", part)
        for is_code, part in zip(cycle((False, True)), _CODE.split(text))
    )
