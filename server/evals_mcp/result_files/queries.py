"""The statements of `index.sql` and the version of the format that they write."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import resources

FORMAT = f"4 {sys.byteorder}-endian"
"""The version of the index, raised when tables change or verdicts are read differently.

An index of another version is built again. Its arrays have this machine's byte order.
"""

BLOCK_ROWS = 4096
"""Rows after which a block ends."""


def query(name: str) -> str:
    """Return a statement of `index.sql` by its name."""
    return _queries()[name]


@cache
def _queries() -> dict[str, str]:
    text = resources.files("evals_mcp.result_files").joinpath("index.sql").read_text("utf-8")
    statements = re.findall(r"^-- (\w+):.*\n((?:(?!--).*\n?)*)", text, re.MULTILINE)
    return {name: statement.strip() for name, statement in statements}
