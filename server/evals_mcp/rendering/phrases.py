"""Phrases that several answers share: status, times, labels, and lines joined."""

from __future__ import annotations

from datetime import UTC, datetime

from evals_schemas.reasons import Reason


def status_text(status: str, reason: str | None) -> str:
    """Return the status; a cancelled evaluation is called so, which the contract does not."""
    return f"cancelled (status {status})" if reason == Reason.CANCELLED else status


def duration(seconds: float) -> str:
    """Return a time span in its largest useful unit."""
    if seconds < 0.05:
        # Two equal times in whole seconds may be almost a second apart.
        return "under 1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def time_text(time: datetime) -> str:
    """Return a time to the minute, in UTC where its zone is known."""
    if time.tzinfo is None:
        return time.strftime("%Y-%m-%d %H:%M (time zone unknown)")
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def labelled(label: str, text: str | None) -> str | None:
    """Return a text behind its label; None without a text."""
    return f"{label}: {text}" if text else None


def joined(*lines: str | None) -> str:
    """Return the lines that have a text."""
    return "\n".join(line for line in lines if line)


def amount(number: int, singular: str) -> str:
    """Return a number with its thousands marked and its noun, such as `2,000 rows`."""
    return f"{number:,} {singular}{'' if number == 1 else 's'}"
