"""Rule judges: verdicts without a call, and requests that a rule cannot judge."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from evals_engine.config import EngineConfig
from evals_engine.faults import RequestError
from evals_engine.judges.judge import make_judge
from evals_engine.judges.protocol import Judge
from evals_engine.judges.rule_judge import MAX_ANSWER
from evals_engine.judges.verdict_forms import ChoiceForm, LabelForm, ScoreForm, VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.models.client import ModelClient
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig
from evals_schemas.evaluation_api.usage import Usage
from tests.engine.pools import owner_pool

LABELS = LabelForm(("bad", "good"), pass_labels=("good",))


@asynccontextmanager
async def rule(
    name: str, form: VerdictForm, source: str = "{{ expected }}"
) -> AsyncGenerator[Judge]:
    named = JudgeModelConfig(
        model=f"rule/{name}", model_source="serverless", system_template=source
    )
    access = ModelAccess(EngineConfig(Path()), ModelClient(0, 1))
    async with owner_pool() as pool:
        yield await make_judge(named, form, None, access, pool)


@pytest.mark.parametrize(("answer", "label"), [("paris", "good"), ("Rome", "bad")])
async def test_a_rule_labels_without_any_call(answer: str, label: str) -> None:
    async with rule("exact-match", LABELS) as judging:
        judgement = await judging.verdict({"expected": "Paris"}, None, answer)
        assert judging.columns == {"expected"}
    assert judgement.verdict.value == label
    assert judgement.verdict.feedback.startswith("rule/exact-match: ")
    assert judgement.usage == Usage()


async def test_a_rule_scores_over_the_whole_range() -> None:
    async with rule("similarity", ScoreForm(1, 5)) as judging:
        judgement = await judging.verdict({"expected": "abcd"}, None, "abxy")
    assert judgement.verdict.value == 3


@pytest.mark.parametrize(("a", "b", "final"), [("7", "8", "A"), ("8", "7", "B"), ("8", "9", "Tie")])
@pytest.mark.parametrize("both_orders", [True, False])
async def test_a_rule_decides_the_same_in_both_orders(
    a: str, b: str, final: str, both_orders: bool
) -> None:
    row = {"expected": "7"}
    async with rule("regex", ChoiceForm()) as judging:
        decided = await judging.decision(row, None, a, b, both_orders)
    assert (decided.final, decided.is_invalid_judge_output) == (final, False)
    assert (decided.flipped is not None) == both_orders


async def test_a_rule_without_an_answer_says_what_to_name() -> None:
    async with rule("contains", LABELS) as judging:
        with pytest.raises(RequestError, match="name a column") as caught:
            await judging.verdict({"expected": "x"}, None, None)
    assert caught.value.param == "model_to_evaluate"


async def test_what_a_rule_cannot_judge_is_refused_before_any_row() -> None:
    with pytest.raises(RequestError, match="The rules are: rule/exact-match"):
        async with rule("vibes", LABELS):
            pass
    with pytest.raises(RequestError, match="not a pass label"):
        async with rule("contains", LabelForm(LABELS.labels, LABELS.labels)):
            pass


async def test_an_answer_that_is_too_long_fails_its_row_with_the_limit() -> None:
    async with rule("contains", LABELS) as judging:
        longest = "a" * MAX_ANSWER
        assert (await judging.verdict({"expected": "b"}, None, longest)).verdict.value == "bad"
        with pytest.raises(RequestError, match="1,048,577 characters, 1,048,576 are the most"):
            await judging.verdict({"expected": "b"}, None, longest + "a")


async def test_an_expression_that_is_none_fails_its_row_and_the_next_row_goes_on() -> None:
    async with rule("regex", LABELS) as judging:
        with pytest.raises(RequestError, match="not a regular expression"):
            await judging.verdict({"expected": "("}, None, "x")
        with pytest.raises(RequestError, match="10,001 characters, 10,000 are the most"):
            await judging.verdict({"expected": "x" * 10_001}, None, "x")
        assert (await judging.verdict({"expected": "x"}, None, "x")).verdict.value == "good"


async def test_a_template_that_fails_on_a_row_names_the_field() -> None:
    async with rule("contains", LABELS, "{{ expected.text }}") as judging:
        with pytest.raises(RequestError, match=r"judge\.system_template, line 1: .*'text'"):
            await judging.verdict({"expected": {}}, None, "x")
