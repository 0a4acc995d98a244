"""How often, after which failures and after which pause a read is retried.

`RestClient._tried` applies it to each request.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio

TRIES = 4
"""Most times that a read is sent."""
BUDGET_SECONDS = 20.0
"""Seconds from the first try to the end of the last; some clients allow a tool only 30 s."""
FIRST_PAUSE_SECONDS = 0.5
"""Pause after the first try; it doubles with each further try."""

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Statuses of temporary failures."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Timing:
    """Clocks and random numbers, which tests replace."""

    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    chance: Callable[[], float] = random.random
    """Returns a random number from 0 to 1, so that clients do not all retry at once."""
    monotonic: Callable[[], float] = time.monotonic
    """Returns seconds since a fixed time."""
    now: Callable[[], datetime] = _now


@dataclass(frozen=True)
class Patience:
    """Limits of time and size for an answer.

    Times are seconds without a sign of the service, except `budget` and `upload`.
    """

    budget: float = BUDGET_SECONDS
    """Most seconds for a call, including its retries and pauses."""
    upload: float = 600.0
    """Most seconds for an upload, including the service's check of the file."""
    connect: float = 5.0
    read: float = 10.0
    send: float = BUDGET_SECONDS
    """After a request that changes something."""
    file: float = 60.0
    """Within a file, in either direction."""
    body_bytes: int = 64 * 1024 * 1024
    """Most bytes of a JSON body; a list of a hundred evaluations has far less than 1 MiB."""


def pause_after(tries: int, retry_after: float | None, chance: float) -> float:
    """Return the seconds to wait after a number of tries: as requested, else exponential back-off.

    The back-off is drawn from the upper half of its range: 0.25 to 0.5 s after the first try.
    """
    if retry_after is not None:
        return retry_after
    return FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1) * (0.5 + chance / 2)


def retry_after_seconds(retry_after: str | None, now: datetime) -> float | None:
    """Return a `Retry-After` header in seconds from now; None if it is absent or unreadable.

    Both forms of RFC 9110, section 10.2.3: a number of seconds, or a date.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    parsed = http_date(text)
    return None if parsed is None else max(0.0, (parsed - now).total_seconds())


def http_date(date: str | None) -> datetime | None:
    """Return the time in an HTTP date; None if it is absent or unreadable."""
    try:
        parsed = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def retry_advice(seconds: float | None) -> str:
    """Return when to try again, as the end of a sentence."""
    if seconds is None:
        return "in about a minute"
    return f"in {seconds:.0f} s" if seconds >= 1 else "at once"
