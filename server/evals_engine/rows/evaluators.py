"""One row from its columns to an outcome: the answer or answers, then the judge's verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pydantic import SecretStr

from evals_engine.config import EngineConfig
from evals_engine.faults import ModelCallError, RequestError
from evals_engine.judges.judge import Decision, Judge, Judgement, make_judge
from evals_engine.judges.verdicts import ChoiceForm, LabelForm, ScoreForm
from evals_engine.models.client import ModelClient
from evals_engine.models.endpoints import endpoint_for, workers_for
from evals_engine.models.request_keys import Keys
from evals_engine.rows.candidate import Candidate
from evals_schemas.datasets.reader import IMAGE_COLUMN, Row
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ClassifyParameters,
    ColumnOrModel,
    CompareParameters,
    ModelRequest,
    ScoreParameters,
    candidates,
)
from evals_schemas.evaluation_api.rows import OUTPUT, FailedAt
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.reasons import Reason

State = Literal["ok", "generation_failed", "judge_failed", "invalid"]


@dataclass(frozen=True)
class Outcome:
    """What became of one row."""

    state: State
    fields: dict[str, Any]
    """What the row gains in the result file."""
    input_tokens: int = 0
    """Prompt tokens of every call, as far as the endpoints tell."""
    output_tokens: int = 0
    """Generated tokens, likewise."""
    reason: Reason | None = None
    """What is wrong with the endpoint of a failed call; None where the endpoint is not at fault."""


class GenerationError(Exception):
    """No answer could be had for a row; the message says why."""

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        """What is wrong with the candidate's endpoint; None where it is not at fault."""


@dataclass(frozen=True)
class Answer:
    """What is to be judged."""

    text: str
    prompt: str | None
    """What the candidate was asked; None for a ready answer."""
    input_tokens: int = 0
    output_tokens: int = 0


class Side(Protocol):
    """Where one answer of a row comes from."""

    @property
    def columns(self) -> frozenset[str]:
        """The data-set columns it reads."""
        ...

    async def answer(self, row: Row) -> Answer:
        """The answer of one row. Raises GenerationError."""
        ...


@dataclass(frozen=True)
class ReadyAnswers:
    """A column that holds the answers already."""

    column: str

    @property
    def columns(self) -> frozenset[str]:
        """That column."""
        return frozenset({self.column})

    async def answer(self, row: Row) -> Answer:
        """The cell, as text."""
        value = row[self.column]
        if value is None:
            raise GenerationError(f"column {self.column} is null")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return Answer(text, None)


@dataclass(frozen=True)
class GeneratedAnswers:
    """A model that is asked."""

    candidate: Candidate

    @property
    def columns(self) -> frozenset[str]:
        """The columns of its templates."""
        return self.candidate.columns

    async def answer(self, row: Row) -> Answer:
        """What the model says."""
        try:
            completion = await self.candidate.answer(row)
            prompt = self.candidate.prompt(row)
        except (ModelCallError, RequestError) as error:
            raise GenerationError(str(error), error.reason) from error
        return Answer(
            completion.text, prompt, completion.input_tokens or 0, completion.output_tokens or 0
        )


class Evaluator(Protocol):
    """What a run does with each row."""

    @property
    def columns(self) -> frozenset[str]:
        """Every column that a template or a side reads."""
        ...

    @property
    def workers(self) -> int:
        """Rows to have in flight at once."""
        ...

    async def outcome(self, row: Row) -> Outcome:
        """What becomes of one row; raises for nothing that a model or a row can do."""
        ...


@dataclass(frozen=True)
class SingleEvaluator:
    """Classify and score: one answer, one verdict."""

    judge: Judge
    form: LabelForm | ScoreForm
    side: Side | None
    """None when the judge's template shows the row and there is no further answer."""
    workers: int

    @property
    def columns(self) -> frozenset[str]:
        """The judge's columns and the side's."""
        return self.judge.columns | (self.side.columns if self.side else frozenset[str]())

    async def outcome(self, row: Row) -> Outcome:
        """The verdict, or at which of the two calls the row failed."""
        fields: dict[str, Any] = {"evaluation_successful": False, self.form.key: None}
        answer: Answer | None = None
        try:
            if self.side is not None:
                answer = await self.side.answer(row)
                if isinstance(self.side, GeneratedAnswers):
                    fields[OUTPUT] = answer.text
            judgement = await self.judge.verdict(
                row, answer and answer.prompt, answer and answer.text
            )
        except GenerationError as error:
            return _failed("generation_failed", fields, error)
        except (ModelCallError, RequestError) as error:
            return _counted(_failed("judge_failed", fields, error), answer)
        return _counted(self._judged(fields, judgement), answer, judgement)

    def _judged(self, fields: dict[str, Any], judgement: Judgement) -> Outcome:
        verdict = judgement.verdict
        fields |= {"feedback": verdict.feedback, "judge_raw_output": verdict.raw}
        if judgement.attempts > 1:
            fields["judge_attempts"] = judgement.attempts
        if verdict.invalid is not None:
            fields |= _failure("verdict", verdict.invalid)
            return Outcome("invalid", fields)
        fields |= {"evaluation_successful": True, self.form.key: verdict.value}
        return Outcome("ok", fields)


@dataclass(frozen=True)
class PairEvaluator:
    """Compare: two answers, judged in one order or in both."""

    judge: Judge
    side_a: Side
    side_b: Side
    both_orders: bool
    workers: int

    @property
    def columns(self) -> frozenset[str]:
        """The judge's columns and both sides'."""
        return self.judge.columns | self.side_a.columns | self.side_b.columns

    async def outcome(self, row: Row) -> Outcome:
        """The decision, or at which call the row failed."""
        fields: dict[str, Any] = {"evaluation_successful": False, "final_decision": None}
        answers: list[Answer] = []
        try:
            for name, side in (("A", self.side_a), ("B", self.side_b)):
                answers.append(await side.answer(row))
                if isinstance(side, GeneratedAnswers):
                    fields[f"{OUTPUT}_{name}"] = answers[-1].text
            a, b = answers
            decision = await self.judge.decision(
                row, a.prompt or b.prompt, a.text, b.text, self.both_orders
            )
        except GenerationError as error:
            return _counted(_failed("generation_failed", fields, error), *answers)
        except (ModelCallError, RequestError) as error:
            return _counted(_failed("judge_failed", fields, error), *answers)
        return _counted(_decided(fields, decision), *answers, decision.original, decision.flipped)


def _decided(fields: dict[str, Any], decision: Decision) -> Outcome:
    original, flipped = decision.original, decision.flipped
    unread = [one.verdict.invalid for one in (original, flipped) if one and one.verdict.invalid]
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
    if unread:
        fields["evaluation_error"] = "; ".join(unread)
    if decision.final is None:
        return Outcome("invalid", fields | {"failed_at": "verdict"})
    return Outcome("ok", fields | {"evaluation_successful": True})


def _failed(
    state: Literal["generation_failed", "judge_failed"],
    fields: dict[str, Any],
    error: GenerationError | ModelCallError | RequestError,
) -> Outcome:
    at: FailedAt = "judge" if state == "judge_failed" else "generation"
    return Outcome(state, fields | _failure(at, str(error)), reason=error.reason)


def _failure(at: FailedAt, reason: str) -> dict[str, Any]:
    return {"evaluation_error": reason, "failed_at": at}


def _counted(outcome: Outcome, *calls: Answer | Judgement | None) -> Outcome:
    """The outcome with the tokens of its calls."""
    made = [call for call in calls if call is not None]
    return replace(
        outcome,
        input_tokens=sum(call.input_tokens or 0 for call in made),
        output_tokens=sum(call.output_tokens or 0 for call in made),
    )


def make_evaluator(
    parameters: AnyParameters, config: EngineConfig, client: ModelClient, keys: Keys
) -> Evaluator:
    """Compile an evaluation's parameters into what is done with each row.

    Raises:
        RequestError: a template, a rule or a model source in them cannot work.
    """
    sides = {
        field: _side(field, side, config, client, keys.get(field))
        for field, side in candidates(parameters).items()
    }
    models = [side for side in candidates(parameters).values() if isinstance(side, ModelRequest)]
    workers = max(workers_for(model) for model in [parameters.judge, *models])
    if parameters.judge.model.startswith(RULE_PREFIX) and not sides:
        raise RequestError(
            "A rule compares an answer with what is expected: name a column of ready answers or a "
            "model.",
            param="model_to_evaluate",
        )
    form, pass_labels = _verdict_form(parameters)
    endpoint = endpoint_for(config, parameters.judge, "judge", keys.get("judge"))
    if endpoint is not None:
        client.open(endpoint)
    judge = make_judge(
        parameters.judge,
        form,
        endpoint,
        client,
        workers_for(parameters.judge),
        pass_labels,
    )
    if isinstance(form, ChoiceForm):
        both = not getattr(parameters, "disable_position_bias_correction", False)
        return PairEvaluator(judge, sides["model_a"], sides["model_b"], both, workers)
    return SingleEvaluator(judge, form, sides.get("model_to_evaluate"), workers)


def _verdict_form(
    parameters: AnyParameters,
) -> tuple[LabelForm | ScoreForm | ChoiceForm, tuple[str, ...]]:
    match parameters:
        case ClassifyParameters():
            return LabelForm(tuple(parameters.labels)), tuple(parameters.pass_labels)
        case ScoreParameters():
            return ScoreForm(parameters.min_score, parameters.max_score), ()
        case CompareParameters():
            return ChoiceForm(), ()


def _side(
    field: str,
    side: ColumnOrModel,
    config: EngineConfig,
    client: ModelClient,
    token: SecretStr | None,
) -> Side:
    if isinstance(side, str):
        return ReadyAnswers(side)
    endpoint = endpoint_for(config, side, field, token)
    if endpoint is None:
        raise RequestError("A rule judges; it cannot be evaluated.", param=f"{field}.model")
    return GeneratedAnswers(Candidate(side, endpoint, client, field))


def column_problem(evaluator: Evaluator, columns: list[str]) -> str | None:
    """What is wrong between templates and data set, as the vendor words it; None when nothing is.

    The sentence about unsupported columns is the vendor's own, which clients know.
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
