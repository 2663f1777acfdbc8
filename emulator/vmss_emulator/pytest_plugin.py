"""A pytest fixture that runs an offline Azure.

```python
def test_my_tool(vmss_emulator):
    scale_set = vmss_emulator.put_scale_set("web", capacity=2)
    ...
```
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vmss_emulator import Emulator


@pytest.fixture
def vmss_emulator() -> Iterator[Emulator]:
    """A started `Emulator` in which all goes well until it loads a timeline; stopped after the test."""
    with Emulator() as azure:
        yield azure
