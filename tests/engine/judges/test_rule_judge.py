"""Rule judges: verdicts without a call, and requests that a rule cannot judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals_engine.config import EngineConfig
from evals_engine.faults import RequestError
from evals_engine.judges.judge import make_judge
from evals_engine.judges.protocol import Judge
from evals_engine.judges.verdict_forms import ChoiceForm, LabelForm, ScoreForm, VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.models.client import ModelClient
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig

LABELS = LabelForm(("bad", "good"), pass_labels=("good",))


def rule(name: str, form: VerdictForm) -> Judge:
    named = JudgeModelConfig(
        model=f"rule/{name}", model_source="serverless", system_template="{{ expected }}"
    )
    return make_judge(named, form, None, ModelAccess(EngineConfig(Path()), ModelClient(0, 1)))


@pytest.mark.parametrize(("answer", "label"), [("paris", "good"), ("Rome", "bad")])
async def test_a_rule_labels_without_any_call(answer: str, label: str) -> None:
    judging = rule("exact-match", LABELS)
    judgement = await judging.verdict({"expected": "Paris"}, None, answer)
    assert judging.columns == {"expected"}
    assert judgement.verdict.value == label
    assert judgement.verdict.feedback.startswith("rule/exact-match: ")
    assert (judgement.input_tokens, judgement.output_tokens) == (0, 0)


async def test_a_rule_scores_over_the_whole_range() -> None:
    judging = rule("similarity", ScoreForm(1, 5))
    judgement = await judging.verdict({"expected": "abcd"}, None, "abxy")
    assert judgement.verdict.value == 3


@pytest.mark.parametrize(("a", "b", "final"), [("7", "8", "A"), ("8", "7", "B"), ("8", "9", "Tie")])
@pytest.mark.parametrize("both_orders", [True, False])
async def test_a_rule_decides_the_same_in_both_orders(
    a: str, b: str, final: str, both_orders: bool
) -> None:
    row = {"expected": "7"}
    decided = await rule("regex", ChoiceForm()).decision(row, None, a, b, both_orders)
    assert (decided.final, decided.is_invalid_judge_output) == (final, False)
    assert (decided.flipped is not None) == both_orders


async def test_a_rule_without_an_answer_says_what_to_name() -> None:
    with pytest.raises(RequestError, match="name a column") as caught:
        await rule("contains", LABELS).verdict({"expected": "x"}, None, None)
    assert caught.value.param == "model_to_evaluate"


def test_what_a_rule_cannot_judge_is_refused_before_any_row() -> None:
    with pytest.raises(RequestError, match="The rules are: rule/exact-match"):
        rule("vibes", LABELS)
    with pytest.raises(RequestError, match="not a pass label"):
        rule("contains", LabelForm(LABELS.labels, LABELS.labels))
