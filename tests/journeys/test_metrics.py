"""Several metrics of one data set: planned, agreed and started together, read side by side."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.session import ElicitationFnT

from evals_mcp.compose import open_providers
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.journeys.test_compare import ANSWERS, conversation
from tests.journeys.test_confirm import says
from tests.journeys.test_never_twice import world
from tests.server.serving import Served, settings

pytestmark = pytest.mark.usefixtures("lines_not_counted")

TEMPLATE = "{% set unused = [id, question, topic, answer_v1, answer_v2] %}{{ expected }}"
RULES: dict[str, Any] = {
    "type": "classify",
    "labels": ["right", "wrong"],
    "pass_labels": ["right"],
    "response_column": "answer_v1",
    "judge": {"model": "rule/contains", "system_template": TEMPLATE},
}
METRICS: list[dict[str, Any]] = [
    {"name": "contains"},
    {"name": "exact", "judge": {"model": "rule/exact-match"}},
    {"name": "close", "type": "score", "judge": {"model": "rule/similarity"},
     "min_score": 0, "max_score": 1, "pass_threshold": 0.5},
]  # fmt: skip


async def ended(server: Served, created: dict[str, Any]) -> list[str]:
    """Wait for all evaluations of a create with metrics; return their ids."""
    ids = [metric["evaluation_id"] for metric in created["metrics"]]
    for evaluation_id in ids:
        await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
    return ids


async def test_three_rules_start_with_one_call_and_are_read_in_one_table(tmp_path: Path) -> None:
    async with conversation(tmp_path) as server:
        file_id = (await server.answer("upload_dataset", path=str(ANSWERS)))["file_id"]
        request = {**RULES, "metrics": METRICS, "input_data_file_path": file_id}
        plan = await server.answer("create_evaluation", **request, dry_run=True)
        created = await server.answer("create_evaluation", **request)
        ids = await ended(server, created)
        table = await server.answer("get_evaluation", evaluation_id=", ".join(ids))
        text = await server.text("get_evaluation", evaluation_id=",".join(ids))
        alone = [await server.answer("get_evaluation", evaluation_id=each) for each in ids]

    assert (plan["outcome"], plan["calls"]) == ("plan", 0)
    assert [(m["name"], m["type"], m["rows"], m["calls"]) for m in plan["metrics"]] == [
        ("contains", "classify", 84, 0), ("exact", "classify", 84, 0), ("close", "score", 84, 0),
    ]  # fmt: skip
    assert created["outcome"] == "started"
    assert len(set(ids)) == 3
    assert ",".join(ids) in created["next_step"]
    headlines = [line["headline"] for line in table["evaluations"]]
    assert headlines == [each["summary"]["headline"] for each in alone]
    assert all(headline in text for headline in headlines)
    assert table["parameters"] == {
        "input_data_file_path": file_id,
        "response_column": "answer_v1",
        "judge.system_template": alone[0]["parameters"]["judge"]["system_template"],
        "judge.model_source": "serverless",
    }
    assert [line["parameters"]["judge.model"] for line in table["evaluations"]] == [
        "rule/contains", "rule/exact-match", "rule/similarity",
    ]  # fmt: skip


async def test_the_same_metrics_start_nothing_new_in_another_process_and_order(
    tmp_path: Path,
) -> None:
    async with conversation(tmp_path) as server:
        file_id = (await server.answer("upload_dataset", path=str(ANSWERS)))["file_id"]
        request = {**RULES, "input_data_file_path": file_id}
        created = await server.answer("create_evaluation", **request, metrics=METRICS[:2])
        first = await ended(server, created)
    async with conversation(tmp_path) as server:
        again = await server.answer("create_evaluation", **request, metrics=METRICS[1::-1])
        more = await server.answer("create_evaluation", **request, metrics=METRICS)
        other = await server.answer("create_evaluation", **request, metrics=METRICS, again=True)

    assert again["outcome"] == "exists"
    assert [metric["evaluation_id"] for metric in again["metrics"]] == first[::-1]
    assert [metric["outcome"] for metric in more["metrics"]] == ["exists", "exists", "started"]
    assert more["outcome"] == "started"
    assert "pass" in again["metrics"][0]["headline"]
    assert not {metric["evaluation_id"] for metric in other["metrics"]} & set(first)


ROWS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(5)]
JUDGED: dict[str, Any] = {
    "type": "classify",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "answer",
    "judge": {"model": "judge-1"},
    "metrics": [
        {"name": "right", "judge": {"system_template": "Is it right? {{question}}"}},
        {"name": "kind", "judge": {"system_template": "Is it kind? {{question}}"}},
    ],
}


def judge(request: ChatRequest) -> Reply:
    return verdict(feedback="", label="good")


@asynccontextmanager
async def judged(
    folder: Path, models: ModelServer, ask: ElicitationFnT | None = None
) -> AsyncGenerator[tuple[Served, dict[str, Any]]]:
    """Run a server that asks before every model call; yield it and the request of two metrics."""
    local = {"data_dir": folder / "engine", "models": {"base_url": models.base_url}}
    configured = settings(folder, local=local, budget={"confirm_above_calls": 9})
    opening = partial(open_services, configured, open_providers)
    with anyio.fail_after(300):
        async with Client(build_server("0.0", opening), elicitation_callback=ask) as client:
            server = Served(client)
            stored = await server.answer("upload_dataset", rows=ROWS)
            yield server, {**JUDGED, "input_data_file_path": stored["file_id"]}


async def test_one_code_is_for_all_metrics_and_each_is_judged_once(tmp_path: Path) -> None:
    async with ModelServer(judge, models=("judge-1",)) as models:
        async with judged(tmp_path, models) as (server, request):
            asked = await server.answer("create_evaluation", **request)
            assert (asked["outcome"], asked["calls"]) == ("confirm", 10)
            assert [metric["calls"] for metric in asked["metrics"]] == [5, 5]
            one = {**request, "metrics": request["metrics"][:1]}
            other = await server.answer("create_evaluation", **one, confirm=asked["confirm"])
            assert "another request" in other["next_step"]
            assert not models.requests
        async with judged(tmp_path, models) as (server, request):
            created = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
            ids = await ended(server, created)
        async with judged(tmp_path, models) as (server, request):
            again = await server.answer("create_evaluation", **request, confirm=asked["confirm"])

    assert created["outcome"] == "started"
    assert (again["outcome"], [m["evaluation_id"] for m in again["metrics"]]) == ("exists", ids)
    assert len(models.requests) == 10


async def test_the_user_is_asked_once_for_all_and_a_no_is_for_each(tmp_path: Path) -> None:
    async with ModelServer(judge, models=("judge-1",)) as models:
        async with judged(tmp_path, models) as (server, request):
            asked = await server.answer("create_evaluation", **request)
        async with judged(tmp_path, models, says("decline")) as (server, request):
            declined = await server.answer("create_evaluation", **request)
        async with judged(tmp_path, models) as (server, request):
            late = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
            single = {**request, "judge": {"model": "judge-1", "system_template": "x"}}
            del single["metrics"]
            single["judge"]["system_template"] = JUDGED["metrics"][0]["judge"]["system_template"]
            alone = await server.answer("create_evaluation", **single)
        assert not models.requests
        async with judged(tmp_path, models, says("accept")) as (server, request):
            agreed = await server.answer("create_evaluation", **request)
            await ended(server, agreed)

    assert (declined["outcome"], late["outcome"]) == ("declined", "declined")
    assert alone["outcome"] == "confirm"
    assert "declined this request before" in alone["next_step"]
    assert agreed["outcome"] == "started"
    assert len(models.requests) == 10


async def test_what_a_lost_answer_leaves_out_starts_with_the_same_call(tmp_path: Path) -> None:
    async with world(tmp_path, "passes", "dropped before") as here, here.server() as server:
        judge = here.wanted.pop("judge")
        metrics = [
            {"name": rule, "judge": {**judge, "model": f"rule/{rule}"}}
            for rule in ("exact-match", "contains", "similarity")
        ]
        request = {**here.wanted, "metrics": metrics}
        part = await server.answer("create_evaluation", **request)
        text = await server.text("create_evaluation", **request)
        assert len(await here.jobs()) == 1

        here.late = timedelta(seconds=61)
        whole = await server.answer("create_evaluation", **request)
        jobs = await here.jobs()

    assert part["outcome"] == "partial"
    outcomes = [metric["outcome"] for metric in part["metrics"]]
    assert outcomes == ["started", "unknown", "not started"]
    assert "may still appear" in part["metrics"][1]["error"]
    assert "found again and not started twice" in part["next_step"]
    assert text.startswith("1 of 3 evaluations exist on together; the others do not.")
    assert re.search(r"'contains': classify, unknown\. .*again in \d+ s", text)
    assert [metric["outcome"] for metric in whole["metrics"]] == ["exists", "started", "started"]
    assert {metric["evaluation_id"] for metric in whole["metrics"]} == set(jobs)
    assert len(jobs) == 3


ASKED: dict[str, Any] = {
    **{name: value for name, value in JUDGED.items() if name != "response_column"},
    "model_to_evaluate": {
        "model": "candidate-1",
        "system_template": "Be brief.",
        "input_template": "{{ question }} {{ answer }}",
    },
}


class AnsweringOnce:
    """A candidate that never says the same twice, and a judge."""

    def __init__(self) -> None:
        self._numbers = count()

    def __call__(self, request: ChatRequest) -> Reply:
        if request.body["model"] != "candidate-1":
            return verdict(feedback="", label="good")
        return completion(f"answer {next(self._numbers)}")


async def test_the_answers_of_a_model_are_generated_once_for_all_metrics(tmp_path: Path) -> None:
    async with (
        ModelServer(AnsweringOnce(), models=("judge-1", "candidate-1")) as models,
        judged(tmp_path, models) as (server, stored),
    ):
        request = {**ASKED, "input_data_file_path": stored["input_data_file_path"]}
        asked = await server.answer("create_evaluation", **request)
        plan = await server.answer("create_evaluation", **request, dry_run=True)
        created = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
        ids = await ended(server, created)
        again = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
        pages = [await server.answer("read_results", evaluation_id=each) for each in ids]
        second = await server.answer("get_evaluation", evaluation_id=ids[1])
        alone = {**request, "judge": {**request["judge"], **request["metrics"][1]["judge"]}}
        del alone["metrics"]
        repeated = await server.answer("create_evaluation", **alone)

    assert (asked["outcome"], asked["calls"]) == ("confirm", 15)
    assert [metric["calls"] for metric in plan["metrics"]] == [10, 5]
    assert plan["plan"]["notes"][0] == (
        "Answers are generated once, by 'right': 'kind' starts when it has ended, with its answers."
    )
    assert created["outcome"] == "started"
    generated = [each for each in models.requests if each.body["model"] == "candidate-1"]
    assert (len(generated), len(models.requests)) == (5, 15)
    answers = [[row["row"]["MODEL_TO_EVALUATE_OUTPUT"] for row in page["rows"]] for page in pages]
    assert answers[0] == answers[1]
    assert second["parameters"]["answers_from"] == ids[0]
    assert [metric["evaluation_id"] for metric in again["metrics"]] == ids
    assert (repeated["outcome"], repeated["evaluation_id"]) == ("exists", ids[1])


async def test_a_metric_whose_answers_never_came_says_whose_and_what_to_do(tmp_path: Path) -> None:
    def late(_: ChatRequest) -> Reply:
        return completion("late", delay=3600)

    async with (
        ModelServer(late, models=("judge-1", "candidate-1")) as models,
        judged(tmp_path, models) as (server, stored),
    ):
        request = {**ASKED, "input_data_file_path": stored["input_data_file_path"]}
        asked = await server.answer("create_evaluation", **request)
        created = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
        first, second = (metric["evaluation_id"] for metric in created["metrics"])
        waiting = await server.answer("get_status", evaluation_id=second)
        await server.answer("cancel_evaluation", evaluation_id=first)
        await ended(server, created)
        status = await server.answer("get_status", evaluation_id=second)
        lines = (await server.answer("list_evaluations"))["evaluations"]

    assert waiting["progress_note"] == (
        f"It judges the answers of {first}, and starts when that one has ended."
    )
    assert status["status"] == "user_error"
    assert f"the answers of {first}, which ended before it had answers to all" in status["error"]
    assert "Start both again, or this one alone" in status["error"]
    assert not [line for line in (status, *lines) if "cost_usd" in line]
