"""Makes foreign text safe to show: vendors' messages, judges' feedback, names, data-set rows."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles and links
    r"|\x1b[ -/]*[0-~]"
)
"""Terminal escape sequences of ECMA-48; `_visible` removes the rest of a broken one."""

_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Characters that are printable by their Unicode category but invisible: fillers, selectors."""


def clean(text: str, limit: int, *, keep_lines: bool = False) -> str:
    """Return the text without control, zero-width, bidirectional and escape characters.

    Args:
        text: Foreign text of any length.
        limit: The most characters to return, 1 or more; a text that was cut ends in an ellipsis.
        keep_lines: Keep line breaks; otherwise every run of white space becomes one space.
    """
    bounded = text[: 8 * limit + 1024]
    shown = _BLANKS.sub("", _visible(_ESCAPES.sub("", bounded), keep_lines=keep_lines))
    lines = (" ".join(line.split()) for line in shown.split("\n"))
    result = "\n".join(lines).strip()
    was_cut = len(result) > limit or len(bounded) < len(text)
    return result[: limit - 1].rstrip() + "…" if was_cut else result


def clean_whole(text: str, limit: int) -> tuple[str, bool]:
    """Return the text as `clean` does, with its spaces and line breaks, and whether it was cut.

    Args:
        text: Foreign text of any length.
        limit: The most characters to return, 1 or more.
    """
    bounded = _ESCAPES.sub("", text[: limit + 1024]).expandtabs(4)
    shown = _BLANKS.sub("", _visible(bounded, keep_lines=True))
    was_cut = len(shown) > limit or len(text) > limit + 1024
    return (shown[: limit - 1] + "…" if was_cut else shown), was_cut


_ACTIVE = (
    (re.compile(r"\](?=[(\[])"), "] "),  # links and images, [text](address)
    (re.compile(r"(?<=[A-Za-z0-9]):(?=//)"), ": "),  # https://
    (re.compile(r"www\.", re.IGNORECASE), "www ."),
    (re.compile(r"(?<=[\w.+-])@(?=[\w-]+\.)"), " @ "),  # mail addresses
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),  # HTML
)
"""Beginnings of Markdown, HTML and addresses that clients render, and their inert forms."""

_MARKS = str.maketrans(dict.fromkeys("'`", "\u2019"))
"""Characters that could end a quotation or a code span, and the apostrophe shown instead."""


def inert(text: str, limit: int) -> str:
    """Return the text as one line in which nothing is rendered: no link, image, address or HTML.

    Used alone for sentences that were written around foreign text before; see `quoted`.

    Args:
        text: Text of any length.
        limit: The most characters to return, 1 or more; a text that was cut ends in an ellipsis.
    """
    shown = clean(text, limit)
    for pattern, replacement in _ACTIVE:
        shown = pattern.sub(replacement, shown)
    return clean(shown, limit)


def quoted(text: str, limit: int) -> str:
    """Return the text as an inert line between single quotation marks, which it cannot end.

    Every foreign text inside a sentence of this server goes through this function.

    Args:
        text: Foreign text of any length.
        limit: The most characters between the marks, 1 or more.
    """
    return f"'{inert(text, limit).translate(_MARKS)}'"


def _visible(text: str, *, keep_lines: bool) -> str:
    """Drop characters without a glyph: `isprintable` is false for Unicode's C and Z categories."""
    if keep_lines:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    visible = (
        char
        if char.isprintable() or (keep_lines and char == "\n")
        else " "
        if char.isspace()
        else ""
        for char in text
    )
    return "".join(visible)
