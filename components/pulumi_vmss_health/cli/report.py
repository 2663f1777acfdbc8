"""`vmss-health report`: waits as a page or as a picture, drawn from their evidence. It asks nobody."""

from __future__ import annotations

import argparse
from pathlib import Path

from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.printing import result
from pulumi_vmss_health.evidence.file import write
from pulumi_vmss_health.evidence.reading import read
from pulumi_vmss_health.reporting.page import page
from pulumi_vmss_health.reporting.picture import picture
from pulumi_vmss_health.reporting.waits import waits_of
from vmss_instance_view.clock import Clock

_OUTPUT = "FILE.html: a page that needs nothing else; FILE.svg: the picture alone; -: the page to standard output"


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("evidence", metavar="EVIDENCE", help="the file that `wait --evidence` or a gate wrote")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help=_OUTPUT)


def run(options: argparse.Namespace, _clock: Clock) -> Exit:
    """Draw and write. Raises ValueError for evidence that cannot be read and a file that cannot be written."""
    suffix = ".html" if options.output == "-" else Path(options.output).suffix.lower()
    if suffix not in (".html", ".svg"):
        raise ValueError(f"-o {options.output}: end it in .html (a page) or .svg (a picture), or give - for output")
    if options.output != "-" and _are_one_file(options.evidence, options.output):
        raise ValueError(f"-o {options.output}: it is the evidence itself: give another file")
    evidence = read(Path(options.evidence))
    try:
        waits = waits_of(evidence)
    except ValueError as error:
        raise ValueError(f"{options.evidence} is no evidence: {error}") from None
    drawn = page(waits, evidence["versions"]) if suffix == ".html" else picture(waits)
    # As references to characters, a file means the same in every encoding.
    text = drawn.encode("ascii", "xmlcharrefreplace").decode()
    if options.output == "-":
        result(text)
        return Exit.HEALTHY
    try:
        write(Path(options.output), text)
    except OSError as error:
        raise ValueError(f"{options.output} cannot be written: {error.strerror}") from None
    return Exit.HEALTHY


def _are_one_file(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except (OSError, ValueError):  # there is none yet
        return False
