"""Rows in clusters, in `get_evaluation` and `compare_evaluations`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.server.fake_provider import NOON, FakeProvider, jsonl
from tests.server.serving import served, settings

from evals_mcp.results.calibration.headline import UNCHECKED
from evals_schemas.evaluation_api.evaluations import EvaluationJob

JUDGE = {"model": "m", "model_source": "serverless", "system_template": "t"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "classify": {"labels": ["good", "bad"], "pass_labels": ["good"]},
    "score": {"min_score": 0, "max_score": 10, "pass_threshold": 5},
    "compare": {"model_a": "old", "model_b": "new"},
}
Rows = Sequence[Mapping[str, Any]]


def job(kind: str, name: str = "1", **own: Any) -> EvaluationJob:
    return EvaluationJob.model_validate(
        {
            "workflow_id": f"eval-{name}",
            "type": kind,
            "status": "completed",
            "created_at": NOON,
            "parameters": {
                "judge": JUDGE,
                "input_data_file_path": "file-1",
                **PARAMETERS[kind],
                **own,
            },
            "results": {"result_file_id": f"file-{name}"},
        }
    )


def answered(labels: Sequence[bool], per_question: int = 10) -> list[dict[str, Any]]:
    """Return labelled answers to questions, so many to each."""
    return [
        {
            "id": number,
            "question": f"question {number // per_question}",
            "answer": f"answer {number}",
            "label": "good" if passed else "bad",
        }
        for number, passed in enumerate(labels)
    ]


TWENTY = [number < 13 for number in range(20) for _ in range(10)]
"""The answers to 20 questions: all 10 to 13 of them pass, none to the others."""


async def clustered(rows: Rows, folder: Path, column: str, kind: str = "classify") -> Any:
    """Return the summary of rows in clusters by a column, and as text."""
    fake = FakeProvider(jobs=[job(kind)], contents={"file-1": jsonl(*rows)})
    async with served(fake, configured=settings(folder)) as server:
        arguments = {"evaluation_id": "eval-1", "cluster_column": column}
        summary = (await server.answer("get_evaluation", **arguments))["summary"]
        text = await server.text("get_evaluation", **arguments)
        plain = (await server.answer("get_evaluation", evaluation_id="eval-1"))["summary"]
    assert summary["headline"] in text
    return summary, plain, text


async def refusal(rows: Rows, folder: Path, column: str, kind: str = "classify") -> str:
    fake = FakeProvider(jobs=[job(kind)], contents={"file-1": jsonl(*rows)})
    async with served(fake, configured=settings(folder)) as server:
        return await server.refusal("get_evaluation", evaluation_id="eval-1", cluster_column=column)


async def test_answers_to_few_questions_count_as_few_independent_ones(tmp_path: Path) -> None:
    summary, plain, text = await clustered(answered(TWENTY), tmp_path, "question")

    assert summary["headline"] == (
        "65.0 % of 200 answers pass (95 % interval 41.4 to 83.0 %); the answers come from 20 "
        "values of 'question' and count as about 19 independent ones (58.2 to 71.3 % had all been "
        f"independent).{UNCHECKED}"
    )
    assert summary["clusters"] == {
        "column": "question",
        "count": 20,
        "effective": 20,
        "largest_percent": 5,
        "rows_worth": 19,
    }
    assert summary["pass_rate"]["interval"]["method"] == "wilson, clustered"
    assert "Clusters by 'question': 20, worth 20.0 equal ones; the largest has 5.0 %" in text
    assert plain["pass_rate"]["interval"]["method"] == "wilson"
    assert plain.get("clusters") is None


async def test_few_clusters_are_said_in_the_headline(tmp_path: Path) -> None:
    eight, _, _ = await clustered(answered(TWENTY[50:130]), tmp_path / "8", "question")
    five, _, text = await clustered(answered(TWENTY[100:150]), tmp_path / "5", "question")

    assert "; the answers come from 8 values of 'question' (few) and count as" in eight["headline"]
    assert five["headline"] == (
        "60.0 % of 50 answers pass; no interval: the answers come from 5 values of 'question', and "
        f"fewer than 6 equal clusters show too little.{UNCHECKED}"
    )
    assert five["pass_rate"].get("interval") is None
    assert five["headline"] in text


async def test_unequal_clusters_are_said_in_the_headline(tmp_path: Path) -> None:
    rows = answered([number % 3 > 0 for number in range(260)], per_question=1)
    for row in rows[:200]:
        row["question"] = f"long {row['id'] % 7}"

    summary, _, _ = await clustered(rows, tmp_path, "question")

    weigh = "come from 67 values of 'question' (so unequal that they weigh as 11.7) and count as"
    assert weigh in summary["headline"]


async def test_scores_and_choices_have_the_intervals_and_tests_of_their_clusters(
    tmp_path: Path,
) -> None:
    scores = [{**row, "score": 2 + 5 * (row["label"] == "good")} for row in answered(TWENTY)]
    choices = [
        {**row, "final_decision": choice, "choice_original": choice, "choice_flipped": "A"}
        for row in answered(TWENTY)
        if (choice := "A" if row["label"] == "good" else "Tie")
    ]

    scored, plain, _ = await clustered(scores, tmp_path / "score", "question", "score")
    chosen, _, _ = await clustered(choices, tmp_path / "compare", "question", "compare")

    assert scored["headline"].startswith(
        "The mean score of 200 answers is 5.25 on a scale of 0 to 10"
    )
    assert scored["headline"].endswith(
        "; the answers come from 20 values of 'question' and count as about 19 independent ones "
        f"(4.917 to 5.583 had all been independent).{UNCHECKED}"
    )
    assert scored["scores"]["interval"]["method"] == "t, clustered"
    assert scored["pass_rate"]["interval"]["method"] == "wilson, clustered"
    assert scored["scores"]["interval"]["low"] < plain["scores"]["interval"]["low"]
    assert chosen["headline"].startswith(
        "'old' is better: of 200 pairs 'old' wins 130, 'new' wins 0 and 70 are ties (cluster "
        "sign-flip p < 0.001); 'old' has a win rate of 82.5 % (95 % interval 71."
    )
    assert "; the pairs come from 20 values of 'question' and count as" in chosen["headline"]
    assert chosen["wins"]["p_value"] == pytest.approx(2 / 2**13)
    assert chosen["wins"]["disagreements"]["interval"]["method"] == "wilson, clustered"


async def test_a_column_without_repeated_values_changes_no_figure(tmp_path: Path) -> None:
    summary, plain, _ = await clustered(answered(TWENTY), tmp_path, "id")

    assert summary["notes"][-1] == (
        "`cluster_column` changes nothing: no two of the 200 rows have the same value of 'id'. "
        "Name a column whose values repeat in rows that belong together."
    )
    assert {**summary, "notes": []} == {**plain, "notes": []}


async def test_rows_without_a_value_are_clusters_of_their_own(tmp_path: Path) -> None:
    rows = answered(TWENTY)
    for row in rows[60:80]:
        row["question"] = "" if row["id"] % 2 else None

    summary, _, _ = await clustered(rows, tmp_path, "question")

    assert "come from 18 values of 'question' and 20 rows without one" in summary["headline"]
    assert summary["clusters"]["count"] == 38
    assert summary["notes"][-1] == (
        "20 rows have no value in 'question'; each counts as a cluster of its own. If they belong "
        "together, fill the column in."
    )


async def test_columns_that_cannot_be_used_are_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{**row, "set": "one", "most": int(row["id"] > 100)} for row in answered(TWENTY)]

    assert "Did you mean 'question'?" in await refusal(rows, tmp_path, "questions")
    assert "has a column 'label'" in await refusal(rows, tmp_path, "label")
    assert await refusal(rows, tmp_path, "set") == (
        "`cluster_column`: one value of 'set' holds all 200 rows, so the others cannot show the "
        "error. Name a column with more values, such as the question or the conversation, or leave "
        "the argument out."
    )
    most = await refusal(rows, tmp_path, "most")
    assert "one value of 'most' holds 50.5 % of the 200 rows" in most
    monkeypatch.setattr("evals_mcp.result_files.clusters.MAX_VALUES", 19)
    assert await refusal(rows, tmp_path, "question") == (
        "`cluster_column`: 'question' has more than 19 values, the most that can be held. Name a "
        "column with fewer values, or leave the argument out."
    )


async def headlines(rows: Rows, folder: Path, kind: str = "classify", **own: Any) -> set[str]:
    """Return the headlines of a vendor's indexed evaluation in all tools."""
    fake = FakeProvider(name="together", jobs=[job(kind, **own)], contents={"file-1": jsonl(*rows)})
    async with served(fake, configured=settings(folder)) as server:
        found = await server.answer("get_evaluation", evaluation_id="eval-1")
        status = await server.answer("get_status", evaluation_id="eval-1")
        page = await server.answer("list_evaluations")
    listed = page["evaluations"][0]["headline"]
    return {found["summary"]["headline"], status["headline"], listed}


async def test_an_input_that_rows_repeat_is_named_in_the_headline_of_every_tool(
    tmp_path: Path,
) -> None:
    (headline,) = await headlines(answered(TWENTY), tmp_path)

    assert headline == (
        "65.0 % of 200 answers pass (95 % interval 58.2 to 71.3 %). 200 rows share 20 values of "
        f"'question': cluster_column 'question' allows for that, this interval does not.{UNCHECKED}"
    )


@pytest.mark.parametrize(
    "column",
    [
        {"question": [f"question {n}" for n in range(200)]},
        {"category": [f"{n % 10}" for n in range(200)]},
        {"question": [f"question {n % 5}" for n in range(200)]},
        {"question": [f"question {n % 165}" for n in range(200)]},
    ],
    ids=["distinct", "categories", "too few values", "few repetitions"],
)
async def test_other_columns_are_not_named(column: dict[str, list[str]], tmp_path: Path) -> None:
    (name,) = column
    rows = [
        {**row, "question": row["answer"], name: value}
        for row, value in zip(answered(TWENTY), column[name], strict=True)
    ]

    (headline,) = await headlines(rows, tmp_path)

    assert headline == f"65.0 % of 200 answers pass (95 % interval 58.2 to 71.3 %).{UNCHECKED}"


async def test_a_judged_answer_is_no_input(tmp_path: Path) -> None:
    rows = [{**row, "question": row["id"]} for row in answered(TWENTY)]
    rows = [{**row, "answer": f"a long answer that repeats {row['id'] % 20}"} for row in rows]

    (judged,) = await headlines(rows, tmp_path / "1", model_to_evaluate="answer")
    (read,) = await headlines(rows, tmp_path / "2")

    assert "share" not in judged
    assert "200 rows share 20 values of 'answer'" in read


async def compared(
    rows_a: Rows, rows_b: Rows, folder: Path, kind: str = "classify", **arguments: Any
) -> tuple[dict[str, Any], str]:
    """Return the comparison of two evaluations of answers `old` and `new`, and its text."""
    fake = FakeProvider(
        jobs=[
            job(kind, "1", model_to_evaluate="old"),
            job(kind, "2", model_to_evaluate="new"),
        ],
        contents={"file-1": jsonl(*rows_a), "file-2": jsonl(*rows_b)},
    )
    both = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2", "key": "id"}
    async with served(fake, configured=settings(folder)) as server:
        answer = await server.answer("compare_evaluations", **both, **arguments)
        text = await server.text("compare_evaluations", **both, **arguments)
    assert answer["headline"] in text
    return answer, text


def versions(labels: Sequence[bool]) -> list[dict[str, Any]]:
    return [{**row, "old": "o", "new": f"n {row['id']}"} for row in answered(labels)]


MORE = [passed or number in range(130, 150) for number, passed in enumerate(TWENTY)]
"""As `TWENTY`, and all answers to two more questions pass."""


async def test_a_difference_in_two_of_twenty_questions_is_not_clear(tmp_path: Path) -> None:
    rows_a, rows_b = versions(TWENTY), versions(MORE)

    plain, _ = await compared(rows_a, rows_b, tmp_path)
    answer, text = await compared(rows_a, rows_b, tmp_path, cluster_column="question")

    start = "'new' passes 10.0 points more often than 'old' on 200 paired rows (75.0 % against "
    assert plain["headline"] == (
        f"{start}65.0 %; 95 % interval 6.6 to 14.9 points, exact McNemar p < 0.001). 200 rows "
        "share 20 values of 'question': cluster_column 'question' allows for that, this "
        "interval does not."
    )
    assert answer["headline"] == (
        f"No clear difference: {start}65.0 %; 95 % interval -4.4 to 24.4 points, cluster "
        "sign-flip p = 0.500); with this many rows a difference under 20.3 points could easily be "
        "missed. The pairs come from 20 values of 'question', and only 2 of these differ."
    )
    assert answer["passes"]["p_value"] == 0.5
    assert answer["passes"]["a"]["interval"]["method"] == "wilson, clustered"
    assert answer["clusters"]["count"] == 20
    assert answer["clusters"].get("rows_worth") is None
    assert "Clusters by 'question': 20, worth 20.0 equal ones" in text
    assert ", cluster sign-flip p = 0.500; pass in A only: 0, in B only: 20" in text


async def test_few_clusters_have_neither_interval_nor_test_in_a_comparison(tmp_path: Path) -> None:
    answer, _ = await compared(
        versions(TWENTY)[100:150], versions(MORE)[100:150], tmp_path, cluster_column="question"
    )
    part = versions(TWENTY)[100:150]
    same, _ = await compared(part, part, tmp_path / "2", cluster_column="question")

    few = (
        "No interval: the pairs come from 5 values of 'question', and fewer than 6 equal clusters "
        "show too little."
    )
    assert answer["headline"] == (
        "'new' passes 40.0 points more often than 'old' on 50 paired rows (100.0 % against 60.0 "
        f"%); how certain that is cannot be computed. {few}"
    )
    assert answer["passes"].get("interval") is answer["passes"].get("p_value") is None
    assert set(answer["not_computed"].values()) == {"There are fewer than 6 effective clusters."}
    assert answer["not_computed"].keys() >= {"passes.interval", "passes.p_value"}
    assert same["headline"] == (
        f"No row differs: 'old' and 'new' pass the same 30 of 50 paired rows. {few}"
    )


async def test_scores_and_decisions_are_compared_over_clusters(tmp_path: Path) -> None:
    def scored(labels: Sequence[bool], high: float) -> Rows:
        return [{**row, "score": high if row["label"] == "good" else 2} for row in versions(labels)]

    def chosen(labels: Sequence[bool]) -> Rows:
        return [
            {**row, "final_decision": "A" if row["label"] == "good" else "B"}
            for row in versions(labels)
        ]

    by_question = {"cluster_column": "question"}
    scores, _ = await compared(
        scored(TWENTY, 6), scored(TWENTY, 7.5), tmp_path / "1", "score", **by_question
    )
    huge, _ = await compared(
        scored(TWENTY, 6), scored(MORE, 6), tmp_path / "2", "score", **by_question
    )
    decisions, text = await compared(
        chosen(TWENTY), chosen(MORE), tmp_path / "3", "compare", **by_question
    )

    assert "95 % interval 0.6315 to 1.319, cluster sign-flip p < 0.001)" in scores["headline"]
    assert scores["headline"].endswith("20 values of 'question', and only 13 of these differ.")
    assert scores["scores"].get("bootstrap") is None
    assert scores["not_computed"]["scores.bootstrap"] == "Over clusters there is no interval of it."
    assert huge["scores"]["p_value"] == 0.5
    assert decisions["preference"]["p_value"] == 0.5
    assert decisions["preference"]["interval"]["method"] == "t, clustered"
    assert decisions["agreement"]["same"]["interval"]["method"] == "wilson, clustered"
    assert "cluster sign-flip p = 0.500" in text


async def test_clusters_and_groups_are_requested_apart(tmp_path: Path) -> None:
    fake = FakeProvider(jobs=[job("classify", "1"), job("classify", "2")])
    both = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
    async with served(fake, configured=settings(tmp_path)) as server:
        text = await server.refusal(
            "compare_evaluations", **both, by="question", cluster_column="question"
        )

    assert text.startswith("`by` and `cluster_column` exclude each other")


async def test_a_column_without_repeated_values_changes_no_figure_of_a_comparison(
    tmp_path: Path,
) -> None:
    plain, _ = await compared(versions(TWENTY), versions(MORE), tmp_path)
    answer, _ = await compared(versions(TWENTY), versions(MORE), tmp_path, cluster_column="id")

    (warning,) = answer["warnings"]
    assert warning.startswith("`cluster_column` changes nothing: no two of the 200 rows have the")
    figures = ("passes", "not_computed", "rows", "comparable")
    assert {name: answer[name] for name in figures} == {name: plain[name] for name in figures}


async def test_judges_of_the_same_answers_are_compared_over_clusters(tmp_path: Path) -> None:
    def judged(labels: Sequence[bool], model: str, name: str) -> EvaluationJob:
        return job("classify", name, judge={**JUDGE, "model": model}, model_to_evaluate="answer")

    fake = FakeProvider(
        jobs=[judged(TWENTY, "m1", "1"), judged(MORE, "m2", "2")],
        contents={"file-1": jsonl(*answered(TWENTY)), "file-2": jsonl(*answered(MORE))},
    )
    both = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer("compare_evaluations", **both, cluster_column="question")

    assert answer["compares"] == "judges"
    assert "cluster sign-flip p = 0.500" in answer["headline"]
    assert answer["agreement"].get("interval") is answer["agreement"].get("ac1_interval") is None
