"""What a check has found, with the command that mends it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "note", "skip"]


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    state: State
    subject: str
    """What was checked."""
    text: str
    mend: str | None = None
    """A line to paste that mends it; only for `warn` and `fail`."""


def as_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the report's lines, without its last one."""
    for finding in findings:
        yield f"{finding.state:5} {finding.subject:14} {finding.text}"
        if finding.mend:
            yield f"      mend: {finding.mend}"


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line: how many checks, failures and warnings."""
    failures = sum(finding.state == "fail" for finding in findings)
    warnings = sum(finding.state == "warn" for finding in findings)
    counts = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((failures, "failure"), (warnings, "warning"))
        if number
    ]
    return f"{len(findings)} checked: {', '.join(counts) or 'all well'}"


def as_json(version: str, findings: Sequence[Finding]) -> str:
    """Return the report as JSON."""
    fields = [asdict(finding) for finding in findings]
    return json.dumps({"version": version, "findings": fields}, indent=2, ensure_ascii=False)


def shortened_key(key: str) -> str:
    """Return the last four characters of a key; of a short one nothing."""
    return f"…{key[-4:]}" if len(key) >= 16 else "…"
