"""What the judge said of a row that waits is in no answer, resource, file, page or log."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.http.serving import listening
from tests.server.serving import Served, served, settings
from tests.server.views.test_report import job

TOTAL = 60
CLASSIFY, OTHER, SCORE = "eval-1", "eval-2", "eval-3"
IDS = (CLASSIFY, OTHER, SCORE)
PLANTED = re.compile(r"planted-(?:reason|raw)-(\d+)-|\b[13]\.(\d{3})7\b")
"""What the judge said of each row: a reason, its whole text, and a score of this row alone."""


def row(n: int, kind: str, number: int) -> dict[str, Any]:
    """Return a row of one evaluation; `key` is of it alone, but for the last two."""
    passes = (n + number) % 3 > 0
    verdict = {"score": float(f"{3 if passes else 1}.{n:03}7")}
    if kind == "classify":
        verdict = {"label": "good" if passes else "bad"}
    return {
        "question": f"How much is {n}?",
        "key": f"key {min(n, TOTAL - 1)}",
        "answer": f"It is {n}." if number != 2 else f"That is {n}.",
        "feedback": f"planted-reason-{n}-",
        "judge_raw_output": f"planted-raw-{n}-",
        **verdict,
    }


def kept_rows(number: int) -> list[dict[str, Any]]:
    kind = "score" if number == 3 else "classify"
    return [row(n, kind, number) for n in range(1, TOTAL + 1)]


def jobs() -> list[EvaluationJob]:
    data = {"input_data_file_path": "file-0"}
    scale = {"min_score": 0, "max_score": 4, "pass_threshold": 2, "model_to_evaluate": "answer"}
    judge = {"model": "org/judge", "system_template": "Is it right?"}
    classified = {**job().parameters, **data, "judge": judge}
    return [
        job(1, parameters=classified, created_at="2026-11-20T12:00:00Z"),
        job(2, parameters=classified, created_at="2026-11-20T12:00:00Z"),
        job(
            3,
            "score",
            parameters={**data, "judge": judge, **scale},
            created_at="2026-11-20T12:00:00Z",
        ),
    ]


def contents() -> dict[str, bytes]:
    """Return the result files, and the data set that they are all of."""
    data = [{name: each[name] for name in ("question", "key", "answer")} for each in kept_rows(1)]
    files = {f"file-{number}": jsonl(*kept_rows(number)) for number in (1, 2, 3)}
    return {"file-0": jsonl(*data), **files}


def service_app() -> Starlette:
    """Return a service that has these evaluations and takes nothing."""
    by_id = {each.workflow_id: each.model_dump(mode="json") for each in jobs()}
    files = contents()

    async def every(_: Request) -> Response:
        return JSONResponse(list(by_id.values()))

    async def one(request: Request) -> Response:
        found = by_id.get(request.path_params["id"])
        return JSONResponse(found or {}, 200 if found else 404)

    async def content(request: Request) -> Response:
        return Response(files[request.path_params["id"]])

    async def nothing(request: Request) -> Response:
        is_list = request.url.path == "/v1/files"
        return Response('{"object": "list", "data": []}' if is_list else "[]")

    return Starlette(
        routes=[
            Route("/v1/evaluation", every),
            Route("/v1/evaluation/model-list", nothing),
            Route("/v1/evaluation/{id}", one),
            Route("/v1/files/{id}/content", content),
            Route("/{rest:path}", nothing),
        ]
    )


@asynccontextmanager
async def real_process(folder: Path) -> AsyncGenerator[Served]:
    """Run the command as a client does, with debug logs, which are in `stderr`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    async with listening(service_app()) as place:
        chosen = {
            "SERVER__PROVIDER": "together",
            "SERVER__LOG_LEVEL": "debug",
            "TOGETHER__BASE_URL": f"{place}/v1",
            "TOGETHER__TOKEN": "a-token",
            "STATE__FOLDER": str(folder / "state"),
            "LOCAL__DATA_DIR": str(folder / "engine"),
            "RESULTS__CACHE_DIR": str(folder / "results"),
            "EXPORT__FOLDER": str(folder / "exports"),
            "BUDGET__KEY_FILE": str(folder / "confirm.key"),
        }
        own |= {f"EVALS_MCP_{name}": value for name, value in chosen.items()}
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "evals_mcp.cli"], env=own, cwd=folder
        )
        with (folder / "stderr").open("w", encoding="utf-8") as log, anyio.fail_after(300):
            async with Client(stdio_client(command, errlog=log)) as client:
                yield Served(client)


Call = tuple[str, dict[str, Any]]


def calls(waiting: int, key: str) -> Iterator[Call]:
    """Yield calls of every tool that may show something of a row, right ones and wrong ones."""
    one = {"evaluation_id": CLASSIFY}
    for show in ("failing", "misjudged", "disagreements"):
        yield "read_results", {**one, "show": show, "limit": 50, "max_chars": 4_000}
    for filters in (
        {"text": key},
        {"text": f"planted-reason-{waiting}-"},
        {"text": f"How much is {waiting}?", "show": "passing"},
        {"label": "good", "show": "all", "sample_seed": 1},
        {"label": "perhaps"},
        {"columns": ["feedback", "judge_raw_output", "label"], "show": "all", "limit": 50},
    ):
        yield "read_results", {**one, **filters}
    for by in ("key", "label", "feedback", "none"):
        yield "get_evaluation", {**one, "by": by}
    yield "get_evaluation", {**one, "cluster_column": "key"}
    yield "get_evaluation", {**one, "human_column": "feedback", "labels_are": "people"}
    yield "get_evaluation", {**one, "labels_are": "no_labels"}
    yield "get_status", one
    yield "label_rows", {**one, "label": "good"}
    yield "mark_row", {**one, "mark": {"row": waiting, "opinion": "wrong"}}
    yield "mark_row", {**one, "label": {"position": 1, "value": "good"}, "ticket": "A" * 27}
    for name in ("csv", "markdown", "html"):
        yield "export_results", {**one, "format": name}
    yield "page_data", {"view": "evaluation", **one, "options": {"by": "feedback"}}
    for query in ({"sample_rows": TOTAL}, {"show": "all", "text": key}):
        yield "page_data", {"view": "rows", **one, "options": {"query": query}}
    score = {"evaluation_id": SCORE}
    yield "read_results", {**score, "min_score": 1.0, "max_score": 3.9, "sort": "score_asc"}
    yield "get_evaluation", {**score, "by": "score"}
    two = {"evaluation_id_a": CLASSIFY, "evaluation_id_b": OTHER}
    yield "compare_evaluations", {**two, "by": "key"}
    flips = {"view": "flips", "evaluation_id": CLASSIFY, "against": OTHER}
    yield "page_data", {**flips, "options": {"query": {"text": "planted"}}}


def rows_shown(evaluation_ids: Sequence[str]) -> Iterator[Call]:
    """Yield calls that show rows with what the judge said, unless they wait."""
    for evaluation_id in evaluation_ids:
        one = {"evaluation_id": evaluation_id}
        yield "read_results", {**one, "show": "all", "limit": 50, "max_chars": 4_000}
        yield "export_results", {**one, "format": "jsonl"}
        yield "page_data", {"view": "rows", **one, "options": {"query": {"show": "all"}}}
    two = {"evaluation_id_a": CLASSIFY, "evaluation_id_b": OTHER}
    yield "compare_evaluations", {**two, "key": "question"}


async def whole_pages(server: Served, tool: str, arguments: dict[str, Any]) -> str:
    """Return all pages of a call, text and structured content alike, and what it says of errors."""
    said, cursor = "", None
    while True:
        more = {"cursor": cursor} if cursor else {}
        if tool == "page_data" and cursor:
            more = {"options": arguments.get("options", {}) | more}
        result = await server.call(tool, **arguments | more)
        said += json.dumps(result.model_dump(mode="json", by_alias=True), ensure_ascii=False)
        found: dict[str, Any] = result.structured_content or {}
        cursor = found.get("next_cursor") or found.get("data", {}).get("next_cursor")
        if not cursor:
            # What was looked for is repeated, and says nothing.
            return said.replace(str(arguments.get("text")), "")


async def answers_to(server: Served, asked: Iterable[Call], folder: Path) -> dict[str, str]:
    """Return what calls show, by the call, and the files that they write."""
    shown = dict[str, str]()
    for tool, arguments in asked:
        shown[f"{tool} {json.dumps(arguments)}"] = await whole_pages(server, tool, arguments)
    for path in sorted((folder / "exports").rglob("*")):
        shown[f"file {path.name}"] = path.read_text(encoding="utf-8")
    return shown


async def resources_and_prompts(server: Served) -> dict[str, str]:
    """Return what everything besides each tool shows, by its name."""
    shown = dict[str, str]()
    for evaluation_id in IDS:
        for rest in ("", "/report", "/failing"):
            address = f"evals://evaluations/{evaluation_id}{rest}"
            read = await server.client.read_resource(address)
            shown[f"resource {address}"] = read.model_dump_json()
    for resource in (await server.client.list_resources()).resources:
        shown[f"listed {resource.uri}"] = resource.model_dump_json()
    for prompt in (await server.client.list_prompts()).prompts:
        given = {each.name: CLASSIFY for each in prompt.arguments or []}
        try:
            filled = (await server.client.get_prompt(prompt.name, given)).model_dump_json()
        except MCPError as refused:
            filled = str(refused)
        shown[f"prompt {prompt.name}"] = filled
        for each in prompt.arguments or []:
            reference = PromptReference(name=prompt.name)
            offered = await server.client.complete(reference, {"name": each.name, "value": ""})
            shown[f"completion {prompt.name} {each.name}"] = offered.model_dump_json()
    for template in (await server.client.list_resource_templates()).resource_templates:
        reference = ResourceTemplateReference(uri=template.uri_template)
        variable = template.uri_template.partition("{")[2].partition("}")[0]
        offered = await server.client.complete(reference, {"name": variable, "value": ""})
        shown[f"completion {template.uri_template}"] = offered.model_dump_json()
    return shown


FIGURES = re.compile(
    r'(get_evaluation|page_data {"view": "evaluation"|resource .*|list_eval|file .*[.]html)'
)
"""Totals of all rows, such as the smallest score and the largest one, which name no row."""


def told(name: str, text: str) -> set[int]:
    """Return the rows of which a text has what the judge said."""
    found = {(reason, score) for reason, score in PLANTED.findall(text)}
    if FIGURES.match(name) and "/failing" not in name:
        found = {(reason, "") for reason, _ in found}
    return {int(reason or score) for reason, score in found if reason or score}


async def waiting_rows(server: Served) -> set[int]:
    """Return the rows that an export says to wait, the same in every evaluation."""
    answer = await server.answer("export_results", evaluation_id=CLASSIFY, format="jsonl")
    lines = Path(answer["path"]).read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return {each["evals_row"] for each in found if each["evals_state"] == "waits_for_label"}


def key_of(number: int) -> str:
    return str(kept_rows(1)[number - 1]["key"])


async def test_no_surface_of_a_real_server_and_no_line_of_its_log_tells_a_verdict(
    tmp_path: Path,
) -> None:
    async with real_process(tmp_path) as server:
        before = await answers_to(server, rows_shown([CLASSIFY, SCORE]), tmp_path)
        shown = {name.partition(" ")[0] for name, text in before.items() if told(name, text)}
        assert shown == {"read_results", "page_data", "compare_evaluations", "file"}
        for path in (tmp_path / "exports").rglob("*"):
            path.unlink()
        for evaluation_id in IDS:
            await server.answer("label_rows", evaluation_id=evaluation_id)
        waiting = await waiting_rows(server)
        assert len(waiting) == TOTAL // 2
        first = min(waiting)
        asked = (*rows_shown(IDS), *calls(first, key_of(first)))
        after = await answers_to(server, asked, tmp_path) | await resources_and_prompts(server)
    log = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert any(told(name, text) for name, text in after.items()), "the other rows are shown"
    leaks = {name: told(name, text) & waiting for name, text in after.items()}
    assert [name for name, rows in leaks.items() if rows] == []
    assert PLANTED.findall(log) == []
    assert "Traceback" not in log


async def test_no_logger_at_all_has_what_the_judge_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    provider = FakeProvider(jobs=jobs(), contents=contents())
    async with served(provider, configured=settings(tmp_path)) as server:
        await server.answer("label_rows", evaluation_id=CLASSIFY)
        waiting = await waiting_rows(server)
        caplog.clear()
        asked = [*rows_shown([CLASSIFY]), ("label_rows", {"evaluation_id": CLASSIFY})]
        await answers_to(server, asked, tmp_path)
        said = "\n".join(record.getMessage() for record in caplog.records)
    assert "page_data" in said, "what is logged is caught"
    assert told("log", said) & waiting == set()
