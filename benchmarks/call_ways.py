"""The ways to read the status of one evaluation, each a function that makes one call."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.call_vendor import cli_settings, cli_status, sdk_status, vendor_sdk
from benchmarks.child_process import ChildFailedError, child, fresh_settings
from benchmarks.load import FLOOR as FLOOR_HTTP_SERVER
from benchmarks.load import SERVER as HTTP_SERVER
from benchmarks.start import SERVER as STDIO_SERVER
from benchmarks.stdio_session import ask, initialize

FLOOR_STDIO_SERVER = (sys.executable, str(Path(__file__).with_name("floor_stdio_server.py")))

BARE, BARE_WHOLE = "bare REST", "bare REST of the whole evaluation"
STDIO, HTTP = "get_status over stdio", "get_status over HTTP"
FLOOR_STDIO, FLOOR_HTTP = "one-tool server over stdio", "one-tool server over HTTP"
SDK, CLI, SPAWNED = "vendor's SDK", "vendor's CLI", "get_status of a new process"

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-11-25",
}

Ask = Callable[[], float]
"""Makes one call and returns its seconds; raises ChildFailedError for a wrong answer."""

Command = tuple[str, ...]
Settings = Mapping[str, str]


@contextmanager
def staying(base_url: str, evaluation: str) -> Generator[dict[str, Ask]]:
    """Yield the ways that keep their process and connection, which last until the block ends."""
    with ExitStack() as stack, httpx2.Client(timeout=60) as client:
        ours = stack.enter_context(settings_of_ours(base_url))
        floor = {"FLOOR_UPSTREAM": base_url}
        sdk = stack.enter_context(vendor_sdk(base_url))

        def stdio(command: Command, settings: Settings) -> Ask:
            server = stack.enter_context(child(command, settings))
            initialize(server)
            return timed(lambda: told(ask(server, "tools/call", call_of(evaluation))))

        def http(command: Command, settings: Settings) -> Ask:
            server = stack.enter_context(child(command, settings, stops_at_eof=False))
            url = server.receive().split()[-1]
            params = call_of(evaluation)
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            return timed(lambda: told(answer(client, "POST", url, body)["result"]))

        def rest(path: str) -> Ask:
            url = f"{base_url}/evaluation/{evaluation}{path}"
            return timed(lambda: completed(answer(client, "GET", url)["status"]))

        yield {
            BARE: rest("/status"),
            BARE_WHOLE: rest(""),
            STDIO: stdio(STDIO_SERVER, ours),
            HTTP: http(HTTP_SERVER, ours),
            FLOOR_STDIO: stdio(FLOOR_STDIO_SERVER, floor),
            FLOOR_HTTP: http(FLOOR_HTTP_SERVER, floor),
            SDK: timed(lambda: completed(sdk_status(sdk, evaluation))),
        }


@contextmanager
def spawned(base_url: str, evaluation: str) -> Generator[dict[str, Ask]]:
    """Return the ways that start a process for each call; the end of the process is not timed."""
    with settings_of_ours(base_url) as ours, tempfile.TemporaryDirectory() as folder:
        vendor = cli_settings(base_url, Path(folder))

        def server() -> float:
            started = time.perf_counter()
            with child(STDIO_SERVER, ours) as running:
                initialize(running)
                told(ask(running, "tools/call", call_of(evaluation)))
                return time.perf_counter() - started

        def cli() -> float:
            started = time.perf_counter()
            with cli_status(vendor, evaluation) as status:
                completed(status)
                return time.perf_counter() - started

        yield {SPAWNED: server, CLI: cli}


@contextmanager
def settings_of_ours(base_url: str) -> Generator[dict[str, str]]:
    """Return the environment of a new installation whose service is the engine at the base URL."""
    with fresh_settings() as settings:
        yield settings | {
            "EVALS_MCP_SERVER__PROVIDER": "together",
            "EVALS_MCP_TOGETHER__BASE_URL": base_url,
            "EVALS_MCP_TOGETHER__TOKEN": "a-token-of-the-call-benchmark",
        }


def timed(work: Callable[[], None]) -> Ask:
    def seconds() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return seconds


def call_of(evaluation: str) -> dict[str, Any]:
    return {"name": "get_status", "arguments": {"evaluation_id": evaluation}}


def answer(client: httpx2.Client, method: str, url: str, body: object = None) -> dict[str, Any]:
    try:
        text = client.request(method, url, json=body, headers=HEADERS).raise_for_status().text
    except httpx2.HTTPError as error:
        raise ChildFailedError(f"{method} {url}: {error!r}") from error
    # A server may answer with a stream of events; the data of the last event are the answer.
    return json.loads(text if text.startswith("{") else text.rpartition("data: ")[2])


def told(result: dict[str, Any]) -> None:
    completed(result["content"][0]["text"])


def completed(status: str | None) -> None:
    if "completed" not in (status or ""):
        raise ChildFailedError(f"the evaluation is completed, and the answer was {status!r}")
