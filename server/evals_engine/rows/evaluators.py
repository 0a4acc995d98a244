"""Turns one row into an outcome: its answer or answers first, then the judge's verdict."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from evals_engine.compute.pool import OwnerPool
from evals_engine.faults import ModelCallError, RequestError
from evals_engine.judges.judge import make_judge
from evals_engine.judges.protocol import Decision, Judge, Judgement
from evals_engine.judges.rule_judge import RuleJudge
from evals_engine.judges.verdict_forms import VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.models.endpoints import endpoint_for, row_workers
from evals_engine.models.request_keys import Keys
from evals_engine.rows.answers import (
    Answer,
    AnswerSource,
    GenerationError,
    ReadyAnswers,
    answer_source,
)
from evals_engine.rows.outcome import Outcome, failed, failure
from evals_engine.rows.rule_evaluator import RuleEvaluator
from evals_schemas.datasets.reader import IMAGE_COLUMN, Row
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ClassifyParameters,
    CompareParameters,
    ModelRequest,
    ScoreParameters,
    candidates,
)
from evals_schemas.evaluation_api.rows import OUTPUT
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.evaluation_api.usage import JUDGE, Usage

CANDIDATE = "model_to_evaluate"
"""The role of the only candidate; those of a pair are `model_a` and `model_b`."""


class Evaluator(Protocol):
    """What a run does with each row."""

    @property
    def columns(self) -> frozenset[str]:
        """All columns that a template or an answer source reads."""
        ...

    @property
    def workers(self) -> int:
        """How many rows are evaluated at once."""
        ...

    @property
    def rows_together(self) -> int:
        """How many of these rows are best evaluated by one call of `outcomes`."""
        ...

    async def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """Return the outcome of each row; an error of a model or a row is an outcome too."""
        ...


class RowEvaluator(ABC):
    """An evaluator that calls models for one row after another."""

    rows_together = 1

    async def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """See `Evaluator`."""
        return [await self.outcome(row) for row in rows]

    @abstractmethod
    async def outcome(self, row: Row) -> Outcome:
        """Return the outcome of one row; an error of a model or the row is an outcome too."""


@dataclass(frozen=True)
class SingleEvaluator(RowEvaluator):
    """Judges one answer a row, as classify and score do."""

    judge: Judge
    form: VerdictForm
    source: AnswerSource | None
    """None if the judge's template shows the row and there is no separate answer."""
    workers: int

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the judge and of the answer source."""
        return self.judge.columns | (self.source.columns if self.source else frozenset[str]())

    async def outcome(self, row: Row) -> Outcome:
        """Return the verdict, or which of the two calls failed."""
        fields: dict[str, Any] = {"evaluation_successful": False, self.form.key: None}
        answer: Answer | None = None
        try:
            if self.source is not None:
                answer = await self.source.answer(row)
                if answer.generated:
                    fields[OUTPUT] = answer.text
            judgement = await self.judge.verdict(
                row, answer and answer.prompt, answer and answer.text
            )
        except GenerationError as error:
            return failed("generation_failed", fields, error, {CANDIDATE: error.usage})
        except (ModelCallError, RequestError) as error:
            return failed("judge_failed", fields, error, _used(answer) | _used_by_judge(error))
        return replace(
            self.judged(fields, judgement), usage=_used(answer) | {JUDGE: judgement.usage}
        )

    def judged(self, fields: dict[str, Any], judgement: Judgement) -> Outcome:
        """Return the outcome of a judgement, without its usage."""
        verdict = judgement.verdict
        fields |= {"feedback": verdict.feedback, "judge_raw_output": verdict.raw}
        if judgement.attempts > 1:
            fields["judge_attempts"] = judgement.attempts
        if verdict.invalid is not None:
            fields |= failure("verdict", verdict.invalid)
            return Outcome("invalid", fields)
        fields |= {"evaluation_successful": True, self.form.key: verdict.value}
        return Outcome("ok", fields)


@dataclass(frozen=True)
class PairEvaluator(RowEvaluator):
    """Compares two answers a row, in one order or in both."""

    judge: Judge
    source_a: AnswerSource
    source_b: AnswerSource
    both_orders: bool
    workers: int

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the judge and of both answer sources."""
        return self.judge.columns | self.source_a.columns | self.source_b.columns

    async def outcome(self, row: Row) -> Outcome:
        """Return the decision, or which call failed."""
        fields: dict[str, Any] = {"evaluation_successful": False, "final_decision": None}
        used: dict[str, Usage] = {}
        answers: list[Answer] = []
        role = "model_a"
        try:
            for name, source in (("A", self.source_a), ("B", self.source_b)):
                role = f"model_{name.lower()}"
                answers.append(await source.answer(row))
                used[role] = answers[-1].usage
                if answers[-1].generated:
                    fields[f"{OUTPUT}_{name}"] = answers[-1].text
            a, b = answers
            decision = await self.judge.decision(
                row, a.prompt or b.prompt, a.text, b.text, self.both_orders
            )
        except GenerationError as error:
            return failed("generation_failed", fields, error, used | {role: error.usage})
        except (ModelCallError, RequestError) as error:
            return failed("judge_failed", fields, error, used | _used_by_judge(error))
        judged = decision.original.usage
        if decision.flipped:
            judged = judged.plus(decision.flipped.usage)
        return replace(_decided(fields, decision), usage=used | {JUDGE: judged})


def _decided(fields: dict[str, Any], decision: Decision) -> Outcome:
    original, flipped = decision.original, decision.flipped
    verdicts = [judgement.verdict for judgement in (original, flipped) if judgement]
    reasons = [verdict.invalid for verdict in verdicts if verdict.invalid]
    fields |= {
        "judge_raw_output_original": original.verdict.raw,
        "choice_original": original.verdict.value,
        "judge_feedback_original_order": original.verdict.feedback,
        "is_invalid_judge_output": decision.is_invalid_judge_output,
        "final_decision": decision.final,
    }
    if flipped is not None:
        fields |= {
            "judge_raw_output_flipped": flipped.verdict.raw,
            "choice_flipped": flipped.verdict.value,
            "judge_feedback_flipped_order": flipped.verdict.feedback,
        }
    if reasons:
        fields["evaluation_error"] = "; ".join(reasons)
    if decision.final is None:
        return Outcome("invalid", fields | {"failed_at": "verdict"})
    return Outcome("ok", fields | {"evaluation_successful": True})


def _used(answer: Answer | None) -> dict[str, Usage]:
    return {CANDIDATE: answer.usage} if answer else {}


def _used_by_judge(error: ModelCallError | RequestError) -> dict[str, Usage]:
    return {JUDGE: error.usage} if isinstance(error, ModelCallError) else {}


async def single_evaluator(
    parameters: ClassifyParameters | ScoreParameters,
    form: VerdictForm,
    access: ModelAccess,
    pool: OwnerPool,
    keys: Keys,
) -> Evaluator:
    """Return the evaluator of a classify or score evaluation.

    Raises:
        RequestError: a template, a rule or a model source in the parameters cannot work.
    """
    sources = await _answer_sources(parameters, access, pool, keys)
    if parameters.judge.model.startswith(RULE_PREFIX) and not sources:
        raise RequestError(
            "A rule compares an answer with the expected text: name a column of ready answers or a "
            "model.",
            param="model_to_evaluate",
        )
    judge = await _judge(parameters, form, access, pool, keys)
    source = sources.get("model_to_evaluate")
    evaluator = SingleEvaluator(judge, form, source, _workers(parameters))
    if isinstance(judge, RuleJudge) and isinstance(source, ReadyAnswers):
        return RuleEvaluator(
            judge.rule,
            [source],
            form.key,
            lambda fields, agreements: evaluator.judged(fields, judge.judgement(agreements[0])),
            evaluator.workers,
        )
    return evaluator


async def pair_evaluator(
    parameters: CompareParameters,
    form: VerdictForm,
    access: ModelAccess,
    pool: OwnerPool,
    keys: Keys,
) -> Evaluator:
    """Return the evaluator of a compare evaluation.

    Raises:
        RequestError: a template, a rule or a model source in the parameters cannot work.
    """
    sources = await _answer_sources(parameters, access, pool, keys)
    judge = await _judge(parameters, form, access, pool, keys)
    both_orders = not parameters.disable_position_bias_correction
    workers = _workers(parameters)
    a, b = sources["model_a"], sources["model_b"]
    if isinstance(judge, RuleJudge) and isinstance(a, ReadyAnswers) and isinstance(b, ReadyAnswers):
        return RuleEvaluator(
            judge.rule,
            [a, b],
            "final_decision",
            lambda fields, agreements: _decided(
                fields, judge.decided(agreements[0], agreements[1], both_orders)
            ),
            workers,
        )
    return PairEvaluator(judge, a, b, both_orders, workers)


async def _answer_sources(
    parameters: AnyParameters, access: ModelAccess, pool: OwnerPool, keys: Keys
) -> dict[str, AnswerSource]:
    return {
        field: await answer_source(field, source, access, pool, keys.get(field))
        for field, source in candidates(parameters).items()
    }


def _workers(parameters: AnyParameters) -> int:
    """Return how many rows are in flight."""
    sources = candidates(parameters).values()
    models = [source for source in sources if isinstance(source, ModelRequest)]
    return row_workers([parameters.judge, *models])


async def _judge(
    parameters: AnyParameters,
    form: VerdictForm,
    access: ModelAccess,
    pool: OwnerPool,
    keys: Keys,
) -> Judge:
    endpoint = endpoint_for(access.config, parameters.judge, "judge", keys.get("judge"))
    if endpoint is not None:
        access.client.open(endpoint)
    return await make_judge(parameters.judge, form, endpoint, access, pool)


def column_problem(evaluator: Evaluator, columns: list[str]) -> str | None:
    """Return why templates and data set do not fit together; None if they do.

    The sentence about unsupported columns is the vendor's, because clients recognize it.
    """
    if missing := sorted(evaluator.columns - set(columns)):
        return f"Unknown dataset column(s): {missing}. The dataset has: {columns}."
    if unused := [c for c in columns if c not in evaluator.columns and c != IMAGE_COLUMN]:
        return (
            f"Unsupported dataset column(s): {unused}. Each column must be referenced by a model "
            "or judge template, or be a recognized field ('image_data_urls'). Remove unused "
            "columns or reference them in a template."
        )
    return None
