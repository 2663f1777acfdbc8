"""Which gate writes which file: known from the check of a gate's inputs, which drops the path, until its wait."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from pulumi_vmss_health.evidence.file import refuse_unwritable

EVIDENCE_FILE = "evidenceFile"
"""What a program passes beside the inputs: the check takes it out, so that no state has it.

Then no change of it is a reason to gate again. One process serves the check and the wait.
"""


class Owners:
    """The files of the gates of one process, by URN."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}
        self._lock = threading.Lock()

    def keep(self, urn: str, file: Path) -> str | None:
        """Remember where a gate's evidence is to be written; return why it cannot be. file: an absolute path."""
        place = os.path.normpath(file)
        with self._lock:
            same = (each for each, kept in self._files.items() if os.path.normpath(kept) == place and each != urn)
            other = next(same, None)
            if other is not None:
                return f"{file} is the file of gate {other.rpartition('::')[2]}: each gate needs one of its own"
            self._files[urn] = file
            return None

    def writable_file_of(self, urn: str) -> Path | None:
        """Return a gate's file; None without one. Raises ValueError, which says why, if it cannot be written.

        Before a wait that is better to know than at its end.
        """
        file = self._files.get(urn)
        if file is not None:
            refuse_unwritable(file)
        return file
