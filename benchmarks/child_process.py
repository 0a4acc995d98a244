"""Starts what is measured as a child process, and ends it by its own handle."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO

PATIENCE = 60.0
"""Seconds to wait for a line; a child that takes longer is killed."""

OURS = ("EVALS_MCP_", "TOGETHER_API_KEY")
"""How the variables begin that would make one machine's figures differ from another's."""

GRACE = 10.0
"""Seconds a child has to end by itself."""


class ChildFailedError(RuntimeError):
    """A child ended or fell silent; the message ends with what it logged last."""


class Child:
    """One running process that is spoken to in lines."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Its process id, valid until the block that started it is left."""
        return self.process.pid

    def send(self, line: str) -> None:
        """Write one line to its standard input.

        Raises:
            ChildFailedError: it has ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise self.failure("reads no more") from error

    def receive(self) -> str:
        """The next line of its standard output.

        Raises:
            ChildFailedError: there is none, or none came in time.
        """
        assert self.process.stdout is not None
        watchdog = Timer(PATIENCE, self.process.kill)
        watchdog.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise self.failure("gave no answer")
        return line.decode()

    def failure(self, what: str) -> ChildFailedError:
        """What to raise when it does not do its part; ends it."""
        return ChildFailedError(f"{self.process.args!r} {what}. It logged: {self.end()}")

    def end(self) -> str:
        """Wait for the end of a child that was told to stop, with force at last; return its log."""
        with suppress(OSError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        for force in (self.process.terminate, self.process.kill):
            try:
                self.process.wait(GRACE)
                break
            except subprocess.TimeoutExpired:
                force()
        self.process.wait()
        self.log.seek(0)
        return self.log.read()[-2000:].decode(errors="replace")


@contextmanager
def child(
    command: Sequence[str], settings: Mapping[str, str] | None = None, stops_at_eof: bool = True
) -> Generator[Child]:
    """Run a command with the settings beside this process's environment until the block ends.

    Variables that begin as in `OURS` are not handed on. A child that does not stop at the end of
    its standard input is asked to terminate.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=inherited | dict(settings or {}),
        )
        running = Child(process, log)
        try:
            yield running
        finally:
            if not stops_at_eof:
                process.terminate()
            running.end()
            assert process.stdout is not None
            process.stdout.close()


@contextmanager
def fresh_settings() -> Generator[dict[str, str]]:
    """Environment of a new installation: an empty configuration, and data that is gone later."""
    prefix = "evals-mcp-bench-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as directory:
        config = Path(directory, "config.toml")
        config.touch()
        yield {
            "EVALS_MCP_CONFIG": str(config),
            "EVALS_MCP_LOCAL__DATA_DIR": str(Path(directory, "data")),
        }
