"""Whatever is sent to a tool, it answers: in the form it has published, or with what to do next."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jsonschema
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck
from hypothesis import given as drawing
from hypothesis import settings as fuzzing
from hypothesis import strategies as st
from mcp_types import CallToolResult

from evals_mcp.compose import open_providers
from evals_mcp.http.serve import http_app
from evals_mcp.lifetime import OpenProviders, open_services
from evals_mcp.tools.calls.cursors import write_cursor
from evals_mcp.tools.catalog import BY_NAME, TOOLS
from evals_mcp.views.app.tools import APP_TOOLS, APP_TOOLS_BY_NAME
from evals_schemas.evaluation_api.models import Model
from evals_schemas.tools.portable_schema import portable_schema
from tests.server.arguments_of import JUNK, arguments
from tests.server.fake_provider import FakeProvider, classify_job, jsonl
from tests.server.http.serving import listening
from tests.server.serving import FakeTime, everyones, settings, text_of
from tests.server.tokens import tokens
from tests.volume import examples

pytestmark = pytest.mark.usefixtures("lines_not_counted")

FORGED = write_cursor([None, None], 2**80)
ROWS = [{"question": f"Is {n} odd?", "answer": str(n % 2), "expected": "1"} for n in range(6)]
TEXTS = {
    "": ["question", "answer", "expected", "score", "good", "bad", "1", "{{question}}", "", " "],
    "evaluation_id": ["@classify", "@score", "@compare", "eval-1", "file-1", "../x", "eval-1\n"],
    "input_data_file_path": ["@data set", "@data set", "@benchmark", "file-1", "a.jsonl"],
    "benchmark_id": ["@benchmark", "@data set", "benchmark-1"],
    "cursor": ["@cursor", FORGED, "bnVsbA", "", "é", "W10"],
    "confirm": ["A" * 60, "", "code"],
    "path": ["@path", "@folder", "none.jsonl", "/etc/passwd", "a\0b", "~", "x" * 5000],
    "name": ["a.jsonl", "a.csv", "../a", "a\0b", ""],
    "model": ["rule/exact-match", "rule/contains", "rule/regex", "rule/similarity", "m", "rule/"],
    "system_template": [
        "{{expected}}",
        "{{answer}}{{expected}}{{question}}",
        "{{ a.b }}",
        "{% for",
    ],
    "input_template": ["{{question}}", "{{", "{{question.__class__}}"],
    "key": ["question", "none", "answer"],
}
for _name in ("evaluation_id_a", "evaluation_id_b"):
    TEXTS[_name] = TEXTS["evaluation_id"]

OF_TYPE: dict[str, dict[str, Any]] = {
    "classify": {
        "type": "classify",
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
    },
    "score": {
        "type": "score",
        "min_score": 0,
        "max_score": 1,
        "pass_threshold": 1,
        "response_column": "answer",
    },
    "compare": {"type": "compare", "response_column_a": "answer", "response_column_b": "expected"},
}

FAST = fuzzing(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)


VERSION = "2026-07-28"
"""The version whose messages the server reads as Python does: with NaN and halves of pairs."""

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "Mcp-Protocol-Version": VERSION,
    "Mcp-Method": "tools/call",
}
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def judge(template: str) -> dict[str, str]:
    return {"model": "rule/exact-match", "system_template": template}


JUDGED = {"input_data_file_path": "@data set", "judge": judge("{{expected}}{{question}}")}
ONE = [{"evaluation_id": f"@{kind}"} for kind in OF_TYPE]
GOOD: dict[str, list[dict[str, Any]]] = {
    "upload_dataset": [{"rows": ROWS}, {"path": "@path"}, {"rows": ROWS[:1], "name": "a.jsonl"}],
    "create_evaluation": [
        *(JUDGED | fields for fields in OF_TYPE.values()),
        *(JUDGED | fields | {"dry_run": True} for fields in OF_TYPE.values()),
        {"type": "benchmark", "benchmark_id": "@benchmark", "model_id": "m"},
    ],
    **dict.fromkeys(("get_status", "get_evaluation", "cancel_evaluation"), ONE),
    "read_results": [one | {"show": "all"} for one in ONE],
    "label_rows": ONE,
    "export_results": [one | {"format": "jsonl"} for one in ONE],
    "compare_evaluations": [{"evaluation_id_a": "@classify", "evaluation_id_b": "@all pass"}],
    "delete_data": [{"id": "@spare data set"}, {"id": "@spare"}],
}
"""Calls that succeed, for each tool that takes something."""


class Fuzzed:
    """A server over HTTP that is called from outside of its event loop."""

    def __init__(self, portal: BlockingPortal, http: httpx2.AsyncClient) -> None:
        self._portal = portal
        self._http = http
        self.known: dict[str, str] = {}
        """What texts with an @ in front stand for."""

    def call(self, tool: str, given: dict[str, Any]) -> CallToolResult:
        filled = {
            name: self.known.get(value[1:], value) if isinstance(value, str) else value
            for name, value in given.items()
        }
        params = {"name": tool, "arguments": filled, "_meta": META}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = self._portal.call(self._posted, tool, json.dumps(message))
        assert answer.status_code == 200, answer.text
        return CallToolResult.model_validate(json.loads(answer.text)["result"])

    async def _posted(self, tool: str, body: str) -> httpx2.Response:
        with anyio.fail_after(60):
            return await self._http.post("/mcp", content=body, headers=HEADERS | {"Mcp-Name": tool})

    def answer(self, tool: str, **given: Any) -> dict[str, Any]:
        result = self.call(tool, given)
        assert not result.is_error, text_of(result)
        return result.structured_content


@asynccontextmanager
async def serving(folder: Path, opening: OpenProviders) -> AsyncGenerator[httpx2.AsyncClient]:
    configured = settings(
        folder, local={"data_dir": folder / "engine"}, budget={"confirm_above_calls": 3}
    )
    clock = FakeTime().clock(datetime.now(UTC))
    app = http_app(configured, "0.0", partial(open_services, configured, opening, clock))
    async with (
        listening(app, seconds=120) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as http,
    ):
        yield http


def prepare(server: Fuzzed, folder: Path) -> None:
    """Evaluations of every type that needs no model."""
    path, known = folder / "rows.jsonl", server.known
    path.write_bytes(jsonl(*ROWS))
    known |= {"folder": str(folder), "path": str(path)}
    known["data set"] = server.answer("upload_dataset", rows=ROWS)["file_id"]
    spare = server.answer("upload_dataset", rows=ROWS[:1])["file_id"]
    known["spare data set"] = known["spare"] = spare
    asked = [{"question": "a?", "answer": "b"}]
    known["benchmark"] = server.answer("upload_dataset", rows=asked, benchmark=True)["file_id"]
    same = judge("{{answer}}{% if not question %}{{question}}{{expected}}{% endif %}")
    # Rows of a sample that waits for labels are on no page, and calls of label_rows draw one.
    others = [row | {"question": f"{row['question']} Really?"} for row in ROWS]
    never_labelled = server.answer("upload_dataset", rows=others)["file_id"]
    evaluations = {**OF_TYPE, "all pass": OF_TYPE["classify"] | {"judge": same}}
    evaluations |= {
        f"unlabelled {name}": fields | {"input_data_file_path": never_labelled}
        for name, fields in evaluations.items()
        if name != "compare"
    }
    for name, fields in evaluations.items():
        made = server.answer("create_evaluation", **JUDGED | fields)
        known[name] = made["evaluation_id"]
        wait = {"evaluation_id": known[name], "wait_seconds": 45}
        while not server.answer("get_status", **wait)["finished"]:
            continue
    page = {"evaluation_id": known["classify"], "show": "all", "limit": 1}
    known["cursor"] = server.answer("read_results", **page)["next_cursor"]


@contextmanager
def fuzzed(folder: Path, opening: OpenProviders) -> Generator[Fuzzed]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(folder, opening)) as http,
    ):
        yield Fuzzed(portal, http)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Fuzzed]:
    folder = tmp_path_factory.mktemp("engine")
    with fuzzed(folder, open_providers) as server:
        prepare(server, folder)
        yield server


@pytest.fixture(scope="module")
def faked(tmp_path_factory: pytest.TempPathFactory) -> Generator[Fuzzed]:
    row = {"question": "\ud800", "label": "good", "evaluation_successful": True}
    job = classify_job()
    provider = FakeProvider(
        types=frozenset({"classify", "score", "compare", "benchmark"}),
        jobs=[job],
        statuses=[job],
        contents={"file-1": jsonl(*ROWS), "file-9": jsonl(row, *ROWS), "benchmark-1": jsonl(*ROWS)},
        models=[Model(id="m"), Model(id="\u202eodd\x00")],
    )
    with fuzzed(tmp_path_factory.mktemp("fake"), everyones(provider)) as server:
        server.known |= dict.fromkeys([*OF_TYPE, "all pass"], "eval-1")
        server.known |= {"data set": "file-1", "benchmark": "benchmark-1"}
        server.known |= {"spare data set": "file-1", "spare": "eval-1"}
        yield server


DEFINITIONS = BY_NAME | APP_TOOLS_BY_NAME


def check(tool: str, result: CallToolResult) -> None:
    """An answer in the published form, or an error that leads on."""
    text, written = text_of(result), result.model_dump_json(by_alias=True)
    assert "Internal error" not in text
    assert json.loads(written)
    if not result.is_error:
        assert text
        jsonschema.validate(result.structured_content, portable_schema(DEFINITIONS[tool].returns))
        return
    assert result.structured_content is None
    assert tokens(text) <= 2_000
    names = "|".join(DEFINITIONS)
    assert re.search(rf"`|{names}|operator|administrator", text), text
    assert len(text) < 20 or not re.search(r"Traceback|0x[0-9a-f]{6}|pydantic", text), text


def cases(tool: str) -> st.SearchStrategy[dict[str, Any]]:
    good = GOOD.get(tool, [{}])
    return arguments(DEFINITIONS[tool].tool.input_schema, TEXTS, *good)


@pytest.mark.parametrize("tool", [definition.name for definition in (*TOOLS, *APP_TOOLS)])
def test_with_the_engine_every_call_is_answered(tool: str, engine: Fuzzed) -> None:
    @FAST
    @drawing(cases(tool))
    def every(given: dict[str, Any]) -> None:
        check(tool, engine.call(tool, given))

    every()


@pytest.mark.parametrize("tool", [definition.name for definition in (*TOOLS, *APP_TOOLS)])
def test_with_any_service_every_call_is_answered(tool: str, faked: Fuzzed) -> None:
    @FAST
    @drawing(cases(tool))
    def every(given: dict[str, Any]) -> None:
        check(tool, faked.call(tool, given))

    every()


PLACES = st.one_of(
    JUNK,
    st.lists(
        st.integers(0, 9) | st.sampled_from([2**63, 2**80, -1, True, 1.5, ""]),
        min_size=3,
        max_size=3,
    ),
    st.sampled_from([2**63, 2**80, -1, True]),
)


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("read_results", {"evaluation_id": "@unlabelled classify", "show": "all", "limit": 1}),
        (
            "read_results",
            {"evaluation_id": "@unlabelled classify", "text": "odd", "show": "all", "limit": 1},
        ),
        (
            "read_results",
            {
                "evaluation_id": "@unlabelled score",
                "sort": "score_ascending",
                "show": "all",
                "limit": 1,
            },
        ),
        (
            "compare_evaluations",
            {
                "evaluation_id_a": "@unlabelled classify",
                "evaluation_id_b": "@unlabelled all pass",
                "limit": 1,
            },
        ),
        ("list_evaluations", {"limit": 1}),
    ],
)
def test_a_cursor_that_was_written_by_somebody_else_is_read_or_refused(
    tool: str, given: dict[str, Any], engine: Fuzzed
) -> None:
    cursor = engine.answer(tool, **given)["next_cursor"]
    mark, _ = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))

    @FAST
    @drawing(PLACES)
    def every(place: Any) -> None:
        text = json.dumps([mark, place]).encode()
        forged = base64.urlsafe_b64encode(text).decode()
        check(tool, engine.call(tool, given | {"cursor": forged}))

    every()
