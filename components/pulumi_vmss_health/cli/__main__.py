"""`python -m pulumi_vmss_health.cli` does what `vmss-health` does."""

import sys

from pulumi_vmss_health.cli.main import main

sys.exit(main())
