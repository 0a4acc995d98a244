"""One worker process, from its start to its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

import anyio
from anyio import to_thread
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from evals_engine.compute.frames import LENGTH, MAX_FRAME, framed, read_body

LARGE_BYTES = 256 * 1024
"""From this size on a message is encoded in a thread, away from the event loop."""

QUIET_SECONDS = 0.1
"""Seconds that a process has to end by itself before it is killed."""

LONG_SECONDS = 0.25
"""Seconds without an answer after which the system gives other processes precedence."""

NICER = 5
"""What is then added to the nice value of the process."""

_START = """\
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from evals_engine.compute.worker import main
main()
"""


class WorkerEndedError(Exception):
    """The worker process has ended: it ran into a limit, crashed, or answered nonsense."""


class WorkerProcess:
    """A running worker process. Use it from one task at a time."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._answers = BufferedByteReceiveStream(process.stdout)
        self.jobs: set[str] = set()
        """Jobs that this process has set up."""
        self.owner = ""
        """For whom it computed last."""
        self.is_slow = False
        """Whether other processes have precedence; that lasts as long as the process."""

    @classmethod
    async def start(cls, memory_bytes: int) -> WorkerProcess:
        """Start a process with this much memory.

        Raises:
            OSError: the system does not start one.
        """
        # Isolated (-I): no environment variable and no current folder decides what is imported.
        command = [sys.executable, "-I", "-c", _START, json.dumps(sys.path)]
        process = await anyio.open_process(
            [*command, str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_bare_environment(),
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def send(self, body: bytes) -> None:
        """Send a message, encoded as JSON.

        Raises:
            WorkerEndedError: the process has ended.
        """
        try:
            await self._stdin.send(framed(body))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise WorkerEndedError from error

    async def receive(self) -> Any:
        """Return the next message.

        Raises:
            WorkerEndedError: the process has ended.
        """
        try:
            (length,) = LENGTH.unpack(await self._beginning())
            if length > MAX_FRAME:
                raise WorkerEndedError
            body = await self._answers.receive_exactly(length)
            if length < LARGE_BYTES:
                return read_body(body)
            return await to_thread.run_sync(read_body, body)
        except (
            anyio.IncompleteRead,
            anyio.BrokenResourceError,
            anyio.ClosedResourceError,
            anyio.EndOfStream,
            ValueError,
            OSError,
        ) as error:
            raise WorkerEndedError from error

    async def _beginning(self) -> bytes:
        """Return the first bytes of the next message; lower the priority while they take long."""
        if not self.is_slow:
            with anyio.move_on_after(LONG_SECONDS):
                return await self._answers.receive_exactly(LENGTH.size)
            self._lower_priority()
        return await self._answers.receive_exactly(LENGTH.size)

    def _lower_priority(self) -> None:
        """Let the server and the workers of others go first. Without effect on Windows."""
        self.is_slow = True
        if hasattr(os, "setpriority"):
            with suppress(OSError):
                value = os.getpriority(os.PRIO_PROCESS, self.pid) + NICER
                os.setpriority(os.PRIO_PROCESS, self.pid, value)

    async def stop(self) -> None:
        """End the process and wait until it is gone: at once, if it is computing."""
        with anyio.CancelScope(shield=True):
            # One that has nothing to do, or has died, ends by itself.
            with suppress(anyio.BrokenResourceError, OSError):
                await self._stdin.aclose()
            with anyio.move_on_after(QUIET_SECONDS):
                await self._process.wait()
            if self._process.returncode is None:
                self._kill()
            await self._process.wait()
            await self._process.aclose()

    def _kill(self) -> None:
        # `Popen.kill` first asks whether the process has died, which takes its exit status away
        # from the event loop: asyncio then warns of an unknown child.
        with suppress(ProcessLookupError):
            if os.name == "posix":
                os.kill(self.pid, signal.SIGKILL)
            else:
                self._process.kill()


def _bare_environment() -> dict[str, str]:
    """Return the variables that a worker needs; none of ours, which may hold keys.

    Libraries of numbers start one thread only, since each takes address space.
    """
    needed = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return needed | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
