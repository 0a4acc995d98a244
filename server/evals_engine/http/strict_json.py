"""A JSON reader without duplicate keys, NaN, overlong numbers or deep nesting."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, cast

_Container = dict[str, object] | list[object]

MAX_DEPTH = 32
"""Deepest nesting of objects and lists; requests need five levels."""

MAX_DIGITS = 300
"""Most digits of a whole number, so that it fits into a floating-point number."""


def decoded(text: bytes) -> object:
    """Return the value of a JSON text.

    Raises:
        ValueError: The text is not JSON, or JSON that readers interpret differently.
    """
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_short_int,
        )
    except RecursionError:
        raise _too_deep() from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("The body is not JSON.") from None
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("An object of the body has the same key twice.")
    return value


def _refuse_constant(_: str) -> float:
    raise ValueError("NaN and Infinity are not JSON.")


def _finite_float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("A number of the body is too large.")
    return number


def _short_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("A number of the body is too large.")
    return int(text)


def _check_depth(value: object) -> None:
    """Refuse values that are too deep to be walked by recursion."""
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [inner for container in level for inner in _containers(_items(container))]
    if level:
        raise _too_deep()


def _containers(values: Iterable[object]) -> list[_Container]:
    return [cast("_Container", value) for value in values if isinstance(value, dict | list)]


def _items(value: _Container) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _too_deep() -> ValueError:
    return ValueError(f"The body is nested more than {MAX_DEPTH} deep.")
