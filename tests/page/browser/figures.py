"""Every figure on the page is one of the data: compared by a script, with the data's own digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_TEXTS = frozenset({"text", "value", "value_b"})

CONSTANT = frozenset({95.0, 2.0, 1.0})
"""The level of intervals, and the 2 of `answer_v2` and the like."""


def unexplained(shown: str, data: Mapping[str, Any]) -> list[str]:
    """Return the numbers in a text that no number or sentence of the data explains.

    A number is explained if rounding one of the data to as many decimals gives it.
    """
    plain = shown.replace("\u2212", "-").replace("\u202f", "").replace("\u00a0", " ")
    plain = re.sub(r"(?<=\d)\u2013(?=\d)", " ", plain)
    numbers, sentences = set[float](), set[str]()
    for value in _values(data):
        if isinstance(value, str):
            sentences |= set(_NUMBER.findall(value.replace("\u2212", "-")))
        else:
            numbers.add(float(value))
    return [
        text
        for text in _NUMBER.findall(plain)
        if text not in sentences and float(text) not in CONSTANT and not _explained(text, numbers)
    ]


def _explained(text: str, numbers: set[float]) -> bool:
    decimals = len(text.partition(".")[2])
    half = 0.5 * 10**-decimals * (1 + 1e-9)
    return any(abs(number - float(text)) <= half for number in numbers)


def _values(data: Any) -> Iterator[float | str]:
    """Yield every number and every sentence, without rows and parameters."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            if name not in {"rows", "pairs", "settings", "parameters"} or not isinstance(
                value, list
            ):
                yield from _values(value)
    elif isinstance(data, list):
        for value in data:
            yield from _values(value)
    elif isinstance(data, str) or (isinstance(data, int | float) and not isinstance(data, bool)):
        yield data
