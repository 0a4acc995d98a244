"""Killed and stopped engines: no row is lost, and few are judged again.

python -m tests.proofs.killed_runs [kills]

Each run is ended at a random point, by `kill -9` on a healthy disk, on a full one or while another
process holds the database locked, or by SIGTERM. A second process finishes it.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx2
from anyio import to_thread

from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.running import MODEL_JUDGE, EngineClient
from tests.journeys.served import ServedEngine, served_engine

KILLS = 100
SHOWN_EVERY = 20
"""Runs after which the table is printed again."""

ROWS = 120
WORKERS = 8
CALL_SECONDS = 0.02
STUCK_SECONDS = 10 * CALL_SECONDS
"""Seconds before a kill, in which every worker finishes a row that cannot be stored."""
GOOD = json.dumps({"feedback": "", "label": "good"})


class Calls:
    """A judge that counts how often each row is judged, and says when enough were."""

    def __init__(self, enough: int) -> None:
        self.by_row: Counter[str] = Counter()
        self.reached = anyio.Event()
        self._enough = enough

    def __call__(self, request: ChatRequest) -> Reply:
        self.by_row[str(request.user)] += 1
        if self.by_row.total() >= self._enough:
            self.reached.set()
        return completion(GOOD, delay=CALL_SECONDS)


@dataclass
class Totals:
    """What the runs of one ending have led to."""

    runs: int = 0
    lost: int = 0
    repeated: list[int] = field(default_factory=list[int])
    """Rows that were judged again, by run."""


async def main(kills: int) -> dict[str, Totals]:
    """End so many runs, print the table, and return its lines.

    Raises:
        AssertionError: a row was lost, or more were repeated than the documents promise.
    """
    draw = random.Random(7)
    totals: dict[str, Totals] = defaultdict(Totals)
    endings = list(ENDINGS)
    for number in range(kills):
        ending = endings[number % len(endings)]
        with tempfile.TemporaryDirectory(prefix="evals-mcp-killed-") as folder:
            lost, repeated = await _ended_run(Path(folder), ending, draw.randrange(1, ROWS))
        line = totals[ending]
        line.runs += 1
        line.lost += lost
        line.repeated.append(repeated)
        if (number + 1) % SHOWN_EVERY == 0 or number + 1 == kills:
            _print(totals)
    assert all(line.lost == 0 for line in totals.values()), "rows were lost"
    most = {ending: max(line.repeated) for ending, line in totals.items()}
    assert all(count <= 2 * WORKERS for count in most.values()), most
    assert most.get("SIGTERM", 0) == 0, "a stop repeated rows"
    return dict(totals)


async def _ended_run(folder: Path, ending: str, enough: int) -> tuple[int, int]:
    """Run one evaluation whose process ends; return the rows lost and the rows repeated."""
    calls = Calls(enough)
    async with ModelServer(calls) as judge:
        settings = {"LOCAL__MODELS__BASE_URL": judge.base_url, "LOCAL__LEASE_SECONDS": "1"}
        async with served_engine(folder, **settings) as engine, _client(engine) as http:
            created = await _create(EngineClient(http))
            with anyio.fail_after(60):
                await calls.reached.wait()
            await ENDINGS[ending](engine, folder)
        async with served_engine(folder, **settings) as engine, _client(engine) as http:
            client = EngineClient(http)
            job = await client.finished(created, seconds=120)
            rows = await client.result_rows(job)
    assert job["status"] == "completed", job
    judged = {row["answer"] for row in rows}
    return ROWS - len(judged), calls.by_row.total() - len(calls.by_row)


def _client(engine: ServedEngine) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=engine.url, timeout=60, trust_env=False)


async def _create(engine: EngineClient) -> str:
    rows = [{"expected": f"e{number}", "answer": f"answer {number}"} for number in range(ROWS)]
    return await engine.create(
        "classify",
        judge=MODEL_JUDGE | {"num_workers": WORKERS},
        input_data_file_path=await engine.upload(rows),
        model_to_evaluate="answer",
        labels=["good", "bad"],
        pass_labels=["good"],
    )


async def _stop(engine: ServedEngine, _: Path) -> None:
    engine.process.send_signal(signal.SIGTERM)
    await to_thread.run_sync(engine.process.wait, 60)


async def _kill(engine: ServedEngine, _: Path) -> None:
    await to_thread.run_sync(engine.kill)


async def _kill_while_full(engine: ServedEngine, folder: Path) -> None:
    import resource  # noqa: PLC0415 - not on Windows

    # The system refuses every further byte in a file of this process.
    resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    await anyio.sleep(STUCK_SECONDS)
    await _kill(engine, folder)


async def _kill_while_locked(engine: ServedEngine, folder: Path) -> None:
    with _locked(folder / "evals.sqlite3"):
        await anyio.sleep(STUCK_SECONDS)
        await _kill(engine, folder)


@contextmanager
def _locked(database: Path) -> Generator[None]:
    """Hold the database as another process does that writes for long."""
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


ENDINGS: Mapping[str, Callable[[ServedEngine, Path], Awaitable[None]]] = {
    "kill -9": _kill,
    "kill -9, disk full": _kill_while_full,
    "kill -9, database locked": _kill_while_locked,
    "SIGTERM": _stop,
}
"""Ends a process and its run, by the name of the line in the table."""


def _print(totals: dict[str, Totals]) -> None:
    print(f"{ROWS} rows, {WORKERS} workers, calls of {CALL_SECONDS * 1000:.0f} ms")
    print(f"{'ended by':26} {'runs':>5} {'rows lost':>10} {'repeated: mean':>15} {'most':>5}")
    for ending, line in totals.items():
        mean = sum(line.repeated) / line.runs
        print(f"{ending:26} {line.runs:5} {line.lost:10} {mean:15.1f} {max(line.repeated):5}")


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else KILLS)
