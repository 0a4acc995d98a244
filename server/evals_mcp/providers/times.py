"""Times as services write them: often without a zone."""

from __future__ import annotations

from datetime import UTC, datetime

from evals_schemas.evaluation_api.evaluations import EvaluationJob

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Time that sorts an item without a time behind all others."""


def parse_time(text: str | None) -> datetime | None:
    """Return the time in an ISO 8601 text, with a zone only if the text has one.

    None without a text, and for a text that is not a time.
    """
    try:
        return datetime.fromisoformat(text.strip()) if text else None
    except ValueError:
        return None


def aware(time: datetime | None) -> datetime:
    """Return a time in UTC: a time without a zone counts as UTC, an absent one as long ago."""
    if time is None:
        return LONG_AGO
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        return LONG_AGO


def unix_seconds(time: datetime | None) -> int:
    """Return the seconds since 1970, 0 without a time."""
    return max(0, int(aware(time).timestamp()))


def created_at(job: EvaluationJob) -> datetime:
    """Return when a job was created, in UTC; long ago if the service does not report a time."""
    return aware(job.created_at)
