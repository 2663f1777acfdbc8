"""What the services that run pipelines show of a failure: an annotation, and a row in the job's summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pulumi_vmss_health.cli.printing import progress, result
from pulumi_vmss_health.telling.failure import headline
from pulumi_vmss_health.waiting.memory import Ending
from pulumi_vmss_health.waiting.watch import Outcome

_ANSWER = {True: "yes", False: "**no**"}


def annotate(lines: Sequence[str]) -> None:
    """Print a failure as GitHub Actions and Azure Pipelines want an error, if one of them runs this process.

    lines: cleaned: none of them can be taken for a command of a pipeline.
    Sources: "Workflow commands for GitHub Actions", "Logging commands" of Azure Pipelines.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        text = "%0A".join(line.replace("%", "%25") for line in lines)
        result(f"::error title=Scale set not healthy::{text}")
    if os.environ.get("TF_BUILD") == "True":
        result(f"##vso[task.logissue type=error]{lines[0]}")


def summarize(ended: Sequence[tuple[str, Outcome]]) -> None:
    """Add a table to the summary of a job on GitHub Actions."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    rows = [
        f"| {_cell(name)} | {_ANSWER[outcome.ending is Ending.HEALTHY]} | {_cell(headline(outcome, name))} |"
        for name, outcome in ended
    ]
    try:
        with Path(file).open("a") as summary:
            summary.write("\n".join(["| scale set | healthy | |", "|---|---|---|", *rows, ""]))
    except OSError as error:
        progress(f"the job's summary could not be written: {error}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
