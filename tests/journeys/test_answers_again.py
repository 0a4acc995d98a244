"""Answers of an evaluation judged anew, and rows without a verdict tried again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from evals_mcp.compose import open_providers
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.journeys.served import served_engine
from tests.server.serving import Served, settings

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = [
    {"id": f"r{n}", "question": f"What is {n} + 1?", "expected": str(n + 1), "topic": "sums"}
    for n in range(10)
]
MODEL = {"model": "small-1", "system_template": "Be brief.", "input_template": "{{question}}"}
GENERATED: dict[str, Any] = {
    "type": "classify",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "model_to_evaluate": MODEL,
    "judge": {"model": "judge-1", "system_template": "Is it {{expected}}? {{question}}"},
}


def model_of(request: ChatRequest) -> str:
    return request.body["model"]


def says(request: ChatRequest) -> Reply:
    """Answer as the candidate, except to one question, or judge every answer as good."""
    text = json.dumps(request.body["messages"])
    if model_of(request) != "small-1":
        return verdict(feedback="", label="good")
    if "What is 3" in text:
        return Reply(status=400, body=b"{}")
    return completion(f"An answer to {text[-40:]}")


@asynccontextmanager
async def server_in(folder: Path, models: ModelServer) -> AsyncGenerator[Served]:
    local = {"data_dir": folder / "engine", "models": {"base_url": models.base_url}}
    opening = partial(open_services, settings(folder, local=local), open_providers)
    with anyio.fail_after(300):
        async with Client(build_server("0.0", opening)) as client:
            yield Served(client)


@asynccontextmanager
async def both_in(
    folder: Path, answer: Callable[[ChatRequest], Reply]
) -> AsyncGenerator[tuple[Served, ModelServer]]:
    async with (
        ModelServer(answer, models=MODELS) as models,
        server_in(folder, models) as server,
    ):
        yield server, models


async def run(server: Served, **request: Any) -> str:
    created = await server.answer("create_evaluation", **request)
    if created["outcome"] == "confirm":
        code = created["confirm"]
        created = await server.answer("create_evaluation", **request, confirm=code)
    assert created["outcome"] == "started", created
    evaluation_id = created["evaluation_id"]
    await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
    return evaluation_id


async def rows_of(server: Served, evaluation_id: str) -> list[dict[str, Any]]:
    page = await server.answer(
        "read_results", evaluation_id=evaluation_id, show="all", limit=50, max_chars=400
    )
    return page["rows"]


def unsure(request: ChatRequest) -> Reply:
    """Judge; with few tokens, the verdicts about two rows are cut."""
    text = json.dumps(request.body["messages"])
    if model_of(request) == "slow":
        return Reply(delay=3)
    if request.body.get("max_tokens", 99) < 50 and ("What is 2" in text or "What is 4" in text):
        return completion('{"feedback": "It', finish_reason="length")
    return verdict(feedback="", label="bad" if "What is 5" in text else "good")


def undecided(request: ChatRequest) -> Reply:
    """Compare; the verdict about one pair cannot be read until there are more tokens."""
    text = json.dumps(request.body["messages"])
    if model_of(request) != "judge-1":
        return completion(f"{model_of(request)} says {text[-30:]}")
    if request.body.get("max_tokens", 99) < 50 and "What is 2" in text:
        return completion("?")
    return verdict(feedback="", choice="A")


JUDGED: dict[str, Any] = {
    "type": "classify",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "expected",
    "judge": {"model": "judge-1", "system_template": "Is it right? {{question}}", "max_tokens": 9},
}
MORE = {"judge": {"max_tokens": 2_000}}
MODELS = ("judge-1", "judge-2", "small-1", "small-2", "slow")


async def test_another_judge_judges_the_same_answers_without_a_new_one(tmp_path: Path) -> None:
    async with ModelServer(says, models=MODELS) as models:
        async with server_in(tmp_path, models) as server:
            stored = await server.answer("upload_dataset", rows=ROWS)
            first = await run(server, **GENERATED, input_data_file_path=stored["file_id"])
        calls = len(models.requests)
        async with server_in(tmp_path, models) as server:
            again = {"type": "classify", "answers_of": first, "judge": {"model": "judge-2"}}
            plan = await server.answer("create_evaluation", **again, dry_run=True)
            second = await run(server, **again)
            third = await run(server, **{**again, "answers_of": second}, again=True)
            same = await server.answer("create_evaluation", **again)
            of_judges = await server.text(
                "compare_evaluations", evaluation_id_a=first, evaluation_id_b=second
            )
            rows = [await rows_of(server, each) for each in (first, second, third)]

    assert (plan["plan"]["rows"], plan["calls"]) == (9, 9)
    assert plan["plan"]["notes"][0] == (
        f"9 rows with the answers of {first} ('MODEL_TO_EVALUATE_OUTPUT'); 1 row without an "
        "answer left out. Nothing is generated again."
    )
    assert {model_of(each) for each in models.requests[calls:]} == {"judge-2"}
    assert len(models.requests) - calls == 18
    assert (same["outcome"], same["evaluation_id"]) == ("exists", second)
    assert "On the same answers judge 'judge-1' and judge 'judge-2' agree" in of_judges
    answered = [row["columns"] for row in rows[0] if row["columns"]["id"] != "r3"]
    assert [row["columns"] for row in rows[1]] == answered
    assert [row["columns"] for row in rows[2]] == answered


async def test_the_answers_of_two_models_are_compared_and_judged_one_by_one(
    tmp_path: Path,
) -> None:
    compare = {
        "type": "compare",
        "model_a": MODEL,
        "model_b": {**MODEL, "model": "small-2"},
        "judge": {"model": "judge-1", "system_template": "Which? {{question}}", "max_tokens": 9},
    }
    async with both_in(tmp_path, undecided) as (server, models):
        stored = await server.answer("upload_dataset", rows=ROWS)
        first = await run(server, **compare, input_data_file_path=stored["file_id"])
        calls = len(models.requests)
        pairs = await run(server, type="compare", answers_of=first, **MORE)
        side = {**JUDGED, "response_column": "MODEL_TO_EVALUATE_OUTPUT_B"}
        metrics = [
            {"name": "b"},
            {"name": "a", "response_column": "MODEL_TO_EVALUATE_OUTPUT_A"},
        ]
        both = await server.answer(
            "create_evaluation", **{**side, "metrics": metrics, "answers_of": first}
        )
        unclear = await server.refusal(
            "create_evaluation", **{**side, "response_column": None}, answers_of=first
        )
        ids = [metric["evaluation_id"] for metric in both["metrics"]]
        for evaluation_id in ids:
            await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
        answer = await server.answer("get_evaluation", evaluation_id=pairs)
        retried = await run(server, type="compare", retry_of=first, **MORE)
        whole = await server.answer("get_evaluation", evaluation_id=retried)
        anew = await run(server, type="compare", answers_of=first)
        calls_before = len(models.requests)
        twice = await run(server, type="compare", retry_of=anew, **MORE)
        sent = models.requests[calls_before:]
        again = await server.answer("get_evaluation", evaluation_id=twice)
        one = await rows_of(server, ids[0])

    assert {model_of(each) for each in models.requests[calls : calls + 20]} == {"judge-1"}
    assert answer["parameters"]["response_column_a"] == "MODEL_TO_EVALUATE_OUTPUT_A"
    assert answer["summary"]["wins"]["ties"] == 10
    assert {model_of(each) for each in sent} == {"judge-1"}
    assert len(sent) == 2
    assert again["summary"]["wins"]["ties"] == 10
    assert "small-2 says" in one[0]["columns"]["MODEL_TO_EVALUATE_OUTPUT_B"]
    assert "has 2 answers to a row. Name 'MODEL_TO_EVALUATE_OUTPUT_A' or" in unclear
    assert whole["summary"]["wins"]["ties"] == 10
    assert any("1 row of try 2" in note for note in whole["summary"]["notes"])


async def test_only_rows_without_a_verdict_are_sent_again_and_the_others_taken_over(
    tmp_path: Path,
) -> None:
    retry = {"type": "classify", **MORE}
    async with ModelServer(unsure, models=MODELS) as models:
        async with server_in(tmp_path, models) as server:
            stored = await server.answer("upload_dataset", rows=ROWS)
            first = await run(server, **JUDGED, input_data_file_path=stored["file_id"])
            next_step = (await server.answer("get_evaluation", evaluation_id=first))["next_step"]
        calls = len(models.requests)
        async with server_in(tmp_path, models) as server:
            plan = await server.answer("create_evaluation", **retry, retry_of=first, dry_run=True)
            second = await run(server, **retry, retry_of=first)
            sent = len(models.requests) - calls
            answer = await server.answer("get_evaluation", evaluation_id=second)
            by = await server.answer("get_evaluation", evaluation_id=second, by="topic")
            rows = await rows_of(server, second)
            export = await server.answer("export_results", evaluation_id=second, format="jsonl")
            compared = await server.answer(
                "compare_evaluations", evaluation_id_a=first, evaluation_id_b=second
            )
            kept = await server.refusal("delete_data", id=first, confirm=True)
            nothing = await server.refusal("create_evaluation", **retry, retry_of=second)
            status = await server.answer("get_status", evaluation_id=second)

    assert f"`retry_of` {first}" in next_step
    assert (plan["calls"], plan["plan"]["rows"], sent) == (2, 2, 2)
    assert answer["summary"]["headline"].startswith("90.0 % of 10 answers pass")
    assert status["headline"] == answer["summary"]["headline"]
    assert answer["summary"]["notes"] == [
        f"8 rows of try 1 ({first}) and 2 rows of try 2 ({second}); column evals_try.",
        "The tries differ in judge.max_tokens: 9 in try 1, 2000 in try 2.",
    ]
    assert answer["parameters"]["retry_of"] == first
    assert (by["by"]["values"], by["summary"]["headline"]) == (1, answer["summary"]["headline"])
    tries = [(row["columns"]["id"], row["columns"]["evals_try"]) for row in rows]
    assert tries == [(f"r{n}", "2" if n in {2, 4} else "1") for n in range(10)]
    exported = [json.loads(line) for line in Path(export["path"]).read_text().splitlines()]
    assert [(row["id"], str(row["evals_try"])) for row in exported] == tries
    assert compared["rows"]["rows_b"] == 10
    assert f"{second} is a retry of this evaluation and takes over its rows" in kept
    assert f"Every row of {second} has a verdict, so there is nothing to retry" in nothing


async def test_figures_of_another_judge_are_kept_apart_and_tries_form_a_chain(
    tmp_path: Path,
) -> None:
    async with both_in(tmp_path, unsure) as (server, _):
        stored = await server.answer("upload_dataset", rows=ROWS)
        first = await run(server, **JUDGED, input_data_file_path=stored["file_id"])
        half = await run(server, type="classify", retry_of=first, judge={"max_tokens": 19})
        other = {"type": "classify", "retry_of": half}
        last = await run(server, **other, judge={"max_tokens": 2_000, "model": "judge-2"})
        answer = await server.answer("get_evaluation", evaluation_id=last)
        by = await server.refusal("get_evaluation", evaluation_id=last, by="topic")
        for form in ("csv", "markdown", "html"):
            export = await server.answer("export_results", evaluation_id=last, format=form)
            assert export["headline"].startswith("Kept apart, because"), form
        rows = await rows_of(server, last)
        for each in (last, half):
            await server.answer("delete_data", id=each, confirm=True)
        gone = await server.answer("delete_data", id=first, confirm=True)

    assert answer["summary"]["headline"].startswith(
        "Kept apart, because the tries differ in judge.model. Tries 1, 2: 87.5 % of 8 answers pass"
    )
    assert "Try 3: 100.0 % of 2 answers pass" in answer["summary"]["headline"]
    assert "which differ in judge.model" in by
    assert [row["columns"]["evals_try"] for row in rows] == [
        "3" if n in {2, 4} else "1" for n in range(10)
    ]
    assert gone["deleted"]


async def test_a_vendor_gets_ordinary_evaluations_and_any_process_reads_them(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(unsure, models=MODELS) as models,
        served_engine(tmp_path / "engine", LOCAL__MODELS__BASE_URL=models.base_url) as engine,
    ):
        vendor = {"base_url": engine.url, "token": "token-1"}
        configured = settings(tmp_path, server={"provider": "together"}, together=vendor)
        opening = partial(open_services, configured, open_providers)
        async with Client(build_server("0.0", opening)) as client:
            server = Served(client)
            stored = await server.answer("upload_dataset", rows=[*ROWS, ROWS[2], ROWS[0]])
            data = {"input_data_file_path": stored["file_id"]}
            first = await run(server, **JUDGED, **data, sample=11)
            half = await server.answer("get_evaluation", evaluation_id=first)
            calls = len(models.requests)
            retried = await run(server, type="classify", retry_of=first, **MORE)
            judge = {"model": "judge-2"}
            again = await run(server, type="classify", answers_of=retried, judge=judge)
        async with Client(build_server("0.0", opening)) as client:
            server = Served(client)
            whole, other = [
                await server.answer("get_evaluation", evaluation_id=each)
                for each in (retried, again)
            ]
            rows = [await rows_of(server, each) for each in (first, retried, again)]

    failed = half["summary"]["failures"]["total"]
    assert failed in {2, 3}
    assert len(models.requests) - calls == failed + 11
    assert "of 11 answers pass" in whole["summary"]["headline"]
    assert f"{11 - failed} rows of try 1" in whole["summary"]["notes"][-2]
    assert "of 11 answers pass" in other["summary"]["headline"]
    ids = [[row["columns"]["id"] for row in each] for each in rows]
    assert ids[0] == ids[1] == ids[2]
    assert all(row["columns"]["topic"] == "sums" for each in rows for row in each)


@pytest.mark.parametrize("argument", ["answers_of", "retry_of"])
async def test_an_earlier_evaluation_that_cannot_be_built_on_is_refused(
    argument: str, tmp_path: Path
) -> None:
    async with both_in(tmp_path, unsure) as (server, models):
        stored = await server.answer("upload_dataset", rows=ROWS)
        data = {"input_data_file_path": stored["file_id"]}
        first = await run(server, **JUDGED, **data)
        benchmark = await server.answer(
            "upload_dataset",
            rows=[{"question": "1 + 1?", "answer": "2"}],
            benchmark=True,
        )
        asked = await run(
            server, type="benchmark", benchmark_id=benchmark["file_id"], model_id="small-1"
        )
        base = {"type": "classify", argument: first}
        refused = {
            "No evaluation 'eval-0000-1' exists": {argument: "eval-0000-1"},
            "is the id of a data set": {argument: stored["file_id"]},
            "is a benchmark evaluation": {argument: asked},
            "and `sample` exclude each other": {"sample": 3},
            "Leave `input_data_file_path` out": {"input_data_file_path": "file-other"},
            "exclude each other: the first judges": {"answers_of": first, "retry_of": first},
        }
        if argument == "retry_of":
            refused |= {
                "`labels` differs from": {"labels": ["good", "bad", "ugly"]},
                "Give `type` classify": {"type": "score"},
                "a retry is of one evaluation": {"metrics": [{"name": "a"}]},
                "`judge.max_tokens` must be": {"judge": {"max_tokens": 0}},
            }
        else:
            refused |= {
                "nothing is generated": {"model_to_evaluate": MODEL},
                "`judge.system_template` is missing": {"type": "score", **MORE},
            }
        few = await server.answer("upload_dataset", rows=ROWS[:3])
        slow = {**JUDGED, "input_data_file_path": few["file_id"]}
        slow["judge"] = {**JUDGED["judge"], "model": "slow"}
        running = (await server.answer("create_evaluation", **slow))["evaluation_id"]
        refused |= {f"{running} is ": {argument: running}}
        before = len(models.requests)
        for expected, changes in refused.items():
            text = await server.refusal("create_evaluation", **{**base, **changes})
            assert expected in text, text
            assert "create_evaluation again" in text
        assert not {model_of(each) for each in models.requests[before:]} - {"slow"}
        await server.answer("delete_data", id=stored["file_id"], confirm=True)
        text = await server.refusal("create_evaluation", **base)

    assert f"The data set {stored['file_id']} of {first} does not exist any more" in text


async def test_answers_that_are_judged_anew_stop_when_it_is_decided(tmp_path: Path) -> None:
    rows = [{"id": f"r{n}", "question": f"What is {n} + 1?", "answer": "A sum."} for n in range(80)]
    judge = {"model": "judge-1", "system_template": "Is it right? {{question}}", "num_workers": 4}
    first_request = {
        "type": "classify",
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
        "judge": judge,
    }
    again = {"type": "classify", "judge": {"model": "judge-2"}}
    async with both_in(tmp_path, lambda _: verdict(feedback="", label="good")) as (server, models):
        stored = await server.answer("upload_dataset", rows=rows)
        first = await run(server, **first_request, input_data_file_path=stored["file_id"])
        judged = len(models.requests)
        stopping = {"answers_of": first, "stop_when": {"decided": True, "target": 50}, **again}
        plan = await server.answer("create_evaluation", **stopping, dry_run=True)
        second = await run(server, **stopping)
        summary = (await server.answer("get_evaluation", evaluation_id=second))["summary"]

    assert judged == len(rows)
    assert any("`stop_when` decided" in note for note in plan["plan"]["notes"])
    assert summary["sequential"]["decision"] == "above"
    assert summary["sequential"]["rows_not_judged"] > 0
    assert len(models.requests) - judged == len(rows) - summary["sequential"]["rows_not_judged"]
