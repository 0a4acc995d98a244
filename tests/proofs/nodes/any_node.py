"""Each step of an evaluation at another process, the first of which is dead by then."""

from __future__ import annotations

import time
from typing import Any

import anyio
import httpx2

from tests.engine.running import EngineClient
from tests.journeys.served import served_engine
from tests.journeys.test_nodes import assert_ranges
from tests.proofs.nodes.checks import CALLS, ended
from tests.proofs.nodes.finding import Finding
from tests.proofs.nodes.machines import JUDGE, Machines, data_set, machines, parameters

SENDS = 8
"""How often the same create is sent, to two processes in turn."""


async def any_node(rows: int) -> Finding:
    """Upload at A, create at B and D at once, status at C, the file by ranges at D."""
    async with machines(1) as each:
        settings = {
            "LOCAL__DATABASE_URL": each.postgres.url,
            "LOCAL__MODELS__BASE_URL": each.endpoint.base_url,
        }
        replica = (each.folder, "--no-runs")
        async with served_engine(*replica, **settings) as upload_at:
            async with httpx2.AsyncClient(base_url=upload_at.url, timeout=60) as http:
                file = await EngineClient(http).upload(data_set(rows, JUDGE, "answer"))
            upload_at.kill()
        async with (
            served_engine(*replica, **settings) as second,
            served_engine(*replica, **settings) as fourth,
            httpx2.AsyncClient(base_url=second.url, timeout=60) as create_at,
            httpx2.AsyncClient(base_url=fourth.url, timeout=60) as read_at,
        ):
            since = time.monotonic()
            evaluation = await _created_once(file, [create_at, read_at])
            finding = await ended(each, evaluation, "each step at another process", since)
            await _read_by_ranges(each, evaluation, read_at)
        finding.detail = f"the first is dead; {SENDS} creates with one key at two: 1 evaluation"
        return finding.check(0)


async def _created_once(file: str, nodes: list[httpx2.AsyncClient]) -> str:
    """Send one create with one key to several processes at once; return the only evaluation."""
    fields = parameters(file, JUDGE | {"num_workers": CALLS}, "answer")
    body = {"type": "classify", "parameters": fields}
    created = set[str]()

    async def send(node: httpx2.AsyncClient) -> None:
        answer = await node.post("/evaluation", json=body, headers={"Idempotency-Key": "the key"})
        assert answer.status_code == 200, answer.text
        created.add(answer.json()["workflow_id"])

    async with anyio.create_task_group() as tasks:
        for number in range(SENDS):
            tasks.start_soon(send, nodes[number % len(nodes)])
    listed: list[dict[str, Any]] = (await nodes[0].get("/evaluation")).json()
    assert {job["workflow_id"] for job in listed} == created
    (evaluation,) = created
    return evaluation


async def _read_by_ranges(each: Machines, evaluation: str, node: httpx2.AsyncClient) -> None:
    job = (await each.client.http.get(f"/evaluation/{evaluation}")).json()
    path = f"/files/{job['results']['result_file_id']}/content"
    await assert_ranges(EngineClient(node), path, (await node.get(path)).content)
