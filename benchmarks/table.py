"""Prints figures as one table, below a line about the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from benchmarks import versions
from benchmarks.figures import Figure

HEADINGS = ("figure", "median", "min to max", "budget", "note")


def machine() -> str:
    """Return cores, Python, platform and the measured versions, in three lines."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    hardware = f"{os.cpu_count()} cores, {python}, {platform.platform()}"
    packages = (versions.ours(), versions.others())
    lists = (", ".join(f"{name} {number}" for name, number in one.items()) for one in packages)
    return "\n".join([hardware, *lists])


def render(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table that is aligned in a terminal too."""
    rows = [HEADINGS, *(cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [aligned(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(map(str.ljust, row, widths)) + " |"


def cells(figure: Figure) -> tuple[str, ...]:
    """Return the cells of a figure's row; an exceeded budget is marked."""
    if figure.value is None:
        return figure.name, "none", "", "", figure.note
    spread = f"{number(figure.spread[0])} to {number(figure.spread[1])}" if figure.spread else ""
    return (
        figure.name,
        f"{number(figure.value)} {figure.unit}",
        spread,
        budget(figure.value, figure.budget),
        figure.note,
    )


def budget(value: float, limit: float | None) -> str:
    if limit is None:
        return ""
    return f"<= {number(limit)}" + (" (over)" if value > limit else "")


def number(value: float) -> str:
    """Return a count unchanged, another number with two decimals, or with none if it is large."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
