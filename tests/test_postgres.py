"""The PostgreSQL of the tests ends by itself, even if the process that started it is killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.postgres import URL_VARIABLE

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(URL_VARIABLE in os.environ, reason="no server is started")
def test_a_killed_process_leaves_no_server_and_no_folder() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server of root runs as another user
        command = [sys.executable, "-m", "tests.postgres"]
        env = {**os.environ, "TMPDIR": name}
        process: subprocess.Popen[str] = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        address: str = process.stdout.readline().strip()
        port = urlsplit(address).port
        assert port is not None
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 60
        while list(folder.iterdir()) or _is_open(port):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
