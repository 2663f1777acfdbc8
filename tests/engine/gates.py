"""Gates of both kinds, for tests that hold for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from tests.engine.projects import Project

__all__ = ["BOTH", "KINDS", "Gate"]


@dataclass(frozen=True)
class Gate:
    """One kind of gate, named `web`, of one set.

    kind: the type that the state has. component: that of what is declared. sets: the argument that names the set, by
    the expression {web}. output: that tells its id.
    """

    kind: str
    component: str
    sets: str
    output: str

    def declared(self, web: str, arguments: str) -> str:
        """Return the expression that declares it. web: the set, as an expression."""
        return f'vmss.{self.component}("web", {self.sets.format(web=web)}, {arguments})'

    def of(self, project: Project) -> dict[str, Any]:
        """Return it as the state has it."""
        found: dict[str, Any] = project.state()[f"{self.kind}/web"]
        return found

    def of_the_set(self, project: Project) -> dict[str, Any]:
        """Return the outputs that tell of the set."""
        outputs: dict[str, Any] = self.of(project)["outputs"]
        found: dict[str, Any] = outputs.get("sets", {"web": outputs})["web"]
        return found


SINGLE = Gate("HealthGate", "ScaleSetHealthGate", "scale_set={web}", "scale_set_id")
FLEET = Gate("FleetGate", "FleetHealthGate", 'scale_sets={{"web": {web}}}', 'scale_set_ids["web"]')
KINDS = [SINGLE, pytest.param(FLEET, marks=pytest.mark.rest)]
BOTH = pytest.mark.parametrize("gate", KINDS, ids=lambda gate: gate.kind)
"""The single gate in `make test`; that of a fleet, its variant, in `make test-rest`."""
