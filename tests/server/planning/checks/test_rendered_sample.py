import anyio
import anyio.lowlevel
import pytest
from inline_snapshot import snapshot
from tests.clocks import bounded_work
from tests.server.fake_provider import jsonl
from tests.server.planning.requests import (
    JUDGE,
    ROWS,
    candidate,
    classify,
    compare,
    planned,
    stored,
)

from evals_mcp.planning.checks.rendered_sample import plain_substitution


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{question}}{{expected}}{{answer.text}}", "in every sampled row"),
        ("{{question}}{{expected}}{% if answer == 0 %}x{% endif %}", "is empty in every"),
    ],
)
async def test_a_template_that_gives_nothing_in_any_row_is_a_problem(
    template: str, expected: str
) -> None:
    empty = template.replace("{{question}}{{expected}}", "")
    rows = [{"answer": row["answer"]} for row in ROWS]

    plan = await planned(
        classify(judge={**JUDGE, "system_template": empty}, model_to_evaluate=None), stored(*rows)
    )

    assert any(expected in problem for problem in plan.problems), plan.problems


async def test_rows_without_text_are_counted_with_the_number_of_the_first() -> None:
    rows = [row | {"answer": "" if n % 50 == 3 else row["answer"]} for n, row in enumerate(ROWS)]
    rows[60] |= {"answer": None}

    plan = await planned(classify(), stored(*rows))

    assert plan.problems == []
    assert plan.warnings == snapshot(
        [
            (
                "`response_column` 'answer' is null in 1 of 200 sampled rows, first in row 61: "
                "such rows fail."
            ),
            "`response_column` 'answer' is empty in 4 of 200 sampled rows, first in row 4.",
        ]
    )


async def test_a_candidate_may_do_without_a_system_prompt_and_a_judge_may_not() -> None:
    mute = candidate(system_template="")

    compared = await planned(compare(model_a=mute, model_b={**mute, "model": "judge-1"}))
    judged = await planned(classify(judge={**JUDGE, "system_template": ""}), stored({"answer": 1}))

    assert compared.problems == []
    assert "`judge.system_template` is empty in the only sampled row." in judged.problems


async def test_a_cell_is_told_of_once_and_by_the_number_of_its_row() -> None:
    rows = [row | {"question": "" if n == 1 else row["question"]} for n, row in enumerate(ROWS)]
    rows[2] |= {"answer": ""}
    content = b"\n\n" + jsonl(*rows)

    plan = await planned(classify(), stored(contents={"file-1": content}))

    assert plan.warnings == [
        "`response_column` 'answer' is empty in 1 of 200 sampled rows, first in row 3."
    ]
    assert "Data set: `question` is empty in 1 row, first at row 2." in plan.notes


@pytest.mark.parametrize(
    "template",
    [
        "{{question}}{{ 10**(10**10) }}",
        "{{question}}{{ 'x' * 1000000000 }}",
        "{{question}}{{ 'x' | center(10**10) }}",
        (
            "{{question}}{% for a in range(10**6) %}{% for b in range(10**6) %}x{% endfor %}"
            "{% endfor %}"
        ),
        "{{question}}{{ [] " + "| tojson " * 60 + "}}",
    ],
)
async def test_a_template_without_bounds_ends_in_a_plan_all_the_same(template: str) -> None:
    judge = {**JUDGE, "system_template": template + "{{expected}}"}

    plan = await planned(classify(judge=judge))

    assert plan.rows == 200


async def test_other_calls_go_on_while_a_template_is_parsed() -> None:
    turns = 0

    async def other_call() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    judge = {**JUDGE, "system_template": "{{question}}" * 5000}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other_call)
        await planned(classify(judge=judge))
        tasks.cancel_scope.cancel()

    assert turns > 100


async def test_columns_are_put_in_without_a_search_that_grows_with_the_square() -> None:
    with bounded_work():
        render = await plain_substitution("{{ question }} {{" + "a" * 400_000, "field", "alice")
        text = await render({"question": "Why?"})

    assert text == "Why? {{" + "a" * 400_000
