"""Meets the client at once, and lets its lines in when the server behind has loaded."""

from __future__ import annotations

from contextlib import suppress
from queue import Queue
from threading import Lock, Thread

from evals_mcp.stdio.early_answers import EarlyAnswers, RequestId
from evals_mcp.stdio.wire import Wire

WAITING_LINES = 64
"""Lines that wait for the server before the client does."""


class Entrance:
    """Reads the client in a thread of its own: the rest of the process may be busy importing.

    A request that opened the connection is let in too, so that the server knows its client; the
    server's own answer to it is then one too many.
    """

    def __init__(self, wire: Wire, early: EarlyAnswers) -> None:
        """Stand between a client and a server that has yet to come."""
        self._wire = wire
        self._early: EarlyAnswers | None = early
        self._turn = Lock()
        self._let_in: Queue[bytes | None] = Queue(WAITING_LINES)

        self.opened_by: RequestId | None = None
        """Id of the request that opened the connection here; None where none did."""

    def open(self) -> None:
        """Begin to read; the thread ends with the client's lines, or with the process."""
        Thread(target=self._read, name="stdin", daemon=True).start()

    def hand_over(self) -> Wire:
        """Answer nothing here any more; whoever calls may write."""
        with self._turn:
            self._early = None
        return self._wire

    def next_line(self) -> bytes | None:
        """The next line for the server, None at the end; blocks until there is one."""
        return self._let_in.get()

    def _read(self) -> None:
        # An error of the pipe is the client's end.
        with suppress(OSError):
            for line in self._wire.lines():
                # The lock is not held while a full queue makes the client wait: the server that
                # takes the lines comes through it.
                if not self._answered(line):
                    self._let_in.put(line)
        self._let_in.put(None)

    def _answered(self, line: bytes) -> bool:
        """Whether nothing is left to do with a line."""
        with self._turn:
            answer = self._early and self._early.answer(line)
            if not answer:
                return False
            self._wire.write(answer.line)
            if answer.opens is None:
                return True
            self.opened_by = answer.opens
            return False
