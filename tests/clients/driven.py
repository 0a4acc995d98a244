"""A real client in its own process; pipes take the place of its model."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.clients.story import Tool, UnreadableError

LONGEST_LINE = 1 << 20
"""Longest line from a driver, in bytes."""
LONGEST_STEP = 60
"""Seconds that a client may take for one answer, or for its start."""
LONGEST_END = 20
"""Seconds that a client may take to end."""


class DrivenClient:
    """The other end of `drivers/model_pipe`."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asks = process.stdin
        self._says = BufferedByteReceiveStream(process.stdout)

    async def tools(self) -> list[Tool]:
        """Return the tools that the model is offered; only as the first call."""
        return [Tool(**tool) for tool in (await self._line())["tools"]]

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """Return what the model sees of the answer."""
        with suppress(anyio.BrokenResourceError):  # the client has ended, which reading reports
            await self._asks.send(f"{json.dumps([tool, arguments])}\n".encode())
        return (await self._line())["seen"]

    async def _line(self) -> dict[str, Any]:
        try:
            with anyio.fail_after(LONGEST_STEP):
                return json.loads(await self._says.receive_until(b"\n", LONGEST_LINE))
        except anyio.IncompleteRead:
            raise UnreadableError("the client ended; its last words are in its log") from None
        except TimeoutError:
            raise UnreadableError(f"no answer within {LONGEST_STEP} s") from None


@asynccontextmanager
async def driven(command: list[str], folder: Path, log: IO[str]) -> AsyncGenerator[DrivenClient]:
    """Yield a started driver; at the end of the block it ends, with the server that it started.

    Raises:
        UnreadableError: the driver had to be killed, or ended with an error.
    """
    process = await anyio.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=_quiet()
    )
    code: int | None = None
    try:
        yield DrivenClient(process)
    finally:
        with anyio.CancelScope(shield=True):
            code = await _end(process)
    if code:
        raise UnreadableError(f"at the end of the story the client exited with code {code}")


async def _end(process: Process) -> int:
    """Close a driver's input; return its exit code, which is not 0 if it had to be killed."""
    assert process.stdin is not None
    await process.stdin.aclose()
    with anyio.move_on_after(LONGEST_END):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()
    return await process.wait()


def _quiet() -> dict[str, str]:
    """Return the environment, without variables that make a client use the network or log more."""
    removed = ("EVALS_", "TOGETHER_", "NUGEN_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_", "FASTMCP_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
    return {**variables, "FASTMCP_CHECK_FOR_UPDATES": "off", "LANGSMITH_TRACING": "false"}
