"""What a run says while it goes on: lines, or one line that is written anew on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from evals_mcp.cleaning import clean_whole

LINE_SECONDS = 15.0
"""Seconds between two lines of progress where there is no terminal."""

_SHARES = 10
"""Lines of progress of one evaluation at least, if it is long enough."""


_LINE = 4_000


def harmless(text: str) -> str:
    """Return a text as one line that no forge reads as a command, whatever its names and data are.

    GitHub reads commands from lines that begin with `::`, and older ones from `##[` anywhere.
    """
    line = clean_whole(text, _LINE)[0].replace("\n", " ").replace("##[", "## [")
    return f"| {line}" if line.lstrip().startswith("::") else line


@dataclass
class Progress:
    """Writes what happens. Progress is reported as the tools report it to a client."""

    stream: TextIO
    monotonic: Callable[[], float]
    is_terminal: bool
    label: str = ""
    """Whose progress is reported."""
    _line: int = 0
    """Characters of the line that is written anew; 0 without one."""
    _last: float = field(default=float("-inf"))
    _share: int = -1

    def say(self, text: str) -> None:
        """Write a line that stays, and that no forge takes for a command."""
        self._write(harmless(text))

    def command(self, text: str) -> None:
        """Write a command to the forge that runs the job."""
        self._write(text)

    def _write(self, line: str) -> None:
        self._clear()
        self.stream.write(f"{line}\n")
        self.stream.flush()

    def begin(self, label: str) -> None:
        """Begin the progress of another evaluation."""
        self._clear()
        self.label, self._last, self._share = label, float("-inf"), -1

    async def report(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Write the progress: each time on a terminal, else now and then."""
        text = harmless(f"{self.label}: {message or f'{progress:g} done'}")
        if self.is_terminal:
            self._clear()
            self.stream.write(text)
            self.stream.flush()
            self._line = len(text)
            return
        now, share = self.monotonic(), int(_SHARES * progress / total) if total else 0
        if now - self._last < LINE_SECONDS and share <= self._share:
            return
        self._last, self._share = now, share
        self.say(text)

    def _clear(self) -> None:
        if self._line:
            self.stream.write(f"\r{' ' * self._line}\r")
            self._line = 0
