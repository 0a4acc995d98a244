"""Makes foreign text safe to quote in a message and to store as UTF-8."""

MAX_QUOTE = 200
"""The most characters quoted of any text that the engine did not write itself."""


def cleaned(text: str, limit: int = MAX_QUOTE) -> str:
    """Return the text as one line of printable characters, cut to `limit` characters."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * limit])
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def well_formed(text: str) -> str:
    """Return the text with `?` for each lone surrogate, which JSON can carry and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
