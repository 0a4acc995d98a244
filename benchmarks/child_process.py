"""Starts a measured program as a child process, and ends it."""

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
"""Prefixes of variables that would make the figures depend on the machine's configuration."""

GRACE = 10.0
"""Seconds that a child has to end by itself."""


class ChildFailedError(RuntimeError):
    """A child ended or stopped answering; the message ends with the last lines of its log."""


class Child:
    """A running process that reads and writes lines."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """The process id, valid until the block that started the process ends."""
        return self.process.pid

    def send(self, line: str) -> None:
        """Write one line to the standard input.

        Raises:
            ChildFailedError: the process has ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise self.failure("reads no more") from error

    def receive(self) -> str:
        """Return the next line of the standard output.

        Raises:
            ChildFailedError: the output ended, or no line came in time.
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
        """End the process, and return the error to raise."""
        return ChildFailedError(f"{self.process.args!r} {what}. It logged: {self.end()}")

    def end(self) -> str:
        """Wait for the end of a child, kill it if it takes too long, and return its log."""
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
    """Run a command until the block ends, with the settings added to this environment.

    Variables with a prefix in `OURS` are not passed on. A child that does not stop at the end
    of its standard input is asked to terminate.
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
    """Yield the environment of a new installation: empty configuration, temporary data folder."""
    prefix = "evals-mcp-bench-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as directory:
        config = Path(directory, "config.toml")
        config.touch()
        yield {
            "EVALS_MCP_CONFIG": str(config),
            "EVALS_MCP_LOCAL__DATA_DIR": str(Path(directory, "data")),
            "EVALS_MCP_STATE__FOLDER": str(Path(directory, "state")),
        }
