"""Numbers as text whose rounding hides neither a sign nor the width of an interval."""

from __future__ import annotations

from collections.abc import Sequence

SIGNIFICANT = 0.05
"""The p-value below which a difference is called clear."""

_MOST_DIGITS = 12


def percent(value: float) -> str:
    """Return a percentage with one decimal, or with more to keep 99.99 from reading as 100.0."""
    return fixed(value, bounds=(0.0, 100.0))


def signed(points: float) -> str:
    """Return points with one decimal, or with more as `fixed` does, and with their sign."""
    text = fixed(points)
    return text if text.startswith("-") else f"+{text}"


def fixed(value: float, digits: int = 1, bounds: Sequence[float] = (0.0,)) -> str:
    """Return a number with this many decimals, or with more so that it reads as none of `bounds`.

    A number that equals a bound is shown as the bound.
    """
    while digits < _MOST_DIGITS and _reads_as_bound(value, digits, bounds):
        digits += 1
    return f"{value:z.{digits}f}"


def ends(low: float, high: float, digits: int = 1, bounds: Sequence[float] = (0.0,)) -> str:
    """Return `low to high` with as many decimals as the signs and the width need."""
    while digits < _MOST_DIGITS and (
        (low != high and f"{low:z.{digits}f}" == f"{high:z.{digits}f}")
        or any(_reads_as_bound(end, digits, bounds) for end in (low, high))
    ):
        digits += 1
    return f"{low:z.{digits}f} to {high:z.{digits}f}"


def percent_ends(low: float, high: float) -> str:
    """Return `low to high` of two percentages."""
    return ends(low, high, bounds=(0.0, 100.0))


def score(value: float) -> str:
    """Return a score or a mean with four significant digits."""
    return f"{value:.4g}"


def score_ends(low: float, high: float) -> str:
    """Return `low to high` of two scores, with as many digits as the width needs."""
    digits = 4
    while low != high and digits < _MOST_DIGITS and f"{low:.{digits}g}" == f"{high:.{digits}g}":
        digits += 1
    return f"{low:.{digits}g} to {high:.{digits}g}"


def p_text(p_value: float) -> str:
    """Return a p-value with three digits, never as 0, and with more digits close to 0.05."""
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {fixed(p_value, 3, (SIGNIFICANT,))}"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as `1 row` or `2 rows`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def sentence_of(text: str) -> str:
    """Return a text with a large first letter."""
    return f"{text[:1].upper()}{text[1:]}"


def _reads_as_bound(value: float, digits: int, bounds: Sequence[float]) -> bool:
    return value not in bounds and float(f"{value:.{digits}f}") in bounds
