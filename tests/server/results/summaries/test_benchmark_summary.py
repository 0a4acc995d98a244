import statistics
from collections.abc import Sequence
from typing import Any

import pytest
from dirty_equals import IsApprox
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.types.summing import summarize, summarize_rows
from evals_mcp.results.types.table import row_reader
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.summaries import Summary

FIRST, SECOND = "model-a", "model-b"
Answer = tuple[str, bool | None, float | None]
"""Model id, whether the answer is correct, and score."""


def job(*models: str, status: str = "completed", **results: Any) -> EvaluationJob:
    names = dict(zip(("model_id", "model_id_2"), models or (FIRST,), strict=False))
    return EvaluationJob.model_validate(
        {
            "workflow_id": "beval-1",
            "type": "benchmark",
            "status": status,
            "parameters": {**names, "benchmark_id": "benchmark-1"},
            "progress": {"done": 3, "total": 10},
            "results": results,
        }
    )


def summed(found: EvaluationJob, questions: Sequence[Sequence[Answer]]) -> Summary:
    read = row_reader(found.type, found.parameters)
    rows = [
        {"question": f"q {n}", "model_id": model, "correct": correct, "score": score}
        | ({} if score is None and correct is None else {"model_answer": f"{model} {score}"})
        for n, answers in enumerate(questions)
        for model, correct, score in answers
    ]
    summary = summarize_rows(
        found, [(number, read(row), row) for number, row in enumerate(rows, 1)]
    )
    assert summary is not None
    return summary


def both(first: bool, second: bool) -> list[Answer]:
    return [(FIRST, first, float(first)), (SECOND, second, float(second))]


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ([both(False, True)] * 20, ("'model-b' answers more questions correctly than 'model-a': 20 "
         "against 0 of 20, 100.0 points (95 % interval 67.8 to 100.0 points, exact McNemar p < ")),
        ([both(True, False)] * 20, ("'model-a' answers more questions correctly than 'model-b': 20 "
         "against 0 of 20, 100.0 points (95 % interval 67.8 to 100.0 points")),
        ([both(True, False)] * 3 + [both(True, True)] * 7, ("No clear difference: "
         "'model-a' answers "
         "more questions correctly than 'model-b': 10 against 7 of 10, 30.0 points")),
        ([both(True, False), both(False, True)], ("No clear difference: "
         "'model-b' and 'model-a' each "
         "answer 1 of 2 questions correctly (95 %")),
        ([both(True, True)] * 4, ("No question differs: 'model-b' and 'model-a' each answer "
         "4 of 4 questions correctly; up to 49.0 points either way is possible (95 %).")),
    ],
)  # fmt: skip
def test_the_headline_names_the_better_model_and_the_p_value(
    questions: list[list[Answer]], expected: str
) -> None:
    assert summed(job(FIRST, SECOND), questions).headline.startswith(expected)


def test_failed_answers_are_counted_and_left_out_of_figures() -> None:
    questions = [both(True, True)] * 5 + [[(FIRST, None, None), (SECOND, True, 1.0)]]
    summary = summed(job(FIRST, SECOND), questions)

    assert summary.failures is not None
    assert (summary.failures.generation, summary.failures.total) == (1, 1)
    assert summary.benchmark is not None
    first = summary.benchmark.models[0].correct
    assert first is not None
    assert (first.count, first.of, first.percent_of_all_rows) == (5, 5, IsApprox(83.3, delta=0.1))
    assert summary.benchmark.differences[0].questions == 5
    assert "one of the two models, or both, have no verdict: 1." in summary.notes[0]


def test_scores_without_a_verdict_on_correctness_keep_their_difference() -> None:
    questions: list[list[Answer]] = [
        [(FIRST, None, n / 20), (SECOND, None, n / 20 + 0.1 * (n % 2))] for n in range(18)
    ]
    summary = summed(job(FIRST, SECOND), questions)

    assert summary.benchmark is not None
    scores = summary.benchmark.differences[1]
    assert (scores.of, scores.difference) == ("score", IsApprox(0.05, delta=0.001))
    assert scores.interval is not None
    assert scores.bootstrap is not None


def test_the_headline_of_an_unfinished_evaluation_begins_with_that() -> None:
    summary = summed(job(status="user_error"), [[(FIRST, True, 1.0)]] * 3)

    assert summary.headline.startswith(
        "The evaluation did not finish; it ended after 3 of 10 answers: "
        "'model-a' answers 3 of 3 questions correctly"
    )


def test_other_metrics_of_the_service_are_added_to_those_of_the_rows() -> None:
    models = [{"model_id": FIRST, "metrics": {"fluency": {"mean": 4.5}, "accuracy": {"mean": 1}}}]
    summary = summed(job(models=models), [[(FIRST, True, 0.5)]])

    assert summary.benchmark is not None
    named = {metric.metric: metric for metric in summary.benchmark.models[0].metrics}
    assert named.keys() == {"score", "fluency"}
    assert named["fluency"].mean == 4.5
    assert named["score"].interval is None


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({"models": []}, "The evaluation completed; the service reported no figures."),
        ({"models": [{"model_id": FIRST}]}, "No question has a verdict."),
        ({"models": [{"model_id": FIRST, "metrics": {"score": {"mean": 0.7}}}]},
         "'model-a' has a mean score of 0.7; the number of questions is unknown."),
        ({"models": [{"model_id": FIRST, "metrics": {"score": {"mean": 0.7}}, "questions": 1}]},
         "'model-a' has a mean score of 0.7 over 1 question."),
        ({"models": [{"model_id": FIRST, "questions": 4, "correct": 3, "failed": 2}]},
         ("'model-a' answers 3 of 4 questions correctly: 75.0 % (95 % interval 30.1 to 95.4 %); 2 "
          "more answers failed and are not counted.")),
        ({"models": "none"}, "The evaluation ended; its figures have an unknown form."),
    ],
)  # fmt: skip
def test_the_figures_of_the_service_are_shown_as_far_as_they_exist(
    results: dict[str, Any], expected: str
) -> None:
    summary = summarize(job(**results))
    assert summary is not None
    assert summary.headline == expected


def test_a_failed_evaluation_without_figures_has_no_summary() -> None:
    assert summarize(job(status="error", models=[], error="no model")) is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_mean_and_deviation_are_those_of_the_population(scores: list[float]) -> None:
    summary = summed(job(), [[(FIRST, None, score)] for score in scores])

    assert summary.benchmark is not None
    (metric,) = summary.benchmark.models[0].metrics
    assert metric.mean == pytest.approx(statistics.fmean(scores), abs=1e-5)
    assert metric.std == pytest.approx(statistics.pstdev(scores), abs=1e-5)
    assert (metric.n, summary.headline) == (len(scores), summary.headline)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_two_models_and_their_difference_agree(answers: list[tuple[bool, bool]]) -> None:
    summary = summed(job(FIRST, SECOND), [both(*answer) for answer in answers])

    assert summary.benchmark is not None
    correct = summary.benchmark.differences[0]
    assert correct.first == sum(first for first, _ in answers)
    assert correct.second == sum(second for _, second in answers)
    assert correct.difference == pytest.approx(
        100 * (correct.second - correct.first) / len(answers), abs=1e-3
    )


def test_a_rule_that_judged_is_named_in_the_headline_and_explained() -> None:
    summary = summed(job(judge="rule/contains"), [[(FIRST, True, 1.0)]] * 3)
    assert summary.headline.endswith("; judged by rule/contains.")
    assert "local.benchmark_judge" in summary.notes[0]
    assert summary.benchmark is not None
    assert summary.benchmark.judge == "rule/contains"


def test_only_the_metrics_that_were_asked_for_are_shown() -> None:
    found = job(FIRST, SECOND)
    found.parameters["custom_metrics"] = ["accuracy"]
    summary = summed(found, [both(True, False), both(True, True), both(False, True)])
    assert summary.benchmark is not None
    assert [model.metrics for model in summary.benchmark.models] == [[], []]
    assert [one.of for one in summary.benchmark.differences] == ["correct"]


def test_an_interval_of_scores_from_0_to_1_stays_between_them() -> None:
    summary = summed(job(), [[(FIRST, True, score)] for score in (1.0, 1.0, 1.0, 0.0)])
    assert summary.benchmark is not None
    interval = summary.benchmark.models[0].metrics[0].interval
    assert interval is not None
    assert (interval.low, interval.high) == (0, 1)
