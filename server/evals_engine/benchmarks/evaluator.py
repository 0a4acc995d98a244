"""Turns one question into an outcome: each model's answer, judged by the expected answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from evals_engine.benchmarks.parameters import BenchmarkParameters
from evals_engine.benchmarks.questions import COLUMNS
from evals_engine.compute.pool import OwnerPool
from evals_engine.config import EngineConfig
from evals_engine.faults import RequestError
from evals_engine.judges.judge import make_judge
from evals_engine.judges.protocol import Judge
from evals_engine.judges.rule_judge import ComputedRule, open_rule
from evals_engine.judges.rules import passing_agreement
from evals_engine.judges.verdict_forms import ScoreForm, VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.models.endpoints import endpoint_for, row_workers
from evals_engine.models.request_keys import Keys
from evals_engine.rows.answers import GeneratedAnswers
from evals_engine.rows.candidate import open_candidate
from evals_engine.rows.evaluators import CANDIDATE, RowEvaluator, SingleEvaluator
from evals_engine.rows.outcome import Outcome
from evals_schemas.datasets.reader import Row
from evals_schemas.evaluation_api.evaluations import (
    JudgeModelConfig,
    ModelRequest,
    ModelSource,
)
from evals_schemas.evaluation_api.rows import OUTPUT
from evals_schemas.evaluation_api.rules import RULE_PREFIX, SIMILARITY
from evals_schemas.evaluation_api.usage import Usage, add_usage

MODEL_FIELDS = ("model_id", "model_id_2")
"""The fields of a request that name the models, in the order of `BenchmarkParameters.models`."""

CORRECT_FROM = 0.5
"""The score from which an answer counts as correct if a model judges."""

_RUBRIC = """\
You grade one answer to a question against the expected answer.
Count what it says, not how: other words, another order and further true detail cost nothing. What
contradicts the expected answer, or leaves out a part of it, costs.
1 is fully right, 0.5 is right in the main with something missing, 0 is wrong or no answer.

The expected answer:
{{ answer }}"""


@dataclass(frozen=True)
class BenchmarkEvaluator(RowEvaluator):
    """Asks all models one question at the same time. The row fails if one of them fails."""

    models: Mapping[str, SingleEvaluator]
    judge_name: str
    similarity: ComputedRule | None
    """Compares each answer with the expected one; None if a model judges."""

    @property
    def columns(self) -> frozenset[str]:
        """All columns of a question."""
        return frozenset(COLUMNS)

    @property
    def workers(self) -> int:
        """The workers of the model with the most calls in flight."""
        return max(model.workers for model in self.models.values())

    async def outcome(self, row: Row) -> Outcome:
        """Return the outcome, with one entry for each model in the order of the request."""
        by_model: dict[str, Outcome] = {}

        async def ask(model: str) -> None:
            by_model[model] = await self.models[model].outcome(row)

        async with anyio.create_task_group() as asking:
            for model in self.models:
                asking.start_soon(ask, model)
        outcomes = [by_model[model] for model in self.models]
        failed = next((outcome for outcome in outcomes if outcome.state != "ok"), None)
        fields: dict[str, Any] = {
            "answers": [await self._entry(model, by_model[model], row) for model in self.models]
        }
        if failed is not None:
            fields["evaluation_error"] = failed.fields["evaluation_error"]
        return Outcome(
            failed.state if failed else "ok",
            fields,
            _usage(outcomes),
            failed.reason if failed else None,
        )

    async def _entry(self, model: str, outcome: Outcome, row: Row) -> dict[str, Any]:
        fields = outcome.fields
        answer, score = fields.get(OUTPUT), fields["score"]
        return {
            "model_id": model,
            "model_answer": answer,
            "score": score,
            **await self._metrics(score, row, answer),
            "feedback": fields.get("feedback"),
            "judge_raw_output": fields.get("judge_raw_output"),
            "error": fields.get("evaluation_error"),
            "failed_at": fields.get("failed_at"),
        }

    @property
    def _correct_from(self) -> float:
        return CORRECT_FROM if self.similarity is None else passing_agreement(self.judge_name)

    async def _metrics(
        self, score: float | None, row: Row, answer: str | None
    ) -> dict[str, float | bool | None]:
        """Return relevance and correctness; both are None without a score.

        Relevance is the similarity of both texts if a rule judges, and the score if a model does.
        """
        if score is None or answer is None:
            return {"relevance": None, "correct": None}
        relevance = score if self.similarity is None else await self._similarity(row, answer)
        return {"relevance": relevance, "correct": score >= self._correct_from}

    async def _similarity(self, row: Row, answer: str) -> float | None:
        assert self.similarity is not None
        try:
            (agreement,) = await self.similarity.agreements(row, [answer])
        except RequestError:
            return None
        return agreement.value


def _usage(outcomes: Sequence[Outcome]) -> dict[str, Usage]:
    """Return the usage of each model under the field that names it, and of their common judge."""
    totals: dict[str, Usage] = {}
    for field, outcome in zip(MODEL_FIELDS, outcomes, strict=False):
        roles = {CANDIDATE: field}
        by_role = {roles.get(role, role): usage for role, usage in outcome.usage.items()}
        add_usage(totals, by_role)
    return totals


def score_form(_: BenchmarkParameters) -> ScoreForm:
    """Return the form of every verdict on a benchmark's answers: a score from 0 to 1."""
    return ScoreForm(0, 1)


async def benchmark_evaluator(
    parameters: BenchmarkParameters,
    form: VerdictForm,
    access: ModelAccess,
    pool: OwnerPool,
    _keys: Keys,
) -> BenchmarkEvaluator:
    """Return the evaluator of a benchmark evaluation.

    Args:
        parameters: the models, the judge and the benchmark.
        form: the form of the judge's verdicts; a score.
        access: makes the calls.
        pool: computes for the owner of the evaluation.
        _keys: empty, because such a request brings no keys.

    Raises:
        RequestError: a model or the judge has no endpoint, or a model to evaluate is a rule.
    """
    grader = _grader(parameters.judge)
    judge = await _judge(grader, form, access, pool)
    similarity: ComputedRule | None = None
    if parameters.judge.startswith(RULE_PREFIX):
        similarity = await open_rule(SIMILARITY, "{{ answer }}", "answer", pool)
    models: dict[str, SingleEvaluator] = {}
    for field, name in zip(MODEL_FIELDS, parameters.models, strict=False):
        request = _candidate(name, access.config)
        endpoint = endpoint_for(access.config, request, field)
        if endpoint is None:
            raise RequestError("A rule judges; it cannot be evaluated.", field)
        access.client.open(endpoint)
        candidate = await open_candidate(request, endpoint, access, pool, field)
        answers = GeneratedAnswers(candidate)
        workers = row_workers([request, grader])
        models[name] = SingleEvaluator(judge, form, answers, workers)
    return BenchmarkEvaluator(models, parameters.judge, similarity)


def _candidate(name: str, config: EngineConfig) -> ModelRequest:
    """Return a candidate whose prompt is only the question."""
    source: ModelSource = "dedicated" if name in config.dedicated else "serverless"
    return ModelRequest(
        model=name, model_source=source, system_template="", input_template="{{ question }}"
    )


def _grader(name: str) -> JudgeModelConfig:
    """Return the judge of a name: a rule compares, a model grades by the rubric."""
    template = "{{ answer }}" if name.startswith(RULE_PREFIX) else _RUBRIC
    return JudgeModelConfig(model=name, model_source="serverless", system_template=template)


async def _judge(
    request: JudgeModelConfig, form: VerdictForm, access: ModelAccess, pool: OwnerPool
) -> Judge:
    """Return the opened judge; its refusals name the setting it comes from."""
    try:
        endpoint = endpoint_for(access.config, request, "judge")
        if endpoint is not None:
            access.client.open(endpoint)
        return await make_judge(request, form, endpoint, access, pool)
    except RequestError as fault:
        message = f"The judge (local.benchmark_judge): {fault}"
        raise RequestError(message, "judge", fault.reason) from fault
