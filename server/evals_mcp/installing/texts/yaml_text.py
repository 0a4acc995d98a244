"""Writes an entry as YAML, for people to paste: no file of this kind is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast


def block(path: Sequence[str], value: object) -> str:
    """Return the text of a new file with this value at this path."""
    for key in reversed(path):
        value = {key: value}
    return "\n".join(_lines(value)) + "\n"


def _lines(value: object) -> list[str]:
    lines: list[str] = []
    for key, below in cast("Mapping[str, object]", value).items():
        if isinstance(below, Mapping) and below:
            nested = _lines(cast("Mapping[str, object]", below))
            lines += [f"{key}:", *(f"  {line}" for line in nested)]
        else:
            # Every JSON value is YAML, too.
            lines.append(f"{key}: {json.dumps(below, ensure_ascii=False)}")
    return lines
