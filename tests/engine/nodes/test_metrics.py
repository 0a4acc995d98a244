"""The metrics of several nodes, as a replica without a share in the work reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from evals_engine.config import EngineConfig
from evals_engine.nodes import database as database_module
from evals_engine.nodes.migrate import migrate
from tests.engine.http.test_owners import PARAMETERS
from tests.engine.nodes.shard_tables import finished, query, shards_of, started
from tests.engine.running import running_engine
from tests.engine.scraped import scraped
from tests.postgres import FAST, PostgresServer

ROWS = [{"expected": "a", "answer": "a"}, {"expected": "a", "answer": "b"}]

SILENT_HOLDER = """
UPDATE shards SET beat = now() - interval '7 seconds' WHERE number = 1 RETURNING 1
"""
OLD_TICKETS = """
UPDATE procrastinate_events SET at = now() - interval '90 seconds' RETURNING 1
"""
NODES = """
INSERT INTO nodes (id, version, beat, stopping) VALUES ('a', '1', now(), false),
    ('b', '1', now(), true), ('c', '1', now() - interval '31 seconds', true) RETURNING 1
"""
ENDPOINTS = """
INSERT INTO endpoint_rates (endpoint, tokens, paused_until) VALUES
    ('https://a.example/v1', 0, now() + interval '1 hour'),
    ('https://b.example/v1', 0, now() - interval '1 hour'),
    ('https://c.example/v1', 0, NULL) RETURNING 1
"""


def node_config(url: str, *, runs: bool = False) -> EngineConfig:
    return EngineConfig(Path("unused"), database_url=SecretStr(url), runs_evaluations=runs)


async def test_a_replica_counts_what_waits_and_what_others_have_judged(database_url: str) -> None:
    async with running_engine(node_config(database_url)) as replica:
        file = await replica.upload(ROWS)
        create = {**PARAMETERS, "input_data_file_path": file}
        evaluation = await replica.create("classify", **create)
        waiting = await scraped(replica.http)
        async with running_engine(node_config(database_url, runs=True)):
            await replica.finished(evaluation)
        ended = await scraped(replica.http)
        await replica.http.delete(f"/evaluation/{evaluation}")
        deleted = await scraped(replica.http)
    assert waiting["evals_evaluations", "pending"] == 1
    assert waiting["evals_tickets_queued", ""] == 1
    assert waiting["evals_shards", "queued"] == 1
    assert waiting["evals_rows_done_total", ""] == 0
    assert waiting["evals_nodes", "alive"] == 0
    assert ended["evals_evaluations", "pending"] == ended["evals_tickets_queued", ""] == 0
    assert ended["evals_tickets_oldest_seconds", ""] == 0
    assert ended["evals_rows_done_total", ""] == deleted["evals_rows_done_total", ""] == 2


async def test_rows_of_unfinished_evaluations_and_silent_holders_are_seen(
    database_url: str,
) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [3, 3, 3], [1, 1])
        first, second = shards.begin(key, 0), shards.begin(key, 1)
        assert first is not None
        assert second is not None
        shards.add_rows(first, [*finished(0, 1), *finished(2, state="failed")])
    for statement in (SILENT_HOLDER, OLD_TICKETS, NODES, ENDPOINTS):
        query(database_url, statement)
    async with running_engine(node_config(database_url)) as replica:
        samples = await scraped(replica.http)
    pauses = {place: value for (name, place), value in samples.items() if "pause" in name}
    assert 3500 < pauses.pop("https://a.example/v1") <= 3600
    assert pauses == {"https://b.example/v1": 0, "https://c.example/v1": 0}
    assert samples["evals_tickets_oldest_seconds", ""] >= 90
    del samples["evals_tickets_oldest_seconds", ""]
    assert {
        ("evals_rows_done_total", ""): 3,
        ("evals_rows_failed_total", ""): 1,
        ("evals_leases", "held"): 1,
        ("evals_leases", "silent"): 1,
        ("evals_shards", "todo"): 2,  # the third of the rows, and the conclusion
        ("evals_shards", "queued"): 0,
        ("evals_shards", "doing"): 2,
        ("evals_shards", "done"): 1,  # the preparation
        ("evals_nodes", "alive"): 1,
        ("evals_nodes", "stopping"): 1,
        ("evals_nodes", "silent"): 1,
    }.items() <= samples.items()


async def test_while_the_database_is_away_a_scrape_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "POOL_SECONDS", 0.5)
    server = PostgresServer(**FAST)
    try:
        migrate(server.start().url)
        async with running_engine(node_config(server.url)) as replica:
            assert (await scraped(replica.http))["evals_database_up", ""] == 1
            server.kill()
            away = await scraped(replica.http)
            assert away["evals_database_up", ""] == 0
            assert {name for name, _ in away} == {"evals_build_info", "evals_database_up"}
            server.start()
    finally:
        server.stop()
