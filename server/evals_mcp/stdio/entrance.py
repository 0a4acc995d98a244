"""Answers the client while the server loads, then passes its lines to the server."""

from __future__ import annotations

from contextlib import suppress
from queue import Queue
from threading import Lock, Thread

from evals_mcp.stdio.by_hand import ByHand
from evals_mcp.stdio.early_answers import EarlyAnswers, RequestId
from evals_mcp.stdio.wire import Wire

WAITING_LINES = 64
"""Lines queued for the server; a full queue makes the client wait."""


class Entrance:
    """Reads the client's lines in a thread of its own, while the process is importing.

    A request that opened the connection is passed on as well, so that the server knows its client;
    the server's own answer to that request is then dropped.
    """

    def __init__(self, wire: Wire, early: EarlyAnswers, by_hand: ByHand | None = None) -> None:
        """Prepare to read from the wire.

        Args:
            wire: The client's lines.
            early: Answers until the server has loaded.
            by_hand: Takes what a person types; None without a terminal.
        """
        self._wire = wire
        self._by_hand = by_hand
        self._early: EarlyAnswers | None = early
        self._turn = Lock()
        self._let_in: Queue[bytes | None] = Queue(WAITING_LINES)

        self.opened_by: RequestId | None = None
        """Id of the request that opened the connection and was answered here; None if none was."""

    def open(self) -> None:
        """Start reading; the thread ends with the client's lines, or with the process."""
        Thread(target=self._read, name="stdin", daemon=True).start()

    def hand_over(self) -> Wire:
        """Stop answering and return the wire, to which the caller may now write."""
        with self._turn:
            self._early = None
        return self._wire

    def next_line(self) -> bytes | None:
        """Return the next line for the server, None at the end; blocks until a line arrives."""
        return self._let_in.get()

    def _read(self) -> None:
        # An error of the pipe is the client's end.
        with suppress(OSError):
            for line in self._wire.lines():
                if self._by_hand and self._by_hand.takes(line):
                    continue
                # The lock is not held while a full queue makes the client wait: the server that
                # takes the lines comes through it.
                if not self._answered(line):
                    self._let_in.put(line)
        self._let_in.put(None)

    def _answered(self, line: bytes) -> bool:
        """Answer a line if possible; return whether the server need not read it."""
        with self._turn:
            answer = self._early and self._early.answer(line)
            if not answer:
                return False
            self._wire.write(answer.line)
            if answer.opens is None:
                return True
            self.opened_by = answer.opens
            return False
