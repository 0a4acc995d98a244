"""Evaluations to look at, made by the engine itself with the judge of `judge.py`.

Their rows are synthetic: those of `examples/support_answers.jsonl`, asked in a few ways.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp_types import ElicitResult

from evals_mcp.providers.protocol import Provider
from evals_mcp.settings.schema import Settings
from tests.engine.model_server import ChatRequest, ModelServer, Reply
from tests.page.judge import LABELS, RUBRIC, answer
from tests.server.commands.home import variables_of
from tests.server.serving import Served, own_provider, served, settings

ROOT = Path(__file__).resolve().parents[2]
HANG_GUARD = 3_600.0
"""Seconds after which something hangs, with all views looked at on a busy machine."""

WAYS = ("{}", "Hello, {} Thanks!", "Urgent: {}", "{} I could not find it in the manual.", "Hi! {}")


@dataclass
class Home:
    """A folder with everything that a server on this machine stores, and a judge."""

    folder: Path
    judge: ModelServer
    provider: Provider
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """The ids of the evaluations by what they are."""

    def settings(self, **sections: Any) -> Settings:
        """Return the settings of a server of this home."""
        return _settings(self.folder, self.judge, **sections)

    def environment(self) -> dict[str, str]:
        """Return the same settings as variables, for a process."""
        return variables_of(self.folder) | {
            "EVALS_MCP_RESULTS__CACHE_DIR": str(self.folder / "kept-results"),
            "EVALS_MCP_LOCAL__MODELS__BASE_URL": self.judge.base_url,
        }


@asynccontextmanager
async def open_home(folder: Path) -> AsyncGenerator[tuple[Home, Served]]:
    """Open a home, a judge and a server with a client whose user agrees to everything."""

    async def agree(*_: Any, **__: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"start": True})

    async with AsyncExitStack() as stack:
        judge = await stack.enter_async_context(ModelServer(_slowed, models=("judge-large",)))
        configured = _settings(folder, judge)
        provider = await stack.enter_async_context(own_provider(configured))
        home = Home(folder, judge, provider)
        server = await stack.enter_async_context(
            served(provider, configured=configured, ask_user=agree, hang_guard=HANG_GUARD)
        )
        yield home, server


def _settings(folder: Path, judge: ModelServer, **sections: Any) -> Settings:
    local = {
        "data_dir": folder / "engine",
        "models": {"base_url": judge.base_url},
        "lease_seconds": 1,
    }
    return settings(folder, local=local, **sections)


def _slowed(request: ChatRequest) -> Reply:
    """Answer as the judge does; a judge named slow takes its time."""
    reply = answer(request)
    seconds = 0.4 if "slow" in str(request.body["model"]) else 0.0
    return Reply(reply.status, reply.body, reply.headers, seconds)


def support_rows(ways: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of the example file, each asked in so many ways."""
    text = (ROOT / "examples" / "support_answers.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    for number, way in enumerate(WAYS[:ways], 1):
        for row in rows:
            question = way.format(row["question"])
            yield row | {"id": f"{row['id']}-{number}", "question": question}


async def upload(server: Served, folder: Path, rows: list[dict[str, Any]], name: str) -> str:
    """Upload rows as a file and return its id."""
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return (await server.answer("upload_dataset", path=str(path)))["file_id"]


async def judged(server: Served, *, wait: bool = True, **arguments: Any) -> str:
    """Create an evaluation, wait for its end, and return its id."""
    made = await server.answer("create_evaluation", **arguments)
    evaluation_id = made["evaluation_id"]
    while wait:
        status = await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
        if status["finished"]:
            break
    return evaluation_id


def classify(file_id: str, column: str = "answer_v1", model: str = "judge-large") -> dict[str, Any]:
    """Return the arguments of a classify evaluation."""
    return {
        "type": "classify",
        "labels": LABELS,
        "pass_labels": ["correct"],
        "response_column": column,
        "judge": {"model": model, "model_source": "serverless", "system_template": RUBRIC},
        "input_data_file_path": file_id,
    }


async def fill(home: Home, server: Served, ways: int = 5) -> None:
    """Make the evaluations of the pictures and of the browser tests."""
    rows, folder = list(support_rows(ways)), home.folder
    both = await upload(server, folder, rows, "support")
    files = {
        column: await upload(server, folder, [_without(row, other) for row in rows], column)
        for column, other in (("answer_v1", "answer_v2"), ("answer_v2", "answer_v1"))
    }
    judge = classify(both)["judge"]
    home.ids["v1"] = await judged(server, **classify(files["answer_v1"]))
    of_v2 = files["answer_v2"]
    home.ids["v2"] = await judged(server, **classify(of_v2, "answer_v2"))
    home.ids["small"] = await judged(server, **classify(of_v2, "answer_v2", "judge-small"))
    scale: dict[str, Any] = {"min_score": 0, "max_score": 10, "pass_threshold": 6}
    for name, column in (("score", "answer_v1"), ("score_v2", "answer_v2")):
        home.ids[name] = await judged(
            server,
            type="score",
            response_column=column,
            judge=judge,
            input_data_file_path=files[column],
            **scale,
        )
    home.ids["compare"] = await judged(
        server,
        type="compare",
        response_column_a="answer_v1",
        response_column_b="answer_v2",
        judge=judge,
        input_data_file_path=both,
    )


def _without(row: dict[str, Any], column: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != column}


async def fill_hostile(home: Home, server: Served, rows: list[dict[str, Any]]) -> None:
    """Make an evaluation of hostile rows, judged by a rule with hostile labels."""
    file_id = await upload(server, home.folder, rows, "hostile")
    labels = ["<b>good</b>", "\"><img src=x onerror=document.title='ran'>"]
    home.ids["hostile"] = await judged(
        server,
        type="classify",
        labels=labels,
        pass_labels=labels[:1],
        response_column="answer",
        judge={"model": "rule/contains", "system_template": "{{expected}}"},
        input_data_file_path=file_id,
    )


async def cancelled(home: Home, server: Served, file_id: str) -> str:
    """Start an evaluation, stop it after some rows, and return its id."""
    evaluation_id = await judged(server, wait=False, **classify(file_id, model="judge-slow"))
    while True:
        status = await server.answer("get_status", evaluation_id=evaluation_id)
        if status.get("progress", {"done": 0})["done"]:
            break
        await anyio.sleep(0.05)
    await server.answer("cancel_evaluation", evaluation_id=evaluation_id)
    while not status["finished"]:
        status = await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
    return evaluation_id
