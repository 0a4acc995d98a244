"""How many tokens a model reads, counted as o200k does."""

from __future__ import annotations

import json
import warnings
from functools import cache
from typing import Protocol


class _Encoding(Protocol):
    def encode(self, text: str) -> list[int]: ...


@cache
def _encoding() -> _Encoding:
    with warnings.catch_warnings():
        # The package opens its own tables in a way that Python deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        from bpe_openai import get_encoding  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

        return get_encoding("o200k_base")


def tokens(value: object) -> int:
    """The tokens of a text, or of anything else as compact JSON."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return len(_encoding().encode(text))
