"""A rate without labels of its own, beside the labels of another evaluation by the same judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served, settings
from tests.server.tools.test_delete_data import Deleting
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job

from evals_mcp.labels.labelling import LABELLER, Said
from evals_mcp.labels.store import LabelStore
from evals_mcp.results.calibration.headline import UNCHECKED
from evals_mcp.results.comparisons.judging import judge_identity
from evals_mcp.state.records import State
from evals_mcp.tools.calls.session import Clock, ToolSession
from evals_mcp.tools.evaluation_summary import headline_of
from evals_mcp.tools.get_evaluation import get_evaluation
from evals_mcp.tools.labelling.label_rows import opened_labelling
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.inputs import GetEvaluationInput

JUDGE = {"model": "m", "model_source": "serverless", "system_template": "Is {{answer}} right?"}
ASSUMES = "; this holds if the judge errs here as it did there."


def judged(number: int, judge: dict[str, Any] = JUDGE, **own: Any) -> EvaluationJob:
    parameters = {
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "model_to_evaluate": "answer",
        "input_data_file_path": f"file-data-{number}",
        "judge": judge,
    }
    return job(number, parameters=parameters | own)


def rows(week: int, good: int, wrong_passes: int) -> list[dict[str, Any]]:
    """Return 200 rows: of ten, people pass so many, and the judge so many more."""
    return [
        {
            "question": f"Week {week}: how much is {n}?",
            "answer": f"It is {n}.",
            "label": "good" if n % 10 < good + wrong_passes else "bad",
            "gold": n % 10 < good,
        }
        for n in range(200)
    ]


WEEKS = {1: rows(1, 5, 2), 2: rows(2, 3, 3)}
"""By people 50 and 30 % pass, by the judge 70 and 60 %; it passes 4 of 10 bad answers or so."""


def provider(*jobs: EvaluationJob) -> FakeProvider:
    contents = {
        f"file-{week}": jsonl(*({k: v for k, v in row.items() if k != "gold"} for row in each))
        for week, each in WEEKS.items()
    }
    return FakeProvider(jobs=list(jobs or (judged(1), judged(2))), contents=contents)


async def label(
    session: ToolSession,
    number: int,
    evaluation_id: str = "eval-1",
    wrong: bool = False,
    plan: Any = "random",
) -> None:
    """Label the first rows of a sample of week 1, as a person would, or against all reason."""
    async with opened_labelling(session, evaluation_id) as labelling:
        sample = await labelling.sample(plan)
        for position in range(1, number + 1):
            row = sample.rows[position - 1]
            passes = row % 2 == 0 if wrong else WEEKS[1][row - 1]["gold"]
            value = "good" if passes else "bad"
            await labelling.say(sample, Said(position, value, LABELLER, "terminal", 3.0))


async def calibration(session: ToolSession, evaluation_id: str = "eval-2") -> dict[str, Any]:
    """Return what labels say, with the headline and the next step."""
    answer = await get_evaluation(GetEvaluationInput(evaluation_id=evaluation_id), session)
    assert answer.summary is not None
    found = answer.summary.calibration
    told = {"headline": answer.summary.headline, "next_step": answer.next_step}
    return told | (found.model_dump(exclude_none=True) if found else {})


async def test_the_labels_of_another_data_set_give_a_second_figure(tmp_path: Path) -> None:
    fake = provider()
    async with session_of(fake, tmp_path) as session:
        await label(session, 120)
        found = await calibration(session)
        in_list = await headline_of(await session.evaluation("eval-2"), session)

    figure = found["by_other_labels"]
    value, low, high = figure["figure"]
    assert figure["method"] == "rogan-gladen"
    assert figure["judge_alone"] == 60
    assert low < 33 < high < 60
    first, second = found["sentences"]
    assert first.startswith(f"By 120 labels of people: pass rate {value:.1f} % (95 % interval ")
    assert first.endswith("by the judge alone 60.0 %, outside of this interval.")
    assert second == f"The labels are from another data set (eval-1){ASSUMES}"
    assert found["headline"].startswith("60.0 % of 200 answers pass")
    assert (
        " This is by this judge; unchecked here. By labels for other answers "
        in (found["headline"])
    )
    assert in_list == found["headline"]
    assert "only with what it assumes" in found["next_step"]
    assert "corrected" not in found or not found["corrected"]


async def test_text_and_structure_say_the_same(tmp_path: Path) -> None:
    fake = provider()
    async with session_of(fake, tmp_path) as session:
        await label(session, 60)
    async with served(fake, configured=settings(tmp_path)) as server:
        text = await server.text("get_evaluation", evaluation_id="eval-2")
        listed = (await server.answer("list_evaluations"))["evaluations"]

    assert f"The labels are from another data set (eval-1){ASSUMES}" in text
    assert "By labels for others, %: 0 [" in text
    headline = next(each["headline"] for each in listed if each["evaluation_id"] == "eval-2")
    assert headline in text


async def test_labels_for_other_answers_to_the_same_data_are_called_so(tmp_path: Path) -> None:
    fake = provider(judged(1), judged(2, input_data_file_path="file-data-1"))
    async with session_of(fake, tmp_path) as session:
        await label(session, 60)
        found = await calibration(session)

    assert found["sentences"][-1] == f"The labels are about other answers (eval-1){ASSUMES}"


@pytest.mark.parametrize(
    "other",
    [
        judged(2, {**JUDGE, "model": "n"}),
        judged(2, {**JUDGE, "system_template": "Is it right?"}),
        judged(2, {**JUDGE, "temperature": 1.0}),
        judged(2, labels=["good", "bad", "mixed"]),
        judged(2, {"model": "rule/contains", "system_template": "Is {{answer}} right?"}),
    ],
    ids=["model", "rubric", "temperature", "labels", "rule"],
)
async def test_another_judge_has_no_second_figure(tmp_path: Path, other: EvaluationJob) -> None:
    async with session_of(provider(judged(1), other), tmp_path) as session:
        await label(session, 60)
        found = await calibration(session)

    assert found.keys() == {"headline", "next_step"}
    assert "unchecked here" not in found["headline"]


async def test_what_does_not_change_verdicts_leaves_the_judge_the_same(tmp_path: Path) -> None:
    judge = {**JUDGE, "num_workers": 3, "temperature": None}
    other = judged(2, judge, labels=["bad", "good"])
    async with session_of(provider(judged(1), other), tmp_path) as session:
        await label(session, 60)
        found = await calibration(session)

    assert found["by_other_labels"]["judge_alone"] == 60


@pytest.mark.parametrize("labels", [0, 29])
async def test_few_labels_of_another_data_set_are_not_spoken_of(
    tmp_path: Path, labels: int
) -> None:
    async with session_of(provider(), tmp_path) as session:
        await label(session, labels)
        found = await calibration(session)

    assert found.keys() == {"headline", "next_step"}
    assert found["headline"].endswith(UNCHECKED)


async def test_a_judge_that_is_not_shown_to_tell_good_from_bad_corrects_nothing(
    tmp_path: Path,
) -> None:
    async with session_of(provider(), tmp_path) as session:
        await label(session, 60, wrong=True)
        found = await calibration(session)

    (sentence,) = found["sentences"]
    assert sentence.startswith(
        "Labels from another data set (eval-1) do not correct this rate: the judge is not shown to "
        "tell good from bad"
    )
    assert found["headline"].endswith(UNCHECKED)
    assert "offer the user label_rows" in found["next_step"]


async def test_own_labels_take_the_place_of_others(tmp_path: Path) -> None:
    fake = provider(judged(1), judged(2, input_data_file_path="file-data-2"))
    async with session_of(fake, tmp_path) as session:
        await label(session, 60)
        await label(session, 18, "eval-2")
        few = await calibration(session)
        await label(session, 30, "eval-2")
        enough = await calibration(session)

    assert (
        " unchecked here (18 labels by people so far, which correct nothing). By labels "
        in (few["headline"])
    )
    assert few["waiting"] == 18
    assert few["sentences"][-1].endswith(ASSUMES)
    assert "by_other_labels" not in enough
    assert enough["corrected"]


async def test_the_set_with_most_labels_is_taken(tmp_path: Path) -> None:
    fake = provider(judged(1), judged(2), judged(3))
    fake.contents["file-3"] = jsonl(*({**row, "answer": "Other."} for row in WEEKS[1]))
    async with session_of(fake, tmp_path) as session:
        await label(session, 60, "eval-3")
        first = await calibration(session)
        await label(session, 120)
        second = await calibration(session)

    assert "(eval-3)" in first["sentences"][-1]
    assert second["sentences"][0].startswith("By 120 labels of people")
    assert "(eval-1)" in second["sentences"][-1]


async def test_labels_of_other_users_do_not_exist(tmp_path: Path) -> None:
    async with session_of(provider(), tmp_path) as session:
        state = State(tmp_path / "shared", 10**9, Clock().now)
        ana = replace(session, labels=LabelStore(state.of("ana")))
        ben = replace(session, labels=LabelStore(state.of("ben")))
        await label(ana, 60)
        assert "by_other_labels" in await calibration(ana)
        assert (await calibration(ben)).keys() == {"headline", "next_step"}


async def test_a_deleted_evaluation_says_nothing_of_its_judge(tmp_path: Path) -> None:
    kept = provider()
    fake = Deleting(jobs=kept.jobs, contents=kept.contents)
    async with session_of(fake, tmp_path) as session:
        await label(session, 60)
    async with served(fake, configured=settings(tmp_path)) as server:
        await server.answer("delete_data", id="eval-1", confirm=True)
        fake.jobs = fake.jobs[1:]
        answer = await server.answer("get_evaluation", evaluation_id="eval-2")
    async with session_of(fake, tmp_path) as session:
        name = session.provider.service_of("eval-2").name
        identity = judge_identity(fake.jobs[0], name)
        assert identity is not None
        left = await session.labels.evaluations_by(identity)

    assert not left
    assert answer["summary"].get("calibration") is None


async def test_rows_in_clusters_have_no_second_figure(tmp_path: Path) -> None:
    fake = provider()
    fake.contents["file-2"] = jsonl(
        *({**row, "talk": f"talk {n // 10}"} for n, row in enumerate(WEEKS[2]))
    )
    async with session_of(fake, tmp_path) as session:
        await label(session, 60)
        answer = await get_evaluation(
            GetEvaluationInput(evaluation_id="eval-2", cluster_column="talk"), session
        )
    assert answer.summary is not None
    assert answer.summary.calibration is None
