"""What a person sees who starts the server in a terminal: what it is, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable

ADVICE = (
    "Set it up in your assistant: evals-mcp install     Check it: evals-mcp doctor     "
    "All commands: evals-mcp --help"
)


class ByHand:
    """Answers a person who types, on standard error; standard output is the protocol's."""

    def __init__(self, version: str, say: Callable[[str], None]) -> None:
        """Say what this is; `say` writes a line for the person."""
        self._say = say
        self._repeated = False
        say(
            f"evals-mcp {version}: an MCP server; it waits for a client, not for typing. "
            "Ctrl-C ends it."
        )
        say(ADVICE)

    def takes(self, line: bytes) -> bool:
        """Return whether a line was typed by a person; the first one repeats the advice."""
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            if not self._repeated:
                self._say(ADVICE)
            self._repeated = True
            return True
        return False
