"""Comparisons of labelled evaluations: the nearer judge, and differences as people see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import drawn_sample, say
from tests.server.serving import served, settings
from tests.server.tools.test_judge_calibration import JUDGE
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job

from evals_mcp.labels.labelling import LABELLER, Said
from evals_mcp.tools.labelling.label_rows import opened_labelling
from evals_schemas.evaluation_api.evaluations import EvaluationJob

COMMON: dict[str, Any] = {"labels": ["good", "bad"], "pass_labels": ["good"]}
ROWS = 200
Condition = Callable[[int], object]


def judged(number: int, model: str, answer: str) -> EvaluationJob:
    judge = {**JUDGE, "model": model, "system_template": "Is it right?"}
    parameters = COMMON | {"judge": judge, "model_to_evaluate": answer}
    return job(number, parameters=parameters)


def rows(answer: str, passes: Condition, people: Condition) -> list[dict[str, Any]]:
    """Return rows of which the judge and people pass those whose numbers meet a condition."""
    return [
        {
            "question": f"How much is {n}?",
            answer: f"{answer} to {n}",
            "label": "good" if passes(n) else "bad",
            "gold": "good" if people(n) else "bad",
        }
        for n in range(ROWS)
    ]


def provider(first: EvaluationJob, second: EvaluationJob, *files: Any) -> FakeProvider:
    contents = {
        f"file-{number}": jsonl(*({k: v for k, v in row.items() if k != "gold"} for row in each))
        for number, each in enumerate(files, 1)
    }
    return FakeProvider(jobs=[first, second], contents=contents)


async def label_first(fake: FakeProvider, gold: list[dict[str, Any]], folder: Path) -> None:
    async with session_of(fake, folder) as session:
        sample = await drawn_sample(session)
        for position in range(1, 121):
            await say(session, sample, position, gold[sample.rows[position - 1] - 1]["gold"])


async def label(
    fake: FakeProvider, evaluation: str, number: int, gold: list[dict[str, Any]], folder: Path
) -> None:
    """Label the first rows of the sample that label_rows draws for an evaluation."""
    async with (
        session_of(fake, folder) as session,
        opened_labelling(session, evaluation) as labelling,
    ):
        sample = await labelling.sample("random")
        for position in range(1, number + 1):
            value = gold[sample.rows[position - 1] - 1]["gold"]
            await labelling.say(sample, Said(position, value, LABELLER, "terminal", 3.0))


async def test_of_two_judges_the_one_nearer_to_the_labels_is_named(tmp_path: Path) -> None:
    fair = rows("answer", lambda n: n % 10 < 5, lambda n: n % 10 < 6)
    lenient = rows("answer", lambda n: n % 10 < 9, lambda n: n % 10 < 6)
    fake = provider(judged(1, "fair", "answer"), judged(2, "lenient", "answer"), fair, lenient)
    await label_first(fake, fair, tmp_path)

    async with served(fake, configured=settings(tmp_path)) as server:
        ids = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
        answer = await server.answer("compare_evaluations", **ids)
        text = await server.text("compare_evaluations", **ids)

    labels = answer["calibration"]
    assert answer["compares"] == "judges"
    assert labels["labels"] == 120
    assert labels["agreement_a"][0] > labels["agreement_b"][0]
    assert labels["difference"][2] < 0
    (sentence,) = labels["sentences"]
    assert sentence.startswith("Beside 120 labels of people, judge 'fair' agrees on ")
    assert sentence in answer["headline"]
    assert sentence in text


async def test_a_difference_needs_labels_for_both_answers_of_a_row(tmp_path: Path) -> None:
    old = rows("old", lambda n: n % 10 < 5, lambda n: n % 10 < 5)
    new = rows("new", lambda n: n % 10 < 7, lambda n: n % 10 < 5)
    fake = provider(judged(1, "m", "old"), judged(2, "m", "new"), old, new)
    await label_first(fake, old, tmp_path)

    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer(
            "compare_evaluations", evaluation_id_a="eval-1", evaluation_id_b="eval-2"
        )

    assert answer["compares"] == "answers"
    refused, by_other = answer["calibration"]["sentences"]
    assert "only A has labels" in refused
    assert "judge both answers from one data set" in refused
    assert refused not in answer["headline"]
    assert by_other.startswith("Corrected by 120 labels for A: pass rate of B ")
    assert by_other.endswith("this holds if the judge errs here as it did there.")
    corrected = answer["calibration"]["by_other_labels"]
    assert corrected["method"] == "rogan-gladen"
    assert corrected["judge_alone"] == 70


async def test_rows_that_are_labelled_on_both_sides_are_counted_and_asked_for(
    tmp_path: Path,
) -> None:
    old = rows("old", lambda n: n % 10 < 5, lambda n: n % 10 < 5)
    new = rows("new", lambda n: n % 10 < 7, lambda n: n % 10 < 5)
    jobs = [judged(1, "m", "old"), judged(2, "m", "new")]
    for each in jobs:
        each.parameters["input_data_file_path"] = "file-data"
    fake = provider(jobs[0], jobs[1], old, new)
    await label(fake, "eval-1", 60, old, tmp_path)
    ids = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}

    async with served(fake, configured=settings(tmp_path)) as server:
        only_a = await server.answer("compare_evaluations", **ids)
    await label(fake, "eval-2", 18, new, tmp_path)
    async with served(fake, configured=settings(tmp_path)) as server:
        few = await server.answer("compare_evaluations", **ids)
    await label(fake, "eval-2", 30, new, tmp_path)
    async with served(fake, configured=settings(tmp_path)) as server:
        enough = await server.answer("compare_evaluations", **ids)

    assert only_a["calibration"]["sentences"][0].endswith(
        "Samples of one data set begin with the same rows: label 30 more for B, with label_rows."
    )
    assert few["calibration"]["sentences"][0] == (
        "Labels correct nothing here: of B: 18 labels; 30 are the fewest."
    )
    assert enough["calibration"]["labels"] == 30
    assert enough["calibration"]["corrected"]["unit"] == "points"


async def test_samples_of_two_data_sets_share_few_rows_and_that_is_said(tmp_path: Path) -> None:
    old = rows("old", lambda n: n % 10 < 5, lambda n: n % 10 < 5)
    new = rows("new", lambda n: n % 10 < 7, lambda n: n % 10 < 5)
    fake = provider(judged(1, "m", "old"), judged(2, "m", "new"), old, new)
    await label(fake, "eval-1", 30, old, tmp_path)
    await label(fake, "eval-2", 30, new, tmp_path)

    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer(
            "compare_evaluations", evaluation_id_a="eval-1", evaluation_id_b="eval-2"
        )

    (refused, *_) = answer["calibration"]["sentences"]
    assert "with labels on both sides, of 30 of A and 30 of B; 30 are the fewest." in refused
    assert "judge both answers from one data set" in refused


async def test_a_comparison_without_labels_is_as_it_was(tmp_path: Path) -> None:
    same = rows("answer", lambda n: n % 2, lambda n: n % 2)
    fake = provider(judged(1, "one", "answer"), judged(2, "two", "answer"), same, same)

    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer(
            "compare_evaluations", evaluation_id_a="eval-1", evaluation_id_b="eval-2"
        )

    assert answer.get("calibration") is None
    assert "people" not in answer["headline"]
