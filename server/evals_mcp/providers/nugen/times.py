"""Times as the benchmark service writes them: often without a zone."""

from __future__ import annotations

from datetime import UTC, datetime

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Sorts what has no time behind everything else."""


def moment(text: str | None) -> datetime | None:
    """The time in an ISO 8601 text, with a zone only if the text has one; None if it is none."""
    try:
        return datetime.fromisoformat(text.strip()) if text else None
    except ValueError:
        return None


def aware(time: datetime | None) -> datetime:
    """A time to compare with: one without a zone counts as UTC, and none as long ago."""
    if time is None:
        return LONG_AGO
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        return LONG_AGO


def unix_seconds(time: datetime | None) -> int:
    """Seconds since 1970, 0 where there is no time."""
    return max(0, int(aware(time).timestamp()))
