from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.planning.requests import (
    JUDGE,
    ROWS,
    candidate,
    classify,
    planned,
    planning_context,
    stored,
)
from tests.server.tokens import tokens
from tests.volume import examples

from evals_mcp.errors import DatasetFaultError, NotFoundError
from evals_mcp.planning.plan import plan_evaluation


async def test_a_plan_shows_rows_calls_tokens_cost_and_what_the_first_row_becomes() -> None:
    plan = await planned(classify(model_to_evaluate=candidate()))

    assert plan.model_dump(exclude_defaults=True) == snapshot(
        {
            "rows": 200,
            "columns_used": ["question", "expected", "answer"],
            "first_row": [
                {
                    "template": "judge.system_template",
                    "text": "Is the answer to What is 1 + 1? right? Expected: 2",
                },
                {"template": "model_to_evaluate.system_template", "text": "Be brief."},
                {"template": "model_to_evaluate.input_template", "text": "What is 1 + 1? It is 2."},
            ],
            "calls": 400,
            "models": [
                {
                    "role": "model_to_evaluate",
                    "model": "small-1",
                    "calls": 200,
                    "input_tokens": 5408,
                    "output_tokens": 60000,
                    "cost_usd": {"low": 0.00249, "high": 0.0416},
                },
                {
                    "role": "judge",
                    "model": "judge-1",
                    "calls": 200,
                    "input_tokens": 96448,
                    "output_tokens": 12000,
                    "cost_usd": {"low": 0.0578, "high": 0.665},
                },
            ],
            "input_tokens": 101856,
            "output_tokens": 72000,
            "cost_usd": {"low": 0.0603, "high": 0.707},
            "power": {
                "sentence": (
                    "200 rows give a pass rate within about ±6.9 points (95 %). With 80 % power, "
                    "two such runs show a difference of 9.3 points or more in the pass rate if "
                    "20 % of the rows differ (5 points need 665 rows)."
                ),
                "half_width": 6.86391,
                "differences": [
                    {
                        "of": "pass rate",
                        "assumption": "20 % of the rows differ",
                        "assumed": 20.0,
                        "difference": 9.30119,
                        "target": 5.0,
                        "rows_for_target": 665,
                    }
                ],
            },
            "notes": [
                (
                    "Assumed output: model_to_evaluate 300 tokens a call (50 to 1,024), judge 60 "
                    "tokens a call (40 to 1,000). Reasoning models write more."
                ),
                (
                    "No evaluation of this kind has completed yet: with 25 workers, each second "
                    "that a call takes adds about 16 s to the total time."
                ),
            ],
        }
    )


async def test_everything_wrong_is_named_at_once() -> None:
    judge = {**JUDGE, "system_template": "{{qestion}} {{expected"}

    plan = await planned(
        classify(
            judge=judge,
            model_to_evaluate="respons",
            labels=["good", "not good"],
            pass_labels=["good"],
        ),
        stored(*({**row, "a b": 1} for row in ROWS)),
    )

    assert plan.problems == snapshot(
        [
            (
                "`response_column`: the data set has no column 'respons'. It has 'question', "
                "'expected', 'answer', 'a b'."
            ),
            (
                "`judge.system_template` is not a valid Jinja2 template (line 1): unexpected end "
                "of template, expected 'end of print statement'. Write a column as {{column}}; put "
                "literal braces between {% raw %} and {% endraw %}."
            ),
        ]
    )
    assert (plan.calls, plan.cost_usd) == (200, None)
    assert "Correct the problems to get the tokens and cost of `judge`." in plan.notes


async def test_a_stored_file_with_faults_is_a_problem() -> None:
    content = jsonl(*ROWS[:3]) + b"not json\n" + jsonl(*ROWS[3:])

    plan = await planned(classify(), stored(contents={"file-1": content}))

    assert plan.problems == snapshot(
        [
            (
                "The data set cannot be used: line 4: not JSON (Expecting value: line 1 column 1 "
                "(char 0))."
            )
        ]
    )


async def test_a_missing_data_set_names_the_tools_that_help() -> None:
    with pytest.raises(NotFoundError, match=r"list_datasets.*upload_dataset"):
        await planned(classify(), FakeProvider())


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"a": ', b"\xff\xfe,b\n", b"a,b\n"])
async def test_a_data_set_without_a_row_cannot_be_planned_with(content: bytes) -> None:
    with pytest.raises(DatasetFaultError, match="upload_dataset"):
        await planned(classify(), stored(contents={"file-1": content}))


_CELLS = st.none() | st.text(max_size=20) | st.integers() | st.lists(st.text(max_size=3))


_TEMPLATES = st.text(max_size=40) | st.sampled_from(
    ["{{a}}", "{{a.b}}", "{% for x in a %}{{x}}{% endfor %}", "{{a|length}}", "{{b|upcase}}"]
)


@given(
    rows=st.lists(st.fixed_dictionaries({"a": _CELLS, "b": _CELLS}), min_size=1, max_size=8),
    template=_TEMPLATES,
    asked=_TEMPLATES,
)
@settings(max_examples=examples(60), deadline=None)
async def test_any_rows_and_templates_give_a_plan_or_a_fault_of_the_data_set(
    rows: list[dict[str, Any]], template: str, asked: str
) -> None:
    request = classify(
        judge={**JUDGE, "system_template": template},
        model_to_evaluate=candidate(system_template=template, input_template=asked),
    )
    try:
        plan = await planned(request, stored(*rows))
    except DatasetFaultError:
        return

    assert tokens(plan.model_dump_json(exclude_none=True)) <= 1_900


@dataclass
class Counting(FakeProvider):
    """Counts how often a file is read, and stops in the middle where it is told to."""

    reads: int = 0
    transfers_ended: int = 0
    stalls: bool = False
    stalled: anyio.Event = field(default_factory=anyio.Event)

    @asynccontextmanager
    async def dataset_content(self, file_id: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        self.reads += 1
        try:
            yield self._slowly(self.contents[file_id])
        finally:
            self.transfers_ended += 1

    async def _slowly(self, content: bytes) -> AsyncIterator[bytes]:
        yield content
        if self.stalls:
            self.stalled.set()
            await anyio.sleep_forever()


async def test_a_data_set_is_read_once_for_calls_at_the_same_time_and_later_ones() -> None:
    provider = Counting(contents={"file-1": jsonl(*ROWS)})
    async with planning_context() as context:
        async with anyio.create_task_group() as calls:
            for _ in range(5):
                calls.start_soon(plan_evaluation, classify(), provider, context)
        await plan_evaluation(classify(), provider, context)

    assert provider.reads == 1


async def test_a_call_that_is_given_up_ends_the_transfer_and_the_next_one_reads_anew() -> None:
    provider = Counting(contents={"file-1": jsonl(*ROWS)}, stalls=True)
    async with planning_context() as context, anyio.create_task_group() as calls:
        calls.start_soon(plan_evaluation, classify(), provider, context)
        await provider.stalled.wait()
        calls.cancel_scope.cancel()
    assert (provider.reads, provider.transfers_ended) == (1, 1)

    provider.stalls = False
    with anyio.fail_after(60):
        assert (await plan_evaluation(classify(), provider, context)).rows == 200
