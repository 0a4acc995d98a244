"""Starts the engine and uses it over its REST API, as any client does."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.child_process import Child, ChildFailedError, child, fresh_settings

ENGINE = (sys.executable, "-m", "evals_mcp.cli", "engine", "--port", "0")
ENDPOINT = (sys.executable, str(Path(__file__).with_name("model_endpoint.py")))

POLL_SECONDS = 0.5
"""Seconds between two reads of the status: few enough reads not to affect the figures."""

LABELS = ("good", "bad")
TEMPLATE = (
    "Is the answer to this question good? Good answers agree with the reference.\n"
    "Question: {{ question }}\nReference: {{ expected }}"
)
"""The system template of the judge."""

DEADLINE = 1800.0
"""Seconds after which a run counts as stuck."""


@contextmanager
def model_endpoint(latency_ms: float) -> Generator[str]:
    """Run a model that answers after a fixed time; yield its base URL."""
    with child([*ENDPOINT, "--latency-ms", str(latency_ms)]) as endpoint:
        yield f"http://127.0.0.1:{int(endpoint.receive())}/v1"


class Engine:
    """A running engine."""

    def __init__(self, process: Child, client: httpx2.Client) -> None:
        self.process = process
        self.client = client

    @property
    def pid(self) -> int:
        """The engine's process id."""
        return self.process.pid

    def upload(self, rows: int) -> str:
        """Upload a data set of this many rows and return its id."""
        lines = (json.dumps(row(number)) + "\n" for number in range(rows))
        form = {"file_name": "rows.jsonl", "purpose": "eval", "file_type": "jsonl"}
        files = {"file": ("rows.jsonl", "".join(lines).encode())}
        return self.answer("POST", "/files/upload", data=form, files=files)["id"]

    def classify(self, file_id: str, model: str, template: str, workers: int) -> str:
        """Create an evaluation that labels a column of ready answers, and return its id."""
        judge = {
            "model": model,
            "model_source": "serverless",
            "system_template": template,
            "num_workers": workers,
        }
        parameters = {
            "judge": judge,
            "input_data_file_path": file_id,
            "labels": list(LABELS),
            "pass_labels": ["good"],
            "model_to_evaluate": "answer",
        }
        body = {"type": "classify", "parameters": parameters}
        return self.answer("POST", "/evaluation", json=body)["workflow_id"]

    def wait(self, evaluation: str, look: Callable[[], None] | None = None) -> dict[str, Any]:
        """Wait for an evaluation and return it; `look` is called at each read of the status.

        Raises:
            ChildFailedError: the evaluation did not complete, or a row has no verdict.
        """
        deadline = time.monotonic() + DEADLINE
        while self.answer("GET", f"/evaluation/{evaluation}/status")["status"] in UNFINISHED:
            if time.monotonic() > deadline:
                raise ChildFailedError(f"{evaluation} is still running after {DEADLINE:.0f} s")
            if look is not None:
                look()
            time.sleep(POLL_SECONDS)
        job = self.answer("GET", f"/evaluation/{evaluation}")
        if job["status"] != "completed":
            raise ChildFailedError(f"{evaluation} ended as {job['status']}: {job['results']}")
        return job

    def answer(self, method: str, path: str, **request: Any) -> Any:
        """Return the JSON body of a successful answer.

        Raises:
            ChildFailedError: the engine gave an error or no answer.
        """
        try:
            response = self.client.request(method, path, **request)
        except httpx2.HTTPError as error:
            raise self.process.failure(f"did not answer {method} {path} ({error!r})") from error
        if response.is_error:
            raise ChildFailedError(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json()


UNFINISHED = frozenset({"pending", "queued", "running"})


def row(number: int) -> dict[str, str]:
    """Return a row as long as a short question with its answer; each number gives another row."""
    return {
        "question": f"What does the station show when sensor {number} has been silent for an hour?",
        "expected": f"no signal from sensor {number}",
        "answer": f"no signal from sensor {number if number % 3 else number + 1}",
    }


def running_seconds(job: dict[str, Any]) -> float:
    """Return the seconds from `running` to `completed` in the status changes of an evaluation."""
    updates = job["status_updates"]
    times = {update["status"]: datetime.fromisoformat(update["timestamp"]) for update in updates}
    return (times["completed"] - times["running"]).total_seconds()


@contextmanager
def engine(base_url: str | None = None) -> Generator[Engine]:
    """Run a new engine whose serverless models are at the base URL; None configures no models."""
    with fresh_settings() as settings:
        if base_url is not None:
            settings["EVALS_MCP_LOCAL__MODELS__BASE_URL"] = base_url
        with child(ENGINE, settings, stops_at_eof=False) as process:
            line = process.receive()
            address = re.search(r"http://127\.0\.0\.1:\d+/v1", line)
            if address is None:
                raise ChildFailedError(f"the engine's first line has no address: {line!r}")
            with httpx2.Client(base_url=address[0], timeout=300) as client:
                yield Engine(process, client)
