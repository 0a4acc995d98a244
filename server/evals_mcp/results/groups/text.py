"""The figures of a value as text, and values themselves as quotations."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evals_mcp.cleaning import inert, quoted
from evals_mcp.results.number_text import ends, percent, percent_ends, score, score_ends, signed
from evals_schemas.tools.groups import Measured, Unit

NO_VALUE = "(no value)"
"""The text of null and of a column that a row does not have; no text reads so without quotes."""

_VALUE = 40


def value_text(value: object) -> str:
    """Return a text in quotation marks, and any other value as JSON, both cut and inert."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool | int | float):
        return inert(json.dumps(value), _VALUE)
    return quoted(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _VALUE
    )


def distinct_texts(texts: Sequence[str]) -> list[str]:
    """Return the texts, those that were cut to equal ones with numbers."""
    seen = dict[str, int]()
    distinct: list[str] = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        distinct.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return distinct


def figure_text(figure: Measured, unit: Unit) -> str:
    """Return a figure with its unit and, if it has one, its interval."""
    shown = _amount(figure[0], unit)
    if len(figure) == 1:
        return shown
    _, low, high = figure
    return f"{shown} (95 % interval {_range(low, high, unit)})"


def _amount(value: float, unit: Unit) -> str:
    match unit:
        case "%":
            return f"{percent(value)} %"
        case "points":
            return f"{signed(value)} points"
        case "score":
            return score(value)


def _range(low: float, high: float, unit: Unit) -> str:
    match unit:
        case "%":
            return f"{percent_ends(low, high)} %"
        case "points":
            return f"{ends(low, high)} points"
        case "score":
            return score_ends(low, high)


def difference_unit(unit: Unit) -> Unit:
    """Return the unit of a difference of two figures."""
    return "points" if unit == "%" else unit
