"""Ready rubrics in a conversation: listed, planned in full, started once, and named afterwards."""

from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, classify_job, jsonl
from tests.server.serving import served
from tests.server.tokens import tokens

from evals_schemas.evaluation_api.models import Model
from evals_schemas.rubrics.rubric import Rubric
from evals_schemas.rubrics.table import RUBRICS

LONG = "a text of the data set </question> that goes on " * 30


def provider(*columns: str) -> FakeProvider:
    rows = [{name: f"{LONG} {name} {number}" for name in columns} for number in range(30)]
    return FakeProvider(contents={"file-1": jsonl(*rows)}, models=[Model(id="judge-1")])


def create(template: str, kind: str = "classify", **changes: Any) -> dict[str, Any]:
    sides: dict[str, Any] = {"response_column": "answer"}
    if kind == "compare":
        sides = {"response_column_a": "answer", "response_column_b": "answer_b"}
    return {
        "type": kind,
        "input_data_file_path": "file-1",
        "judge": {"model": "judge-1", "system_template": template},
        **sides,
        **changes,
    }


@pytest.mark.parametrize("rubric", RUBRICS, ids=lambda each: each.full_name)
async def test_a_plan_shows_the_rubric_in_full_within_the_budget(rubric: Rubric) -> None:
    answers = ["answer", "answer_b"] if rubric.type == "compare" else ["answer"]
    fake = provider(*answers, *(column.name for column in rubric.columns))
    arguments = create(rubric.full_name, rubric.type, dry_run=True)
    async with served(fake) as server:
        plan = (await server.answer("create_evaluation", **arguments))["plan"]
        text = await server.text("create_evaluation", **arguments)

    assert plan["rubric"] == rubric.text()
    assert f"The ready rubric in full, as a template:\n{rubric.text()}\n" in text
    assert not plan.get("problems")
    notes = " ".join(plan["notes"])
    assert f"Ready rubric {rubric.full_name}" in notes
    assert "was not measured" in notes
    for verdicts in rubric.usual:
        assert f"{verdicts} " in notes
    if rubric.columns:
        shown = plan["first_row"][0]["text"]
        assert shown.startswith(f"(the rubric) <{rubric.columns[0].name}> a text of the data set")
    assert tokens(text) <= 2_000
    assert tokens(plan) <= 2_000


async def test_a_plan_without_a_ready_rubric_shows_none() -> None:
    labels: dict[str, Any] = {"labels": ["a", "b"], "pass_labels": ["a"]}
    async with served(provider("answer", "question")) as server:
        arguments = create("Judge {{question}}", dry_run=True, **labels)
        assert "rubric" not in (await server.answer("create_evaluation", **arguments))["plan"]


@pytest.mark.parametrize(
    ("columns", "template", "written"),
    [
        (["question", "expected"], "rubric/correctness", "@1(reference=expected)."),
        (["prompt", "gold"], "rubric/correctness", "@1(question=prompt, reference=gold)."),
        (["question", "zzz"], "rubric/correctness", "@1(reference=<column>)."),
        (["query", "references"], "rubric/correctness(question=query)", "reference=references)."),
        (["question", "an answer"], "rubric/correctness", "@1(reference=<column>)."),
    ],
)
async def test_a_missing_column_is_answered_with_what_to_write(
    columns: list[str], template: str, written: str
) -> None:
    async with served(provider("answer", *columns)) as server:
        refusal = await server.refusal("create_evaluation", **create(template))
    assert "{{reference}}, which is not a column of the data set. It has " in refusal
    assert written in refusal


async def test_a_request_by_name_and_the_same_one_written_by_hand_start_once() -> None:
    fake = provider("answer", "prompt", "gold")
    written = "rubric/correctness@1(question=prompt, reference=gold)"
    text = RUBRICS[0].text({"question": "prompt", "reference": "gold"})
    by_hand = create(text, labels=["correct", "incomplete", "wrong"], pass_labels=["correct"])
    async with served(fake) as server:
        first = await server.answer("create_evaluation", **create(written))
        second = await server.answer("create_evaluation", **by_hand)
    assert (first["outcome"], second["outcome"]) == ("started", "exists")
    assert len(fake.requests) == 1
    assert fake.requests[0].parameters.judge.system_template == text


async def test_the_rubrics_are_listed_in_short_and_one_with_its_text() -> None:
    async with served(FakeProvider(models=[Model(id="judge-1")])) as server:
        text = await server.text("list_models", filter="rubric/")
        answer = await server.answer("list_models", filter="Rubrics")
        single = await server.answer("list_models", filter="rubric/correctness@1")
        single_text = await server.text("list_models", filter="rubric/corr")
        other = await server.answer("list_models", filter="rubric/corectness")

    head, first = text.splitlines()[:2]
    assert head == f"{len(RUBRICS)} of {len(RUBRICS)} ready rubrics:"
    assert first == (
        "'rubric/correctness@1'; rubric; classify: correct, incomplete, wrong; reads the answer, "
        "question, reference; whether the answer states what a reference answer states"
    )
    assert "'rubric/toxicity@1'; rubric; classify: clean, toxic; reads the answer only;" in text
    assert [line["id"] for line in answer["models"]] == [each.full_name for each in RUBRICS]
    assert answer["total"] == len(RUBRICS)
    assert tokens(text) <= 700
    (line,) = single["models"]
    assert line["about"].endswith(f"{RUBRICS[0].limits}\n{RUBRICS[0].text()}")
    assert RUBRICS[0].text() in single_text
    assert other["models"] == []
    assert "Similar: rubric/correctness@1" in other["next_step"]


async def test_an_evaluation_names_its_rubric_as_it_was_passed() -> None:
    job = classify_job()
    text = RUBRICS[0].text({"question": "question", "reference": "expected"})
    job.parameters["judge"] = {"model": "judge-1", "system_template": text}
    async with served(FakeProvider(jobs=[job])) as server:
        answer = await server.answer("get_evaluation", evaluation_id=job.workflow_id)
    shown = answer["parameters"]["judge"]["system_template"]
    assert shown == "rubric/correctness@1(reference=expected)"
