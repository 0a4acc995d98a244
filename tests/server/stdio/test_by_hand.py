"""A person who types `evals-mcp` in a terminal is told what it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from tests.server.test_stdio import INITIALIZE, environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def typed(folder: Path, *lines: str, arguments: tuple[str, ...] = ()) -> tuple[str, str]:
    """Return what the server writes to standard error, and its first answer, if this is typed."""
    import termios  # noqa: PLC0415 - not on Windows

    ours, theirs = os.openpty()
    modes = termios.tcgetattr(theirs)
    modes[3] &= ~(termios.ECHO | termios.ICANON)  # a line may be longer than a terminal's buffer
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    with subprocess.Popen(
        [sys.executable, "-m", "evals_mcp", *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(folder),
        cwd=folder,
    ) as process:
        watchdog = Timer(60, process.kill)
        watchdog.start()
        os.close(theirs)
        assert process.stdout is not None
        os.write(ours, "".join(f"{line}\n" for line in (*lines, json.dumps(INITIALIZE))).encode())
        answer = process.stdout.readline()
        # The first answer comes before the server has loaded, which nothing here needs.
        process.kill()
        _, errors = process.communicate()
        watchdog.cancel()
        os.close(ours)
    return errors, answer


def test_a_terminal_shows_what_the_server_is_and_what_to_do(tmp_path: Path) -> None:
    errors, answer = typed(tmp_path, arguments=("serve",))

    first, second = errors.splitlines()
    assert first.startswith("evals-mcp 0.")
    assert first.endswith("an MCP server; it waits for a client, not for typing. Ctrl-C ends it.")
    assert "evals-mcp install" in second
    assert "evals-mcp --help" in second
    assert json.loads(answer)["id"] == 1


def test_typing_repeats_the_advice_once_and_is_sent_to_nobody(tmp_path: Path) -> None:
    errors, answer = typed(tmp_path, "help", "", "what is this?")

    assert errors.count("Set it up in your assistant: evals-mcp install") == 2
    assert json.loads(answer)["id"] == 1
