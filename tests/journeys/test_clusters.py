"""Several answers to each question: what they are worth, from the plan to the comparison."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from evals_mcp.compose import open_providers
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from tests.server.serving import Served, settings

QUESTIONS = 20
ANSWERS_EACH = 5
REQUEST: dict[str, Any] = {
    "type": "classify",
    "labels": ["right", "wrong"],
    "pass_labels": ["right"],
    "judge": {
        "model": "rule/exact-match",
        "system_template": "{% set unused = [question, old, new] %}{{ expected }}",
    },
}


def rows() -> list[dict[str, str]]:
    """Return answers of which all to one question are right or wrong together."""
    return [
        {
            "question": f"What is {question} + 1?",
            "expected": str(question + 1),
            "old": str(question + 1 + (question >= 12)),
            "new": str(question + 1 + (question >= 14)),
        }
        for question in range(QUESTIONS)
        for _ in range(ANSWERS_EACH)
    ]


@asynccontextmanager
async def conversation(folder: Path) -> AsyncGenerator[Served]:
    """Run the whole server with its embedded engine in this process; yield a client."""
    configured = settings(folder, local={"data_dir": folder / "engine"})
    opening = partial(open_services, configured, open_providers)
    with anyio.fail_after(300):
        async with Client(build_server("0.0", opening)) as client:
            yield Served(client)


async def evaluated(server: Served, file_id: str, column: str) -> str:
    """Run an evaluation to its end and return its id."""
    created = await server.answer(
        "create_evaluation", **REQUEST, input_data_file_path=file_id, response_column=column
    )
    evaluation_id = created["evaluation_id"]
    await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
    return evaluation_id


async def test_rows_that_repeat_a_question_are_named_from_the_plan_on(tmp_path: Path) -> None:
    async with conversation(tmp_path) as server:
        file_id = (await server.answer("upload_dataset", rows=rows()))["file_id"]
        dry_run = await server.answer(
            "create_evaluation",
            **REQUEST,
            input_data_file_path=file_id,
            response_column="old",
            dry_run=True,
        )
        first = await evaluated(server, file_id, "old")
        status = await server.answer("get_status", evaluation_id=first)
        listed = await server.answer("list_evaluations")
        plain = await server.answer("get_evaluation", evaluation_id=first)
        clustered = await server.answer(
            "get_evaluation", evaluation_id=first, cluster_column="question"
        )

    assert (
        "100 rows share 20 values of 'question'. If rows with one value belong together, read the "
        "results with get_evaluation and `cluster_column` 'question'."
    ) in dry_run["plan"]["notes"]
    headline = (
        "60.0 % of 100 answers pass (95 % interval 50.2 to 69.1 %). 100 rows share 20 values of "
        "'question': cluster_column 'question' allows for that, this interval does not."
    )
    shown = {status["headline"], listed["evaluations"][0]["headline"]}
    assert shown == {plain["summary"]["headline"]} == {headline}
    assert clustered["summary"]["headline"] == (
        "60.0 % of 100 answers pass (95 % interval 36.8 to 79.4 %); the answers come from 20 "
        "values of 'question' and count as about 19 independent ones (50.2 to 69.1 % had all been "
        "independent)."
    )
