"""JSON that means the same to every reader: no key twice, no NaN, no endless number, not deep."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, cast

_Container = dict[str, object] | list[object]

MAX_DEPTH = 32
"""Objects and lists inside each other; requests need five."""

MAX_DIGITS = 300
"""Of a whole number, so that it has a place among the floating-point numbers."""


def decoded(text: bytes) -> object:
    """The value that is written there.

    Raises:
        ValueError: it is no JSON, or JSON that readers differ about; the message says which.
    """
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_short,
        )
    except RecursionError:
        raise _too_deep() from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("The body is not JSON.") from None
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("An object of the body has the same key twice.")
    return found


def _no_number(_: str) -> float:
    raise ValueError("NaN and Infinity are not JSON.")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("A number of the body is too large.")
    return number


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("A number of the body is too large.")
    return int(text)


def _check_depth(value: object) -> None:
    """Refuse what is too deep for those who walk it by recursion."""
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [inner for one in level for inner in _containers(_inside(one))]
    if level:
        raise _too_deep()


def _containers(values: Iterable[object]) -> list[_Container]:
    return [cast("_Container", one) for one in values if isinstance(one, dict | list)]


def _inside(value: _Container) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _too_deep() -> ValueError:
    return ValueError(f"The body is nested more than {MAX_DEPTH} deep.")
