"""When a read is tried again: how often, after how long, and when it is given up."""

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
"""The most times that a read is sent."""
BUDGET_SECONDS = 20.0
"""From the first try to the end of the last; some clients wait no longer than 30 s for a tool."""
FIRST_PAUSE_SECONDS = 0.5
"""The pause after the first try; it doubles with each further one."""

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Answers that time alone may change."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Timing:
    """Clocks and chance; tests pass their own."""

    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    chance: Callable[[], float] = random.random
    """A number in 0..1, drawn for each pause so that clients do not return all at once."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds since any fixed moment."""
    now: Callable[[], datetime] = _now


@dataclass(frozen=True)
class Patience:
    """How long an answer is waited for, and how long it may be; tests have less.

    Seconds without a sign of the service, but for `budget` and `upload`.
    """

    budget: float = BUDGET_SECONDS
    """The longest that a call may take, its retries and pauses included."""
    upload: float = 600.0
    """The longest that an upload may take, the service's check of the file included."""
    connect: float = 5.0
    read: float = 10.0
    send: float = BUDGET_SECONDS
    """After a request that changes something."""
    file: float = 60.0
    """In the middle of a file, either way."""
    body_bytes: int = 64 * 1024 * 1024
    """The longest JSON body that is read; a list of a hundred evaluations has far less than 1 MiB.
    """


def pause_after(tries: int, retry_after: float | None, chance: float) -> float:
    """Seconds to wait after that many tries: what the service asked for, else exponential back-off.

    The back-off is drawn from the upper half of its range: 0.25 to 0.5 s after the first try.
    """
    if retry_after is not None:
        return retry_after
    return FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1) * (0.5 + chance / 2)


def retry_after_seconds(retry_after: str | None, now: datetime) -> float | None:
    """A `Retry-After` header in seconds from now; None when it is absent or unreadable.

    Both forms of RFC 9110, section 10.2.3: a number of seconds, or a date.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    moment = http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def http_date(date: str | None) -> datetime | None:
    """A date as HTTP headers have it; None when it is absent or unreadable."""
    try:
        moment = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def retry_advice(seconds: float | None) -> str:
    """Advice on when to try again, as the end of a sentence."""
    if seconds is None:
        return "in about a minute"
    return f"in {seconds:.0f} s" if seconds >= 1 else "at once"
