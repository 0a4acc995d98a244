"""The terminal of a command: what it says and asks."""

from __future__ import annotations

import sys
from typing import Protocol


class Console(Protocol):
    """Where a command says things, and asks if somebody can answer."""

    @property
    def can_ask(self) -> bool:
        """Return whether somebody can answer."""
        ...

    def say(self, text: str = "") -> None:
        """Print a text as a line."""
        ...

    def ask(self, question: str, default: str) -> str:
        """Return the answer to a question; the default if the answer is empty."""
        ...

    def ask_hidden(self, question: str) -> str:
        """Return the answer to a question without showing what is typed."""
        ...


class Terminal:
    """Standard input and output."""

    @property
    def can_ask(self) -> bool:
        """Return whether both are a terminal."""
        return bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty())

    def say(self, text: str = "") -> None:
        """Print a text as a line."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def ask(self, question: str, default: str) -> str:
        """Return the answer to a question; the default without an answer."""
        sys.stdout.write(f"{question} [{default}] ")
        sys.stdout.flush()
        return sys.stdin.readline().strip() or default

    def ask_hidden(self, question: str) -> str:
        """Return the answer to a question without showing what is typed."""
        from getpass import getpass  # noqa: PLC0415 - for a key that is typed

        return getpass(question).strip()


def agreed(console: Console, question: str, *, default: bool = True) -> bool:
    """Return whether the answer to a question is yes."""
    answer = console.ask(question, "Y/n" if default else "y/N").lower()
    return default if answer == "y/n" else answer.startswith("y")
