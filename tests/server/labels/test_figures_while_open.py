"""While a sample is open, each figure counts all rows that wait, or none: none tells a verdict."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.labels.sample import LabelSample
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.compare_evaluations import compare_evaluations
from evals_mcp.tools.get_evaluation import get_evaluation
from evals_mcp.tools.labelling.waiting import hidden_rows
from evals_mcp.views.calls import PageCalls
from evals_mcp.views.pace import Paces
from evals_schemas.tools.comparisons import CompareEvaluationsInput, CompareEvaluationsOutput
from evals_schemas.tools.groups import Groups
from evals_schemas.tools.inputs import GetEvaluationInput
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import drawn_sample, say
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job

TOTAL, WAITING = 60, 30
PAIR = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
HIDDEN = "Rows of an open label sample are left out (30)"


def row(n: int, **changes: Any) -> dict[str, Any]:
    """Return a row whose `key` is of it alone, but for the last two."""
    return {
        "question": f"How much is {n}?",
        "key": f"key {min(n, TOTAL - 1)}",
        "half": n % 2,
        "answer": f"It is {n}.",
        "label": "good" if n % 3 else "bad",
        "feedback": f"planted-{min(n, TOTAL - 1)}-",
        **changes,
    }


ROWS = [row(n) for n in range(1, TOTAL + 1)]


def service(second: Sequence[dict[str, Any]] = ROWS) -> FakeProvider:
    contents = {"file-1": jsonl(*ROWS), "file-2": jsonl(*second)}
    return FakeProvider(jobs=[job(1), job(2)], contents=contents)


async def groups(session: ToolSession, by: str) -> Groups:
    answer = await get_evaluation(GetEvaluationInput(evaluation_id="eval-1", by=by), session)
    assert answer.by is not None
    return answer.by


async def compared(session: ToolSession, **arguments: Any) -> CompareEvaluationsOutput:
    call = CompareEvaluationsInput.model_validate(PAIR | arguments)
    return await compare_evaluations(call, session)


def keys_of(sample: LabelSample) -> set[str]:
    """Return the values of `key` that only rows have which wait."""
    shown = Counter(each["key"] for each in ROWS)
    waiting = Counter(ROWS[number - 1]["key"] for number in sample.rows[:WAITING])
    return {f"'{key}'" for key, rows in waiting.items() if rows == shown[key]}


async def test_no_value_of_a_column_has_a_row_that_waits(tmp_path: Path) -> None:
    async with session_of(service(), tmp_path) as session:
        before, halves = await groups(session, "key"), await groups(session, "half")
        summary = (
            await get_evaluation(GetEvaluationInput(evaluation_id="eval-1"), session)
        ).summary
        sample = await drawn_sample(session)
        after, fewer = await groups(session, "key"), await groups(session, "half")
        both = (await compared(session, by="key")).by
        calls = PageCalls(Paces(session.clock.monotonic))
        page = await calls.answer("evaluation", {"evaluation_id": "eval-1", "by": "key"}, session)
        still = (
            await get_evaluation(GetEvaluationInput(evaluation_id="eval-1", by="half"), session)
        ).summary

    hidden = keys_of(sample)
    assert len(hidden) >= WAITING - 2
    assert both is not None
    assert before.values == TOTAL - 1
    for each in (after, both):
        assert each.values == before.values - len(hidden)
        assert not {one.value for one in each.shown} & hidden
    assert any(note.startswith(HIDDEN) for note in after.notes)
    assert sum(one.rows for one in halves.shown) == TOTAL
    assert sum(one.rows for one in fewer.shown) == TOTAL - WAITING
    assert sum(one.counted for one in fewer.shown) == TOTAL - WAITING
    assert HIDDEN in page.model_dump_json()
    assert summary is not None
    assert still is not None
    assert still.pass_rate == summary.pass_rate, "the figures of all rows stay"


async def test_a_column_of_the_judge_tells_no_reason_of_a_row_that_waits(tmp_path: Path) -> None:
    async with session_of(service(), tmp_path) as session:
        sample = await drawn_sample(session)
        shown = json.dumps((await groups(session, "feedback")).model_dump(mode="json"))
    waiting = {f"planted-{number}-" for number in sample.rows[:WAITING] if number < TOTAL - 1}
    assert [reason for reason in waiting if reason in shown] == []


async def test_fewer_than_ten_rows_never_wait_alone(tmp_path: Path) -> None:
    async with session_of(service(), tmp_path) as session:
        sample = await drawn_sample(session)
        evaluation = await session.evaluation("eval-1")
        hidden = list[set[int]]()
        for position in range(1, WAITING):
            await say(session, sample, position, "good")
            async with session.result_rows(evaluation) as index:
                hidden.append(set((await hidden_rows(session, evaluation, index)).rows))
    assert [len(rows) for rows in hidden] == [*range(29, 10, -1), *[10] * 10]
    last_ten = set(sample.rows[WAITING - 10 : WAITING])
    assert all(rows == last_ten for rows in hidden[-10:]), "no verdict of them was ever shown"


async def test_the_same_answer_waits_in_every_row_and_in_every_order(tmp_path: Path) -> None:
    twice = [*reversed(ROWS), ROWS[0], *ROWS[:5]]
    async with session_of(service(twice), tmp_path) as session:
        sample = await drawn_sample(session)
        other = await session.evaluation("eval-2")
        async with session.result_rows(other) as index:
            hidden = await hidden_rows(session, other, index)
    waiting = {ROWS[number - 1]["question"] for number in sample.rows[:WAITING]}
    expected = {n for n, each in enumerate(twice, 1) if each["question"] in waiting}
    assert hidden.rows == expected
    assert len(expected) >= WAITING


async def test_a_comparison_counts_all_rows_that_wait_or_none(tmp_path: Path) -> None:
    changed = [row(n, answer=f"No, {n}.", label="bad") for n in range(1, TOTAL + 1)]
    async with session_of(service(changed), tmp_path) as session:
        before = await compared(session)
        sample = await drawn_sample(session)
        whole = await compared(session)
    assert whole.passes == before.passes, "every row that waits is in a pair"

    kept = [changed[sample.rows[0] - 1], changed[sample.rows[-1] - 1]]
    async with session_of(service(kept), tmp_path / "few") as session:
        assert (await drawn_sample(session)).rows == sample.rows
        one = await compared(session)
    assert one.rows.pairs == 1, "the pair of the row that waits is left out"
    assert any(HIDDEN in warning for warning in one.warnings)


async def test_a_verdict_that_only_one_side_has_is_in_no_sum(tmp_path: Path) -> None:
    def without(number: int) -> list[dict[str, Any]]:
        failed = {"label": None, "failed_at": "judge"}
        return [
            row(n, answer=f"No, {n}.") | (failed if n == number else {})
            for n in range(1, TOTAL + 1)
        ]

    async with session_of(service(), tmp_path) as session:
        first = (await drawn_sample(session)).rows[0]
    async with session_of(service(without(first)), tmp_path / "one") as session:
        before = await compared(session)
        await drawn_sample(session)
        after = await compared(session)
    assert before.passes is not None
    assert before.passes.difference_with_failed is not None
    assert after.passes is not None
    assert after.passes.difference_with_failed is None
    assert after.rows.pairs == TOTAL - WAITING


async def test_where_every_row_waits_figures_by_a_column_are_refused(tmp_path: Path) -> None:
    few = FakeProvider(
        jobs=[job(1), job(2)],
        contents={"file-1": jsonl(*ROWS[:20]), "file-2": jsonl(*ROWS[:12])},
    )
    async with session_of(few, tmp_path) as session:
        await drawn_sample(session)
        with pytest.raises(InvalidRequestError, match=r"`by` has no figure to show\. Rows of an"):
            await groups(session, "half")
        with pytest.raises(InvalidRequestError, match=r"Nothing is compared\. Rows of an open"):
            await compared(session)
