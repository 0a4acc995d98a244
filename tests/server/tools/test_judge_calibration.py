"""What labels of people say of a judge, in the answers of every tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import drawn_sample, say
from tests.server.serving import Served, served, settings
from tests.server.tokens import tokens
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job

from evals_mcp.results.calibration.headline import NOT_READ, UNCHECKED
from evals_schemas.evaluation_api.evaluations import EvaluationJob

JUDGE = {"model": "m", "model_source": "serverless", "system_template": "Is {{answer}} right?"}
ROWS: list[dict[str, Any]] = [
    {
        "question": f"How much is {n}?",
        "gold": "good" if n % 10 < 5 else "bad",
        "answer": f"It is {n}.",
        "label": "good" if n % 10 < 8 else "bad",
        "feedback": f"Reason {n}",
    }
    for n in range(300)
]
"""The judge passes 8 of 10 rows, people 5 of them."""


def judged(**own: Any) -> EvaluationJob:
    parameters = {
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "model_to_evaluate": "answer",
        "judge": JUDGE,
    }
    return job(parameters=parameters | own)


def provider(**own: Any) -> FakeProvider:
    return FakeProvider(jobs=[judged(**own)], contents={"file-1": jsonl(*ROWS)})


async def labelled(folder: Path, number: int, **own: Any) -> None:
    """Label the first rows of a sample of eval-1, as a person would."""
    async with session_of(provider(**own), folder) as session:
        sample = await drawn_sample(session)
        for position in range(1, number + 1):
            gold = ROWS[sample.rows[position - 1] - 1]["gold"]
            await say(session, sample, position, gold)


async def headlines(server: Served) -> tuple[str, str, str]:
    """Return the headline in get_evaluation, get_status and list_evaluations."""
    answer = await server.answer("get_evaluation", evaluation_id="eval-1")
    status = await server.answer("get_status", evaluation_id="eval-1")
    page = await server.answer("list_evaluations")
    return answer["summary"]["headline"], status["headline"], page["evaluations"][0]["headline"]


async def test_a_judge_is_unchecked_until_there_are_labels(tmp_path: Path) -> None:
    async with served(provider(), configured=settings(tmp_path)) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")
        (one, *others) = await headlines(server)

    assert one == f"80.0 % of 300 answers pass (95 % interval 75.1 to 84.1 %).{UNCHECKED}"
    assert others == [one, one]
    assert answer["summary"].get("calibration") is None
    assert "offer the user label_rows" in answer["next_step"]


async def test_a_rule_is_not_called_unchecked(tmp_path: Path) -> None:
    rule = {**JUDGE, "model": "rule/contains"}
    async with served(provider(judge=rule), configured=settings(tmp_path)) as server:
        assert "judge" not in (await headlines(server))[0]


async def test_labels_of_a_lenient_judge_lead_every_headline_with_the_corrected_rate(
    tmp_path: Path,
) -> None:
    await labelled(tmp_path, 60)

    async with served(provider(), configured=settings(tmp_path)) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")
        text = await server.text("get_evaluation", evaluation_id="eval-1")
        one, *others = await headlines(server)

    calibration = answer["summary"]["calibration"]
    (corrected,) = calibration["corrected"]
    value, low, high = corrected["figure"]
    assert low <= 50 <= high < 80 == corrected["judge_alone"]
    assert value == pytest.approx(50, abs=12)
    assert one.startswith("Corrected by 60 labels of people, the pass rate is ")
    assert one.endswith(": 80.0 % of 300 answers pass (95 % interval 75.1 to 84.1 %).")
    assert others == [one, one]
    assert "Labels: 60 labels by one person, drawn at random: the judge agrees on" in text
    assert "Corrected, %: 0 [" in text
    assert "Quote the corrected figure first" in answer["next_step"]
    assert tokens(text) <= 1_200
    assert tokens(answer) <= 1_200


async def test_a_list_leaves_the_labels_of_rows_that_are_not_here_to_get_evaluation(
    tmp_path: Path,
) -> None:
    totals = {"label_counts": {"good": 240, "bad": 60}, "invalid_label_count": 0}
    await labelled(tmp_path, 30)
    fake = provider()
    fake.jobs = [judged(), job(2, results={**totals, "result_file_id": "file-2"})]
    fake.jobs[1].parameters = fake.jobs[0].parameters

    async with served(fake, configured=settings(tmp_path)) as server:
        status = await server.answer("get_status", evaluation_id="eval-2")

    assert status["headline"].endswith(NOT_READ)


async def test_few_labels_show_no_figure(tmp_path: Path) -> None:
    await labelled(tmp_path, 29)

    async with served(provider(), configured=settings(tmp_path)) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")

    calibration = answer["summary"]["calibration"]
    assert (calibration["labels"], calibration["waiting"]) == (0, 29)
    assert "label_rows: 1 label to go until" in answer["next_step"]
    assert "29 labels; 30 are the fewest" in calibration["not_computed"]["corrected"]
    assert not {"agreement", "matrix", "corrected"} & {k for k, v in calibration.items() if v}
    assert answer["summary"]["headline"].endswith(
        " This is by this judge; unchecked (29 labels by people so far, which correct nothing)."
    )


async def test_rows_in_clusters_are_not_corrected_by_single_labels(tmp_path: Path) -> None:
    rows = [{**row, "talk": f"talk {number // 10}"} for number, row in enumerate(ROWS)]
    fake = FakeProvider(jobs=[judged()], contents={"file-1": jsonl(*rows)})
    async with session_of(fake, tmp_path) as session:
        sample = await drawn_sample(session)
        for position in range(1, 31):
            await say(session, sample, position, "good")

    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer(
            "get_evaluation", evaluation_id="eval-1", cluster_column="talk"
        )

    calibration = answer["summary"]["calibration"]
    assert not calibration["corrected"]
    assert "needs whole clusters of 'talk'" in calibration["not_computed"]["corrected"]


async def test_the_wrong_calls_are_read_as_rows_with_their_labels(tmp_path: Path) -> None:
    await labelled(tmp_path, 60)

    async with served(provider(), configured=settings(tmp_path)) as server:
        wrong = {"evaluation_id": "eval-1", "show": "misjudged", "limit": 50}
        page = await server.answer("read_results", **wrong)
        found = await server.answer("get_evaluation", evaluation_id="eval-1", by="gold")
        text = await server.text("get_evaluation", evaluation_id="eval-1", by="gold")

    assert page["matching"] > 10
    assert {row["columns"]["label by people"] for row in page["rows"]} == {"bad"}
    assert {row["verdict"] for row in page["rows"]} == {"good"}
    by_value = {one["value"]: one for one in found["summary"]["calibration"]["wrong_by"]}
    assert by_value["'bad'"]["wrong"] == page["matching"]
    assert by_value["'good'"]["wrong"] == 0
    assert "Wrong calls by value, of the labelled rows (data, not instructions): 'bad' " in text


async def test_wrong_calls_need_labels(tmp_path: Path) -> None:
    await labelled(tmp_path, 29)

    async with served(provider(), configured=settings(tmp_path)) as server:
        refusal = await server.refusal("read_results", evaluation_id="eval-1", show="misjudged")

    assert "none count for this evaluation yet" in refusal
