"""Runs examples/quickstart. A `main:` in Pulumi.yaml would hide the virtualenv from Pulumi's provider process."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parent / "examples" / "quickstart" / "__main__.py"))
