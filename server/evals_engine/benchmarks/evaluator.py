"""One question from its text to an outcome: each answer, judged by the expected one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from pydantic import BaseModel, ConfigDict, Field

from evals_engine.benchmarks.questions import COLUMNS
from evals_engine.config import EngineConfig
from evals_engine.faults import RequestError
from evals_engine.judges.judge import Judge, make_judge
from evals_engine.judges.rules import agreement, passing_agreement
from evals_engine.judges.verdicts import ScoreForm
from evals_engine.models.client import ModelClient
from evals_engine.models.endpoints import endpoint_for, workers_for
from evals_engine.rows.candidate import Candidate
from evals_engine.rows.evaluators import GeneratedAnswers, Outcome, SingleEvaluator
from evals_schemas.benchmark_api.benchmarks import METRICS, Metric
from evals_schemas.datasets.reader import Row
from evals_schemas.evaluation_api.evaluations import (
    JudgeModelConfig,
    ModelRequest,
    ModelSource,
)
from evals_schemas.evaluation_api.rows import OUTPUT
from evals_schemas.evaluation_api.rules import RULE_PREFIX, SIMILARITY

SCORE = ScoreForm(0, 1)
"""What any judge of a benchmark gives an answer."""

CORRECT_FROM = 0.5
"""The score from which an answer counts as correct when a model judges."""

_RUBRIC = """\
You grade one answer to a question against the expected answer.
Count what it says, not how: other words, another order and further true detail cost nothing. What
contradicts the expected answer, or leaves out a part of it, costs.
1 is fully right, 0.5 is right in the main with something missing, 0 is wrong or no answer.

The expected answer:
{{ answer }}"""


class BenchmarkParameters(BaseModel):
    """A benchmark evaluation as it is stored: all that a run in any process needs."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    benchmark_id: str
    model_id: str
    model_id_2: str | None = None
    metrics: tuple[Metric, ...] = METRICS
    judge: str = Field(min_length=1)
    """A rule or a model, as it was configured when the evaluation was created."""
    questions: int = Field(ge=1)
    """How many the benchmark has."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models to evaluate, one or two."""
        return (self.model_id, self.model_id_2) if self.model_id_2 else (self.model_id,)


@dataclass(frozen=True)
class BenchmarkEvaluator:
    """Every model on one question, side by side. The row has failed if one of them has."""

    models: Mapping[str, SingleEvaluator]
    judge_name: str

    @property
    def columns(self) -> frozenset[str]:
        """All that a question has."""
        return frozenset(COLUMNS)

    @property
    def workers(self) -> int:
        """As many rows as the model with the most calls in flight keeps busy."""
        return max(model.workers for model in self.models.values())

    async def outcome(self, row: Row) -> Outcome:
        """One entry for each model, in the order of the request."""
        found: dict[str, Outcome] = {}

        async def ask(model: str) -> None:
            found[model] = await self.models[model].outcome(row)

        async with anyio.create_task_group() as asking:
            for model in self.models:
                asking.start_soon(ask, model)
        outcomes = [found[model] for model in self.models]
        failed = next((one for one in outcomes if one.state != "ok"), None)
        fields: dict[str, Any] = {
            "answers": [self._entry(model, found[model], row) for model in self.models]
        }
        if failed is not None:
            fields["evaluation_error"] = failed.fields["evaluation_error"]
        return Outcome(
            failed.state if failed else "ok",
            fields,
            sum(one.input_tokens for one in outcomes),
            sum(one.output_tokens for one in outcomes),
            failed.reason if failed else None,
        )

    def _entry(self, model: str, outcome: Outcome, row: Row) -> dict[str, Any]:
        fields = outcome.fields
        answer, score = fields.get(OUTPUT), fields["score"]
        return {
            "model_id": model,
            "model_answer": answer,
            "score": score,
            **self._told_by(score, row["answer"], answer),
            "feedback": fields.get("feedback"),
            "error": fields.get("evaluation_error"),
            "failed_at": fields.get("failed_at"),
        }

    @property
    def _by_rule(self) -> bool:
        return self.judge_name.startswith(RULE_PREFIX)

    @property
    def _correct_from(self) -> float:
        return passing_agreement(self.judge_name) if self._by_rule else CORRECT_FROM

    def _told_by(
        self, score: float | None, expected: str, answer: str | None
    ) -> dict[str, float | bool | None]:
        """Relevance and correctness; None without a score.

        Relevance is how alike the two texts are where a rule judges, else what the judge says.
        """
        if score is None or answer is None:
            return {"relevance": None, "correct": None}
        alike = agreement(SIMILARITY, expected, answer).value if self._by_rule else score
        return {"relevance": alike, "correct": score >= self._correct_from}


def benchmark_evaluator(
    parameters: BenchmarkParameters, config: EngineConfig, client: ModelClient
) -> BenchmarkEvaluator:
    """Compile an evaluation's parameters into what is done with each question.

    Raises:
        RequestError: a model or the judge cannot be reached, or is no such thing.
    """
    judge, judge_workers = _judge(parameters.judge, config, client)
    candidates = {
        field: _candidate(name, config)
        for field, name in zip(("model_id", "model_id_2"), parameters.models, strict=False)
    }
    single = partial(SingleEvaluator, judge, SCORE)
    models: dict[str, SingleEvaluator] = {}
    for field, request in candidates.items():
        endpoint = endpoint_for(config, request, field)
        if endpoint is None:
            raise RequestError("A rule judges; it cannot be evaluated.", field)
        client.open(endpoint)
        side = GeneratedAnswers(Candidate(request, endpoint, client, field))
        models[request.model] = single(side, max(workers_for(request), judge_workers))
    return BenchmarkEvaluator(models, parameters.judge)


def _candidate(name: str, config: EngineConfig) -> ModelRequest:
    """A model that is asked the question and nothing else."""
    source: ModelSource = "dedicated" if name in config.dedicated else "serverless"
    return ModelRequest(
        model=name, model_source=source, system_template="", input_template="{{ question }}"
    )


def _judge(name: str, config: EngineConfig, client: ModelClient) -> tuple[Judge, int]:
    """The judge, and how many calls it is given at once."""
    template = "{{ answer }}" if name.startswith(RULE_PREFIX) else _RUBRIC
    request = JudgeModelConfig(model=name, model_source="serverless", system_template=template)
    try:
        endpoint = endpoint_for(config, request, "judge")
        if endpoint is not None:
            client.open(endpoint)
        workers = workers_for(request)
        return make_judge(request, SCORE, endpoint, client, workers), workers
    except RequestError as fault:
        message = f"The judge (local.benchmark_judge): {fault}"
        raise RequestError(message, "judge", fault.reason) from fault
