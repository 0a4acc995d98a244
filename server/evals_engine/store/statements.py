"""Named SQL statements: a file has them each after a comment `-- name: description`."""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable

_NAMED = re.compile(r"^-- (\w+):.*\n((?:(?!--).*\n?)*)", re.MULTILINE)


def named_statements(*files: Traversable) -> dict[str, str]:
    """Return the statements of some files by their names; a later file replaces a name."""
    pairs = [pair for file in files for pair in _NAMED.findall(file.read_text("utf-8"))]
    return {name: statement.strip() for name, statement in pairs}
