"""Figures as lines of a terminal: a figure with its interval on an axis, and bars of counts.

Only in the text of an answer. Plain ASCII, which every font has and which costs few tokens: about
twenty for an interval, fifteen for a bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH = 41
"""Characters of an axis; odd, so that zero of a symmetrical one is in the middle."""

LONGEST_BAR = 30

_NAME_CHARS = 48
"""Longest text before a bar that others are moved under."""

_STEPS = (1.0, 2.0, 5.0)


def interval_line(
    name: str, value: float, interval: tuple[float, float] | None, axis: tuple[float, float]
) -> str | None:
    """Return a figure as `o` between the ends of its interval, `|`, on an axis.

    None without an interval, or if a part of it is outside of the axis.

    Args:
        name: what the figure is.
        value: the figure.
        interval: the lower and the upper end.
        axis: the lowest and the highest value of the line.
    """
    if interval is None:
        return None
    low, high = interval
    if not axis[0] <= low <= value <= high <= axis[1] or not axis[0] / 4 < axis[1] / 4:
        return None
    cells = [" "] * WIDTH
    start, middle, end = (_cell(each, axis) for each in (low, value, high))
    cells[start : end + 1] = "-" * (end + 1 - start)
    cells[start] = cells[end] = "|"
    if axis[0] == -axis[1] and cells[WIDTH // 2] == " ":
        cells[WIDTH // 2] = "0"
    cells[middle] = "o"
    return f"{name} {axis[0]:g} [{''.join(cells)}] {axis[1]:g}"


def around_zero(*values: float) -> tuple[float, float]:
    """Return a symmetrical axis with round ends that has room for these values."""
    most = max(map(abs, values))
    if not 0 < most < math.inf:
        return -1.0, 1.0
    power = 10.0 ** math.floor(math.log10(most))
    ends = [step * power for step in (*_STEPS, 10 * _STEPS[0], 10 * _STEPS[1])]
    end = next((end for end in ends if end >= most), most)
    return -end, end


def with_bars(lines: Sequence[tuple[str, int]]) -> list[str]:
    """Return texts, each with a bar for its count; the longest bar is of the largest count.

    A count above zero has a bar, even where its share of the longest one is less than half a
    character.
    """
    most = max((count for _, count in lines), default=0)
    margin = max((len(text) for text, _ in lines if len(text) <= _NAME_CHARS), default=0)
    return [f"{text:<{margin}}  {_bar(count, most)}".rstrip() for text, count in lines]


def _bar(count: int, most: int) -> str:
    return "#" * max(1, round(LONGEST_BAR * count / most)) if count > 0 else ""


def _cell(value: float, axis: tuple[float, float]) -> int:
    # A quarter of each, because the range itself may be larger than the largest float.
    low, high = axis[0] / 4, axis[1] / 4
    return round((value / 4 - low) / (high - low) * (WIDTH - 1))
