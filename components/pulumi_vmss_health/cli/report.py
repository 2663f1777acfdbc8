"""`vmss-health report`: a wait as a page or as a picture, drawn from its evidence. It asks nobody."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.printing import result
from pulumi_vmss_health.reporting.evidence import Evidence, EvidenceError, evidence_of
from pulumi_vmss_health.reporting.page import page
from pulumi_vmss_health.reporting.picture import picture
from vmss_instance_view.clock import Clock

_OUTPUT = "FILE.html: a page that needs nothing else; FILE.svg: the picture alone; -: the page to standard output"


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("evidence", metavar="EVIDENCE", help="what a wait wrote; - for standard input")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help=_OUTPUT)


def run(options: argparse.Namespace, _clock: Clock) -> Exit:
    """Draw and write. Raises ValueError for evidence that cannot be read and a file that cannot be written."""
    suffix = ".html" if options.output == "-" else Path(options.output).suffix.lower()
    if suffix not in (".html", ".svg"):
        raise ValueError(f"-o {options.output}: end it in .html (a page) or .svg (a picture), or give - for output")
    evidence = _read(options.evidence)
    drawn = page(evidence) if suffix == ".html" else picture(evidence.waits)
    # As references to characters, a file means the same in every encoding.
    text = drawn.encode("ascii", "xmlcharrefreplace").decode()
    try:
        if options.output == "-":
            result(text)
        else:
            _write(Path(options.output), text)
    except OSError as error:
        where = "standard output" if options.output == "-" else options.output
        raise ValueError(f"{where} cannot be written: {error.strerror}") from None
    return Exit.HEALTHY


def _read(name: str) -> Evidence:
    try:
        return evidence_of(sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8"))
    except (EvidenceError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}: {error}") from None
    except OSError as error:
        raise ValueError(f"{name}: {error.strerror}") from None


def _write(file: Path, text: str) -> None:
    """Write all of it or nothing: beside the file first, then in its place."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="ascii")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
