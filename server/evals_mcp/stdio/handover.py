"""The client's lines and the answers to them, as the two files of the SDK's transport."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread

if TYPE_CHECKING:
    from anyio import AsyncFile

    from evals_mcp.stdio.entrance import Entrance
    from evals_mcp.stdio.wire import Wire

log = logging.getLogger(__name__)


def handed_over(entrance: Entrance) -> tuple[AsyncFile[str], AsyncFile[str]]:
    """Return standard input and output for `stdio_server`; the entrance stops answering.

    Both have only the methods of a file that the transport uses.
    """
    wire = entrance.hand_over()
    return cast("Any", Received(entrance)), cast("Any", Sent(wire, entrance.opened_by))


class Received:
    """The lines that the entrance passes on."""

    def __init__(self, entrance: Entrance) -> None:
        """Read the lines that the entrance has not answered."""
        self._entrance = entrance

    def __aiter__(self) -> Received:
        return self

    async def __anext__(self) -> str:
        line = await to_thread.run_sync(self._entrance.next_line, abandon_on_cancel=True)
        if line is None:
            raise StopAsyncIteration
        return line.decode(errors="replace")


class Sent:
    """The server's lines, without the answer that the entrance has already sent."""

    def __init__(self, wire: Wire, answered: str | int | None) -> None:
        """Write to the wire; `answered` is the id of that request, None without such a request."""
        self._wire = wire
        self._answered = answered

    async def write(self, line: str) -> None:
        """Send one line, given with its line end."""
        if self._answered is not None and self._is_repeated(line):
            self._answered = None
            return
        await to_thread.run_sync(self._wire.write, line.removesuffix("\n").encode())

    async def flush(self) -> None:
        """Do nothing: no output is buffered."""

    def _is_repeated(self, line: str) -> bool:
        message = json.loads(line)
        if message.get("id") != self._answered or "method" in message:
            return False
        if "error" in message:
            log.warning("the opening request of a client was answered although it is invalid")
        return True
