"""Cells of CSV files that a spreadsheet shows as text and never runs as a formula."""

from __future__ import annotations

import json
import re

_FORMULA_START = re.compile(r"[\s\x00]*[=+\-@\t\r|%\uff1d\uff0b\uff0d\uff20]")
"""What a cell begins with when a spreadsheet may read it as a formula, after blanks.

Source: OWASP, "CSV Injection"; the full-width signs are read as the plain ones by some programs.
"""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def csv_cell(value: object) -> str:
    """Return a JSON value as the text of a CSV cell; the writer of the file quotes it.

    A text that begins like a formula gets `'` in front, which spreadsheets hide; numbers stay as
    they are. Null is an empty cell. Lists and objects are written as JSON.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if _FORMULA_START.match(value) and not _NUMBER.fullmatch(value.strip()):
        return f"'{value}"
    return value
