"""The estimates of a plan, compared with what the engine counts."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from examples.demo import CLASSIFY, COMPARE, DATA, EXAMPLES, SCORE

from evals_mcp.launching.request import to_request
from evals_mcp.planning.plan import plan_evaluation
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import ENDED
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.tools.plans import Plan
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.server.fake_provider import jsonl
from tests.server.planning.requests import planning_context
from tests.server.serving import own_provider, settings
from tests.server.tokens import tokens

RUBRIC = (
    "You judge answers of a support bot for a weather station. The right answer says: "
    "{{ expected }}. An answer that leaves this out or contradicts it is wrong, however polite."
)
JUDGE = {"model": "judge-1", "system_template": RUBRIC}
CANDIDATE = {
    "model": "small-1",
    "system_template": "Answer in two sentences at most.",
    "input_template": "{{ question }}",
}
FEEDBACK = (
    "The answer names the figure that is expected and adds a detail which does not contradict it. "
    "It is short, and nothing in it would mislead a customer."
)
ANSWER = "The sensor runs for about 18 months. In a cold winter the batteries may be empty sooner."


def says(request: ChatRequest) -> Reply:
    """Answer as a judge or a candidate, and count tokens as the encoding o200k does."""
    verdict = {"feedback": FEEDBACK, "label": "correct", "score": 1, "choice": "A"}
    asked = request.body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    wanted = {name: verdict[name] for name in asked.get("properties", {})}
    text = json.dumps(wanted) if wanted else ANSWER
    usage = {"prompt_tokens": _prompt_tokens(request.body), "completion_tokens": tokens(text)}
    return completion(text, usage=usage)


def _prompt_tokens(body: dict[str, Any]) -> int:
    texts = sum(4 + tokens(message["content"]) for message in body["messages"])
    return 3 + texts + tokens(body.get("response_format", ""))


@asynccontextmanager
async def _engine(
    tmp_path: Path,
    answer: Callable[[ChatRequest], Reply] = says,
    benchmark_judge: str = "rule/contains",
) -> AsyncGenerator[Provider]:
    async with ModelServer(answer, models=("judge-1", "small-1")) as models:
        local = {
            "data_dir": tmp_path / "engine",
            "models": {"base_url": models.base_url},
            "benchmark_judge": benchmark_judge,
        }
        async with own_provider(settings(local=local)) as provider:
            yield provider


async def _upload(provider: Provider, folder: Path, columns: list[str]) -> str:
    rows = [json.loads(line) for line in (EXAMPLES / DATA).read_text("utf-8").splitlines()]
    path = folder / DATA
    path.write_bytes(jsonl(*({name: row[name] for name in columns} for row in rows)))
    return (await provider.upload_dataset(path, DATA)).id


async def _usage(provider: Provider, request: AnyRequest) -> dict[str, int]:
    """Run the request and return the tokens that the engine counts."""
    usage = (await _ended(provider, request))["usage"]
    return {name: usage[name] for name in ("input_tokens", "output_tokens")}


async def _ended(provider: Provider, request: AnyRequest) -> dict[str, Any]:
    """Run the request and return its results."""
    created = await provider.create_evaluation(request)
    while True:
        job = await provider.get_evaluation(created.workflow_id)
        if job.status in ENDED:
            assert job.status == "completed", job.results
            return job.results or {}
        await anyio.sleep(0.02)


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        (CLASSIFY, ["expected", "answer_v1"]),
        (SCORE, ["expected", "answer_v1"]),
        (COMPARE, ["expected", "answer_v1", "answer_v2"]),
        (
            {name: value for name, value in CLASSIFY.items() if name != "response_column"}
            | {"model_to_evaluate": CANDIDATE},
            ["question", "expected"],
        ),
    ],
)
async def test_a_plan_foretells_the_tokens_that_the_engine_counts(
    tmp_path: Path, changes: dict[str, Any], columns: list[str]
) -> None:
    with anyio.fail_after(300):
        async with _engine(tmp_path) as provider, planning_context() as context:
            file_id = await _upload(provider, tmp_path, columns)
            fields = {**changes, "judge": JUDGE, "input_data_file_path": file_id}
            request = to_request(CreateEvaluationInput.model_validate(fields), {})
            first = await plan_evaluation(request, provider, context)
            usage = await _usage(provider, request)
            second = await plan_evaluation(request, provider, context)

    assert first.problems == []
    # The estimate for an unknown candidate is high. After one run only the split between the
    # candidate and the judge is unknown.
    if "model_to_evaluate" not in changes:
        assert first.input_tokens == pytest.approx(usage["input_tokens"], rel=0.1)
        assert _all(first) == pytest.approx(sum(usage.values()), rel=0.2)
    assert second.input_tokens == pytest.approx(usage["input_tokens"], rel=0.2)
    assert _all(second) == pytest.approx(sum(usage.values()), rel=0.2)


async def test_a_plan_foretells_the_prompts_of_a_benchmark_that_a_model_judges(
    tmp_path: Path,
) -> None:
    questions = [{"question": f"What is {n} plus {n}?", "answer": str(2 * n)} for n in range(30)]
    path = tmp_path / "sums.jsonl"
    path.write_bytes(jsonl(*questions))
    bodies: list[dict[str, Any]] = []

    def noted(request: ChatRequest) -> Reply:
        bodies.append(request.body)
        return says(request)

    with anyio.fail_after(300):
        async with (
            _engine(tmp_path, noted, "judge-1") as provider,
            planning_context() as context,
        ):
            stored = await provider.upload_benchmark(path, path.name)
            request = BenchmarkRequest(benchmark_id=stored.id, model_id="small-1")
            plan = await plan_evaluation(request, provider, context)
            await _ended(provider, request)

    assert (plan.problems, plan.calls) == ([], len(bodies))
    # The plan expects longer answers than these.
    unread = 30 * (300 - tokens(ANSWER))
    sent = sum(map(_prompt_tokens, bodies))
    assert (plan.input_tokens or 0) - unread == pytest.approx(sent, rel=0.1)


def _all(plan: Plan) -> int:
    return (plan.input_tokens or 0) + (plan.output_tokens or 0)
