"""Paid rows stay reachable: however a run ends, the rows that were judged have a result file."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.runs import row_queue, run
from evals_engine.runs.run import MAX_CLAIMS
from evals_engine.store.database import StorageError
from evals_engine.store.ledger import Ledger
from evals_schemas.datasets.reader import DatasetError, Kind, Row, read_rows
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient, running_engine

ROWS = [{"expected": f"e{n}", "answer": f"e{n}"} for n in range(40)]


async def create(
    engine: EngineClient,
    judge: Mapping[str, Any] = RULE_JUDGE,
    model_to_evaluate: str | Mapping[str, Any] = "answer",
) -> str:
    return await engine.create(
        "classify",
        judge=dict(judge),
        input_data_file_path=await engine.upload(ROWS),
        model_to_evaluate=model_to_evaluate,
        labels=["good", "bad"],
        pass_labels=["good"],
    )


class Calls:
    """A judge that counts how often each row is judged."""

    def __init__(self, delay: float = 0.005) -> None:
        self.by_row: Counter[str] = Counter()
        self.delay = delay

    def __call__(self, request: ChatRequest) -> Reply:
        self.by_row[str(request.user)] += 1
        return completion('{"feedback": "", "label": "good"}', delay=self.delay)


def config_for(tmp_path: Path, server: ModelServer, **changes: Any) -> EngineConfig:
    return EngineConfig(
        tmp_path, serverless=ModelEndpoint(server.base_url), max_retries=0, **changes
    )


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), DatasetError("not JSON")])
async def test_a_read_error_ends_the_run_with_the_rows_that_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(stream: Any, kind: Kind) -> Iterator[Row]:
        for number, row in enumerate(read_rows(stream, kind)):
            if number == 30:
                raise error
            yield row

    async with running_engine(tmp_path) as engine:
        monkeypatch.setattr(row_queue, "read_rows", failing)
        monkeypatch.setattr(run, "read_rows", failing)
        job = await engine.finished(await create(engine, RULE_JUDGE | {"num_workers": 4}))
        judged = await engine.result_rows(job)
    assert job["status"] == "error"
    assert job["results"]["error"].startswith("The data set cannot be read any further: ")
    assert f"The results of {len(judged)} of 40 rows are kept." in job["results"]["error"]
    assert job["results"]["label_counts"]["good"] == len(judged)
    assert all(row["answer"] == row["expected"] for row in judged)


async def test_rows_whose_columns_can_no_longer_be_read_keep_their_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(stream: Any, kind: Kind) -> Iterator[Row]:
        for number, row in enumerate(read_rows(stream, kind)):
            if number == 10:
                raise OSError(5, "Input/output error")
            yield row

    async with running_engine(tmp_path) as engine:
        monkeypatch.setattr(run, "read_rows", failing)
        job = await engine.finished(await create(engine))
        judged = await engine.result_rows(job)
    assert job["status"] == "completed"
    assert len(judged) == 40
    assert [row.get("answer") for row in judged[:11]] == [f"e{n}" for n in range(10)] + [None]
    assert all(row["label"] == "good" for row in judged)


async def test_a_bug_in_the_middle_of_a_run_keeps_the_rows_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rows = Ledger.add_rows
    stored: list[int] = []

    def add(ledger: Ledger, *arguments: Any) -> bool:
        if len(stored) >= 10:
            raise ZeroDivisionError
        stored.extend(row.row_number for row in arguments[2])
        return add_rows(ledger, *arguments)

    monkeypatch.setattr(Ledger, "add_rows", add)
    async with running_engine(tmp_path) as engine:
        job = await engine.finished(await create(engine, RULE_JUDGE | {"num_workers": 4}))
        judged = await engine.result_rows(job)
    assert job["status"] == "error"
    assert job["results"]["error"].startswith("Internal error of the engine, not of the request")
    assert len(judged) == len(stored) >= 10


def set_claims(folder: Path, evaluation_id: str, claims: int) -> None:
    with closing(sqlite3.connect(next(folder.glob("*.sqlite3")))) as database, database:
        database.execute("UPDATE evaluations SET claims = ? WHERE id = ?", (claims, evaluation_id))


async def test_an_evaluation_whose_processes_die_is_claimed_three_times_and_keeps_its_rows(
    tmp_path: Path,
) -> None:
    async with ModelServer(Calls(delay=0.05)) as server:
        config = config_for(tmp_path, server)
        async with running_engine(config) as engine:
            created = await create(engine, MODEL_JUDGE | {"num_workers": 2})
            await engine.until(created, lambda job: job["progress"]["done"] >= 5)
        set_claims(tmp_path, created, MAX_CLAIMS)
        async with running_engine(config) as engine:
            job = await engine.finished(created)
            judged = await engine.result_rows(job)
    assert job["status"] == "error"
    assert "has ended 3 times before the evaluation did" in job["results"]["error"]
    assert 5 <= len(judged) < 40


async def test_stops_in_good_order_are_not_counted_as_deaths(tmp_path: Path) -> None:
    calls = Calls(delay=0.02)
    async with ModelServer(calls) as server:
        config = config_for(tmp_path, server)
        async with running_engine(config) as engine:
            created = await create(engine, MODEL_JUDGE | {"num_workers": 1})
        for done in range(1, MAX_CLAIMS + 3):
            async with running_engine(config) as engine:
                await engine.until(
                    created, lambda job, done=done: job["progress"]["done"] >= 2 * done
                )
        async with running_engine(config) as engine:
            job = await engine.finished(created)
    assert job["status"] == "completed"
    assert calls.by_row.total() == len(calls.by_row) == 40


async def test_no_more_rows_wait_for_the_disk_than_there_are_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(delay=0)

    def full(*_: Any) -> bool:
        raise StorageError("database or disk is full")

    monkeypatch.setattr(Ledger, "add_rows", full)
    async with ModelServer(calls) as server, running_engine(config_for(tmp_path, server)) as engine:
        created = await create(engine, MODEL_JUDGE | {"num_workers": 5})
        with anyio.fail_after(60):
            while calls.by_row.total() < 10:
                await engine.http.get(f"/evaluation/{created}/status")
        for _ in range(20):
            status = (await engine.http.get(f"/evaluation/{created}/status")).json()
            assert status["progress"]["done"] == 0
        assert calls.by_row.total() == 10, "5 rows wait, and each of 5 workers holds one"


async def test_a_rule_judge_adds_no_rows_to_those_that_wait_behind_a_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(delay=0)

    def full(*_: Any) -> bool:
        raise StorageError("database or disk is full")

    monkeypatch.setattr(Ledger, "add_rows", full)
    candidate = MODEL_JUDGE | {"num_workers": 5, "input_template": "{{answer}}"}
    async with ModelServer(calls) as server, running_engine(config_for(tmp_path, server)) as engine:
        created = await create(engine, RULE_JUDGE, model_to_evaluate=candidate)
        with anyio.fail_after(60):
            while calls.by_row.total() < 10:
                await engine.http.get(f"/evaluation/{created}/status")
        for _ in range(20):
            await engine.http.get(f"/evaluation/{created}/status")
        assert calls.by_row.total() == 10, "5 rows wait, and each of 5 workers holds one"


async def test_the_last_rows_wait_for_the_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rows = Ledger.add_rows
    refused: list[int] = []

    def add(ledger: Ledger, *arguments: Any) -> bool:
        if any(row.row_number == 39 for row in arguments[2]) and len(refused) < 2:
            refused.append(1)
            raise StorageError("database is locked")
        return add_rows(ledger, *arguments)

    monkeypatch.setattr(Ledger, "add_rows", add)
    calls = Calls()
    async with ModelServer(calls) as server, running_engine(config_for(tmp_path, server)) as engine:
        job = await engine.finished(await create(engine, MODEL_JUDGE))
    assert job["status"] == "completed"
    assert len(refused) == 2
    assert calls.by_row.total() == 40


async def test_a_stop_starts_no_call_that_could_not_be_kept(tmp_path: Path) -> None:
    calls = Calls(delay=0.05)
    async with ModelServer(calls) as server:
        config = config_for(tmp_path, server)
        async with running_engine(config) as engine:
            created = await create(engine, MODEL_JUDGE | {"num_workers": 8})
            await engine.until(created, lambda job: job["progress"]["done"] >= 8)
        started = calls.by_row.total()
        async with running_engine(config, serverless=None) as engine:
            done = (await engine.http.get(f"/evaluation/{created}")).json()["progress"]["done"]
    assert done == started, "a call was made whose row was not stored"
