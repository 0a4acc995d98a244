from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.planning.requests import planned

from evals_mcp.errors import UnavailableError
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model, Pricing

FILES = [
    File(id="bench-1", filename="trivia.jsonl", purpose="benchmark", LineCount=50),
    File(id="bench-2", filename="empty.jsonl", purpose="benchmark"),
    File(id="file-1", filename="rows.jsonl", purpose="eval", LineCount=9),
]
MODELS = [Model(id="small-1"), Model(id="large-1"), Model(id="rule/contains", type="rule")]


def request(**changes: Any) -> BenchmarkRequest:
    return BenchmarkRequest.model_validate(
        {"model_id": "small-1", "benchmark_id": "bench-1", **changes}
    )


def provider(name: str = "local") -> FakeProvider:
    return FakeProvider(name=name, files=FILES, models=MODELS)


async def test_two_models_answer_every_question() -> None:
    plan = await planned(request(model_id_2="large-1"), provider())

    assert plan.model_dump(exclude_defaults=True) == snapshot(
        {
            "rows": 50,
            "calls": 100,
            "power": {
                "sentence": (
                    "50 questions give an accuracy within about ±13.4 points (95 %; ±10 needs 93 "
                    "questions). With 80 % power, the two models show a difference of 19 points "
                    "or more in accuracy if 20 % of the questions differ (5 points need 665 "
                    "questions)."
                ),
                "half_width": 13.3555,
                "differences": [
                    {
                        "of": "accuracy",
                        "assumption": "20 % of the questions differ",
                        "assumed": 20.0,
                        "difference": 19.2031,
                        "target": 5.0,
                        "rows_for_target": 665,
                    }
                ],
            },
            "notes": [
                "Calls count the answers; calls of a judge that compares them are not included.",
                "The cost is unknown: the questions of the benchmark could not be read.",
            ],
        }
    )


@pytest.mark.parametrize(
    ("changes", "service", "problem", "warning"),
    [
        ({"benchmark_id": "bench-9"}, "local", "Did you mean 'bench-1' or 'bench-2'?", ""),
        ({"benchmark_id": "trivia"}, "local", "Did you mean 'bench-1'?", ""),
        ({"benchmark_id": "file-1"}, "local", "'file-1' is a data set, not a benchmark", ""),
        ({"benchmark_id": "bench-2"}, "local", "this benchmark has no questions", ""),
        ({"model_id_2": "small-1"}, "local", "`model_id_2` is the same as `model_id`", ""),
        (
            {"model_id": "smal-1"},
            "local",
            "local does not list 'smal-1'. Did you mean 'small",
            "",
        ),
        (
            {"custom_metrics": ["accurracy"]},
            "local",
            (
                "'accurracy' is not a metric of local, which has accuracy and relevance. Did you "
                "mean acc"
            ),
            "",
        ),
        ({"model_id": "smal-1"}, "nugen", "nugen does not list 'smal-1'. Did you mean 'small", ""),
        ({"model_id": "rule/contains"}, "local", "a rule can judge, but not answer", ""),
    ],
)
async def test_what_cannot_work_is_a_problem_and_what_may_not_a_warning(
    changes: dict[str, Any], service: str, problem: str, warning: str
) -> None:
    plan = await planned(request(**changes), provider(name=service))

    assert problem in " ".join(plan.problems)
    assert warning in " ".join(plan.warnings)
    assert (bool(plan.problems), bool(plan.warnings)) == (bool(problem), bool(warning))


QUESTIONS = [
    {"question_num": n, "question": f"What is {n} plus {n}?", "answer": str(2 * n)}
    for n in range(50)
]


def readable() -> FakeProvider:
    models = [
        Model(id="small-1", pricing=Pricing(input=1, output=2)),
        Model(id="large-1", pricing=Pricing(input=10, output=20)),
    ]
    content = {"bench-1": jsonl(*QUESTIONS)}
    return FakeProvider(files=FILES, models=models, contents=content)


async def test_a_benchmark_without_an_endpoint_is_a_problem_before_anybody_is_asked() -> None:
    plan = await planned(request(), readable(), serves_models=False)

    assert "local has no endpoint for models" in " ".join(plan.problems)
    assert "lists no model" not in " ".join(plan.warnings)


async def test_a_rule_that_judges_costs_nothing_and_is_not_spoken_of() -> None:
    plan = await planned(request(), readable(), benchmark_judge="rule/contains")

    assert (plan.rows, plan.calls) == (50, 50)
    assert [(each.role, each.calls) for each in plan.models] == [("model_id", 50)]
    assert plan.cost_usd is not None
    assert plan.notes == [
        "Assumed output: a model 300 tokens a call (50 to 1,024). Reasoning models write more."
    ]


async def test_a_model_that_judges_is_called_for_each_answer() -> None:
    plan = await planned(request(model_id_2="large-1"), readable(), benchmark_judge="large-1")

    assert (plan.rows, plan.calls) == (50, 200)
    assert [(each.role, each.model, each.calls) for each in plan.models] == [
        ("model_id", "small-1", 50),
        ("model_id_2", "large-1", 50),
        ("judge", "large-1", 100),
    ]
    assert plan.cost_usd is not None
    assert plan.cost_usd.high == pytest.approx(
        sum(each.cost_usd.high for each in plan.models if each.cost_usd), rel=0.01
    )
    assert plan.notes[0] == (
        "'large-1' judges each answer (local.benchmark_judge), with one call more."
    )


async def test_a_service_that_does_not_count_questions_leaves_calls_open() -> None:
    plan = await planned(request(benchmark_id="bench-2"), provider(name="nugen"))

    assert (plan.calls, plan.rows, plan.problems) == (None, None, [])
    assert "nugen does not report how many questions the benchmark has." in plan.notes


async def test_without_lists_nothing_is_refused() -> None:
    class Listless(FakeProvider):
        async def list_datasets(self) -> list[File]:
            raise UnavailableError("local does not answer.")

        async def list_models(self) -> list[Model]:
            raise UnavailableError("local does not answer.")

    plan = await planned(request(), Listless())

    assert (plan.problems, plan.warnings) == ([], [])
    assert plan.notes == snapshot(
        [
            "The benchmarks cannot be listed (local does not answer).",
            (
                "The price list is unavailable (local does not answer), and the questions' lengths "
                "are unknown."
            ),
        ]
    )
