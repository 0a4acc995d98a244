"""All columns of a data set ride along, whichever a service is sent and however it answers."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from pydantic import SecretStr

from evals_engine.app import create_app
from evals_engine.config import EngineConfig, ModelEndpoint
from evals_mcp.local_engine.in_process import InProcessTransport
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.service import Service
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.providers.together.service import TOGETHER
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.server.serving import Served, own_provider, served, settings

Lines = Callable[[list[bytes]], list[bytes]]

RULE = {"model": "rule/contains", "system_template": "{{expected}}"}
LABELS = {"type": "classify", "labels": ["good", "bad"], "pass_labels": ["good"]}
ROWS = [
    {"id": f"r{number}", "expected": "yes", "answer": f"yes {number}", "label": number % 3}
    for number in range(12)
]


class Answering:
    """A service that answers result files in its own way."""

    def __init__(self, provider: Provider, lines: Lines) -> None:
        self._provider = provider
        self._lines = lines

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    @asynccontextmanager
    async def dataset_content(self, file_id: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        async with self._provider.dataset_content(file_id) as chunks:
            content = b"".join([chunk async for chunk in chunks])

        async def answer() -> AsyncIterator[bytes]:
            lines = content.splitlines(keepends=True)
            is_result = b"evaluation_successful" in content
            yield b"".join(self._lines(lines) if is_result else lines)

        yield answer()


def in_order(lines: list[bytes]) -> list[bytes]:
    return lines


def permuted(lines: list[bytes]) -> list[bytes]:
    return random.Random(1).sample(lines, len(lines))


def repeated(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines for _ in range(2)]


def dropped(lines: list[bytes]) -> list[bytes]:
    return lines[::2]


def reordered_columns(lines: list[bytes]) -> list[bytes]:
    rows = [json.loads(line) for line in permuted(lines)]
    return [json.dumps(dict(reversed(row.items()))).encode() + b"\n" for row in rows]


@asynccontextmanager
async def local(folder: Path) -> AsyncGenerator[Provider]:
    """The embedded engine."""
    async with own_provider(settings(folder, local={"data_dir": folder / "engine"})) as provider:
        yield provider


def says_good(request: ChatRequest) -> Reply:
    return completion(json.dumps({"feedback": "As read.", "label": "good"}))


@asynccontextmanager
async def together(folder: Path) -> AsyncGenerator[Provider]:
    """A vendor with the judged contract, which judges with models."""
    async with ModelServer(says_good, models=["judge-1"]) as model:
        config = EngineConfig(folder / "vendor", serverless=ModelEndpoint(model.base_url))
        app = create_app(config)
        service = Service(
            "together", "http://engine/v1", SecretStr("key"), "together.base_url", "TOKEN"
        )
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=InProcessTransport(app)) as client,
        ):
            yield TogetherProvider(
                "together",
                RestClient(client, service),
                TOGETHER.capabilities,
                clock=lambda: datetime.now(UTC),
            )


async def judged(server: Served, **arguments: Any) -> str:
    created = await server.answer("create_evaluation", **arguments)
    if confirm := created.get("confirm"):
        created = await server.answer("create_evaluation", **arguments, confirm=confirm)
    evaluation_id = created["evaluation_id"]
    await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
    return evaluation_id


@pytest.mark.parametrize(
    ("service", "lines", "rows"),
    [
        (local, in_order, 12),
        (local, permuted, 12),
        (local, repeated, 24),
        (local, dropped, 6),
        (together, in_order, 12),
        (together, reordered_columns, 12),
    ],
)
async def test_every_row_has_its_own_columns_whatever_a_service_answers(
    service: Any, lines: Lines, rows: int, tmp_path: Path
) -> None:
    async with service(tmp_path) as provider:
        answering = cast("Provider", Answering(provider, lines))
        async with served(answering, configured=settings(tmp_path)) as server:
            file_id = (await server.answer("upload_dataset", rows=ROWS))["file_id"]
            judge = RULE | ({"model": "judge-1"} if service is together else {})
            request = {**LABELS, "input_data_file_path": file_id, "judge": judge}
            evaluation_id = await judged(server, **request, response_column="answer")
            found = await server.answer(
                "read_results", evaluation_id=evaluation_id, show="all", limit=50
            )
            listed = await server.answer("list_datasets")
            shown = await server.answer("get_evaluation", evaluation_id=evaluation_id)
        async with provider.dataset_content(shown["parameters"]["sent_file"]) as chunks:
            sent = b"".join([chunk async for chunk in chunks])

    by_id = {row["id"]: row for row in ROWS}
    assert found["matching"] == rows
    for row in found["rows"]:
        columns = row["columns"]
        original = by_id[columns["id"]]
        assert columns["answer"] == original["answer"]
        assert columns["input_label"] == str(original["label"])
    assert json.loads(sent.splitlines()[0]) == {"expected": "yes", "answer": "yes 0"}
    assert [line["file_id"] for line in listed["datasets"]] == [file_id]
    assert shown["parameters"]["input_data_file_path"] == file_id


async def test_deleting_a_data_set_deletes_what_was_made_from_it(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    async with local(tmp_path) as provider, served(provider, configured=configured) as server:
        file_id = (await server.answer("upload_dataset", rows=ROWS))["file_id"]
        request = {**LABELS, "input_data_file_path": file_id, "judge": RULE}
        first = await judged(server, **request, response_column="answer")
        sampled = await judged(server, **request, response_column="answer", sample=5)
        same = await server.answer(
            "create_evaluation", **request, response_column="answer", sample=5
        )
        whole = await server.answer("get_evaluation", evaluation_id=sampled)
        told = await server.answer("delete_data", id=file_id)
        deleted = await server.answer("delete_data", id=file_id, confirm=True)
        left = await provider.list_datasets()
        rows = await server.answer("read_results", evaluation_id=first, show="all", limit=1)

    assert (same["outcome"], same["evaluation_id"]) == ("exists", sampled)
    assert whole["parameters"]["sample"] == 5
    assert "of 5 answers pass" in whole["summary"]["headline"]
    note = "Only a random sample of the data set was judged: 5 rows (`sample`)."
    assert note in whole["summary"]["notes"]
    assert "with 2 files made from it" in told["what"]
    assert deleted["deleted"]
    assert left == []
    assert rows["notes"] == [
        f"Without 'id', 'input_label': the data set '{file_id}', which has them, was deleted."
    ]


async def test_a_list_in_a_cell_of_text_is_read_where_a_template_loops_over_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "rag.csv").write_text(
        'id,contexts,answer\n1,"[""red"", ""blue""]",red\n2,"[""green""]",red\n'
    )
    loop = "{% for text in contexts %}<{{ text }}>{% endfor %}"
    judge = {"model": "rule/exact-match", "system_template": loop}
    configured = settings(tmp_path)
    async with local(tmp_path) as provider, served(provider, configured=configured) as server:
        file_id = (await server.answer("upload_dataset", path="rag.csv"))["file_id"]
        request = {**LABELS, "input_data_file_path": file_id, "judge": judge}
        request |= {"response_column": "answer"}
        plan = (await server.answer("create_evaluation", **request, dry_run=True))["plan"]
        evaluation_id = await judged(server, **request)
        found = await server.answer("read_results", evaluation_id=evaluation_id, show="all")

    assert plan["first_row"][0]["text"] == "<red><blue>"
    assert plan["notes"][0] == (
        "'contexts' holds lists as JSON texts, and `judge.system_template` loops over it: they "
        "are sent as lists."
    )
    assert plan["columns_carried"] == ["id"]
    assert [row["columns"]["id"] for row in found["rows"]] == ["1", "2"]
    assert found["rows"][1]["columns"]["contexts"] == '["green"]'


async def test_an_upload_that_equals_a_derived_file_is_a_data_set_of_its_own(
    tmp_path: Path,
) -> None:
    configured = settings(tmp_path)
    async with local(tmp_path) as provider, served(provider, configured=configured) as server:
        whole = (await server.answer("upload_dataset", rows=ROWS))["file_id"]
        request = {**LABELS, "judge": RULE, "response_column": "answer"}
        first = await judged(server, **request, input_data_file_path=whole)
        columns = ["expected", "answer"]
        part = await server.answer("upload_dataset", rows=ROWS, columns=columns)
        second = await judged(server, **request, input_data_file_path=part["file_id"])
        shown = await server.answer("get_evaluation", evaluation_id=second)

    assert not part["reused"]
    assert first != second
    assert shown["parameters"]["input_data_file_path"] == part["file_id"]
    assert "sent_file" not in shown["parameters"]
