"""A file with what each part has found, by which a run is resumed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.proofs.nodes.finding import FAILED, Finding


class Record:
    """The findings of earlier runs, and those of this one."""

    def __init__(self, file: Path | None) -> None:
        """Read a file, which may be absent; without one nothing is recorded."""
        self._file = file
        self._findings: dict[str, tuple[Finding, float]] = {}
        if file is not None and file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                fields = json.loads(line)
                self._findings[fields["part"]] = Finding(**fields["finding"]), fields["load"]

    def of(self, part: str) -> tuple[Finding, float] | None:
        """Return what a part has found, and the load then; None if it has to run (again)."""
        found = self._findings.get(part)
        return None if found is None or found[0].verdict == FAILED else found

    def add(self, part: str, finding: Finding, load: float) -> None:
        """Add what a part has found."""
        if self._file is None:
            return
        fields = {
            "part": part,
            "finding": asdict(finding),
            "load": load,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fields) + "\n")
