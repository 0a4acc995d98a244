"""What makes one type of evaluation differ from another in a run: how rows are judged and counted.

Everything else, from leases to the result file, is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from evals_engine.benchmarks.evaluator import (
    BenchmarkEvaluator,
    BenchmarkParameters,
    benchmark_evaluator,
)
from evals_engine.benchmarks.totals import BenchmarkTally
from evals_engine.config import EngineConfig
from evals_engine.models.client import ModelClient
from evals_engine.models.request_keys import Keys
from evals_engine.results.totals import Tally, judged_tally
from evals_engine.rows.evaluators import Evaluator, make_evaluator
from evals_engine.store.records import BENCHMARK_OUTPUT, EVAL_OUTPUT
from evals_schemas.benchmark_api.benchmarks import BENCHMARK
from evals_schemas.evaluation_api.evaluations import AnyParameters, parse_evaluation_request


class Task(Protocol):
    """One evaluation's type and parameters."""

    @property
    def output_purpose(self) -> str:
        """The purpose of its result file."""
        ...

    def evaluator(self, config: EngineConfig, client: ModelClient, keys: Keys) -> Evaluator:
        """What is done with each row.

        Raises:
            RequestError: something in the parameters cannot work.
        """
        ...

    def tally(self) -> Tally:
        """An empty count over the finished rows."""
        ...


@dataclass(frozen=True)
class JudgedTask:
    """Classify, score and compare."""

    parameters: AnyParameters
    output_purpose: str = EVAL_OUTPUT

    def evaluator(self, config: EngineConfig, client: ModelClient, keys: Keys) -> Evaluator:
        """See `Task`."""
        return make_evaluator(self.parameters, config, client, keys)

    def tally(self) -> Tally:
        """See `Task`."""
        return judged_tally(self.parameters)


@dataclass(frozen=True)
class BenchmarkTask:
    """One model, or two side by side, on the questions of a benchmark."""

    parameters: BenchmarkParameters
    output_purpose: str = BENCHMARK_OUTPUT

    def evaluator(
        self,
        config: EngineConfig,
        client: ModelClient,
        keys: Keys,  # noqa: ARG002 - of Task; no key comes with such a request
    ) -> BenchmarkEvaluator:
        """See `Task`."""
        return benchmark_evaluator(self.parameters, config, client)

    def tally(self) -> Tally:
        """See `Task`."""
        return BenchmarkTally(self.parameters.models, self.parameters.metrics)


def read_task(evaluation_type: str, parameters: Mapping[str, Any]) -> Task:
    """A stored evaluation's task.

    Raises:
        pydantic.ValidationError: the parameters are none that this version has stored.
    """
    if evaluation_type == BENCHMARK:
        return BenchmarkTask(BenchmarkParameters.model_validate(parameters))
    request = {"type": evaluation_type, "parameters": parameters}
    return JudgedTask(parse_evaluation_request(request).parameters)
