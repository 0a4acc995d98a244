"""What a check has found, and its line in the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

OK, FAILED = "ok", "FAILED"
SLOW = "slow"
"""Verdict of a check whose outcome is right and whose time is not: see the load beside it."""
SKIPPED = "skipped"
"""Verdict of a check that this machine cannot make; the detail says what is absent."""


@dataclass
class Finding:
    """What one fault has led to."""

    name: str
    rows: int
    lost: int
    """Rows that the result file lacks."""
    repeated: int
    """Calls for rows that were judged before."""
    seconds: float
    """From the fault to the end of the evaluation."""
    detail: str = ""
    verdict: str = OK

    def check(self, most_repeated: int) -> Finding:
        """Return this, if no row is lost and few are repeated. Raises AssertionError."""
        assert self.lost == 0, self
        assert self.repeated <= most_repeated, (self, most_repeated)
        return self


HEAD = "check what" + " " * 48 + "    rows  lost repeated  seconds  load  verdict"


def line_of(number: int, finding: Finding, load: float) -> str:
    """Return a line of the table; `load` is the processes that wanted to run meanwhile."""
    fields: list[Any] = [f"{finding.rows:8}", f"{finding.lost:6}", f"{finding.repeated:9}"]
    figures = "".join(fields) + f"{finding.seconds:9.1f}{load:6.1f}"
    return f"{number:5} {finding.name:52}{figures}  {finding.verdict:8} {finding.detail}".rstrip()
