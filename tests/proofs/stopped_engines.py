"""Real engines that stop when decided: with delays by verdict, and killed in the middle."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio import to_thread

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.runs.evaluation_types import typed_parameters
from evals_engine.runs.stopping.course import Course
from evals_engine.store.records import FinishedRow
from evals_schemas.evaluation_types import COMPARE
from evals_schemas.sequential.seeded_order import seeded_order
from evals_schemas.sequential.stop_when import EngineStopWhen
from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.engine.running import EngineClient, running_engine
from tests.journeys.served import served_engine

ROWS = 200
WORKERS = 64
FASTER, SLOWER = 0.002, 0.02
"""Seconds of a row that B wins, and of one that A wins."""

_JUDGE = {"model": "judge-1", "model_source": "serverless", "system_template": "Better? {{ id }}"}


def _number(request: ChatRequest) -> int:
    return int(request.system.split("Better? ")[1].split()[0])


def judged(choices: Mapping[int, str], called: Callable[[], None] = lambda: None) -> Any:
    """Return a judge that answers rows that B wins faster."""

    def answer(request: ChatRequest) -> Reply:
        called()
        choice = choices[_number(request)]
        return verdict(feedback="", choice=choice, delay=FASTER if choice == "B" else SLOWER)

    return answer


async def false_decisions(folder: Path, runs: int) -> int:
    """Return how many runs of an engine without a difference are decided."""
    numbers, false = random.Random("engine"), 0
    choices: dict[int, str] = {}
    async with ModelServer(judged(choices)) as server:
        config = EngineConfig(data_dir=folder, serverless=ModelEndpoint(server.base_url))
        async with running_engine(config) as engine:
            file_id = await _upload(engine)
            for seed in range(runs):
                choices.update({row: numbers.choice(["A", "B", "Tie"]) for row in range(ROWS)})
                job = await engine.finished(await _create(engine, file_id, seed), seconds=120)
                assert job["status"] == "completed", job
                evidence = job["results"]["sequential"]
                false += evidence["decision"] in {"a_better", "b_better"}
    return false


async def kept_evidence(folder: Path, kills: int) -> int:
    """Return how many of so many killed engines have stored the evidence of their finished rows.

    Each evaluation is finished by a second process, which must find no other evidence.
    """
    numbers = random.Random("kills")
    return sum([await _killed(folder / str(number), numbers) for number in range(kills)])


async def _killed(folder: Path, numbers: random.Random) -> bool:
    folder.mkdir(parents=True)
    choices = {row: numbers.choice(["A", "B", "Tie"]) for row in range(ROWS)}
    counted = _evidence_of([_row(row, choices) for row in range(ROWS)], has_ended=True)
    # A run that is decided makes no further call, so the kill comes before.
    enough = min(numbers.randrange(20, ROWS - 20), counted.get("decided_at_row", ROWS))
    calls, reached = 0, anyio.Event()

    def called() -> None:
        nonlocal calls
        calls += 1
        if calls >= enough:
            reached.set()

    async with ModelServer(judged(choices, called)) as server:
        settings = {"LOCAL__MODELS__BASE_URL": server.base_url, "LOCAL__LEASE_SECONDS": "1"}
        async with served_engine(folder, **settings) as engine, _client(engine.url) as http:
            client = EngineClient(http)
            created = await _create(client, await _upload(client), seed=3, workers=8)
            with anyio.fail_after(60):
                await reached.wait()
            await to_thread.run_sync(engine.kill)
        stored, ledger = await to_thread.run_sync(_stored, folder / "evals.sqlite3")
        again = _evidence_of(ledger)
        async with served_engine(folder, **settings) as engine, _client(engine.url) as http:
            job = await EngineClient(http).finished(created, seconds=120)
    ended = job["results"]["sequential"]
    decided = ended["decision"] not in {"undecided", counted["decision"]}
    return stored == again and (decided or ended["e"] == counted["e"])


def _evidence_of(rows: list[FinishedRow], *, has_ended: bool = False) -> dict[str, Any]:
    """Return the evidence of rows, as a process that has just started finds it."""
    parameters = {"judge": _JUDGE, "input_data_file_path": "file-1", **_SIDES}
    values = typed_parameters(COMPARE, parameters).row_values()
    course = Course(EngineStopWhen(decided=True, seed=3), seeded_order(3, ROWS), values)
    course.resume(rows, None)
    course.look()
    return course.record(has_ended=has_ended).model_dump(mode="json", exclude_none=True)


def _row(number: int, choices: Mapping[int, str]) -> FinishedRow:
    return FinishedRow(number, "ok", json.dumps({"final_decision": choices[number]}))


def _stored(path: Path) -> tuple[dict[str, Any], list[FinishedRow]]:
    with closing(sqlite3.connect(path)) as database:
        (text,) = database.execute("SELECT sequential FROM evaluations").fetchone()
        rows = database.execute("SELECT row_number, state, outcome FROM row_ledger").fetchall()
    return json.loads(text), [FinishedRow(*row) for row in rows]


_SIDES = {"model_a": "a", "model_b": "b", "disable_position_bias_correction": True}


def _client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False)


async def _upload(engine: EngineClient) -> str:
    return await engine.upload({"id": row, "a": "x", "b": "y"} for row in range(ROWS))


async def _create(engine: EngineClient, file_id: str, seed: int, workers: int = WORKERS) -> str:
    judge = _JUDGE | {"num_workers": workers}
    body = {
        "type": COMPARE,
        "stop_when": {"decided": True, "seed": seed},
        "parameters": {"judge": judge, "input_data_file_path": file_id, **_SIDES},
    }
    answer = await engine.http.post("/evaluation", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["workflow_id"]
