"""Named SQL statements: a file has them each after a comment `-- name: description`.

A statement can have another one in it by its name in braces, with which it then begins or goes on.
"""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable

_NAMED = re.compile(r"^-- (\w+):.*\n((?:(?!--).*\n?)*)", re.MULTILINE)

_INCLUDED = re.compile(r"\{(\w+)\}")


def named_statements(*files: Traversable) -> dict[str, str]:
    """Return the statements of some files by their names; a later file replaces a name."""
    pairs = [pair for file in files for pair in _NAMED.findall(file.read_text("utf-8"))]
    texts = {name: statement.strip() for name, statement in pairs}
    return {
        name: _INCLUDED.sub(lambda included: texts[included[1]], text)
        for name, text in texts.items()
    }
