"""The table of evaluation types: how each one's rows are judged and its verdicts counted.

A new type is its own modules and one line of the table. Everything else in a run, from leases to
the result file, is the same for all types. `evals_schemas.evaluation_types` names the other tables
with a line for each type.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from evals_engine.benchmarks.evaluator import benchmark_evaluator, score_form
from evals_engine.benchmarks.parameters import BenchmarkParameters
from evals_engine.benchmarks.totals import BenchmarkTotals
from evals_engine.compute.pool import OwnerPool
from evals_engine.faults import RequestError
from evals_engine.judges.verdict_forms import ChoiceForm, LabelForm, ScoreForm, VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.models.request_keys import Keys
from evals_engine.results.totals import ClassifyTotals, CompareTotals, ScoreTotals, Totals
from evals_engine.rows.evaluators import Evaluator, pair_evaluator, single_evaluator
from evals_engine.runs.stopping.row_values import (
    RowValues,
    choice_values,
    label_values,
    score_values,
)
from evals_engine.store.records import BENCHMARK_OUTPUT, EVAL_OUTPUT
from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    ScoreParameters,
)
from evals_schemas.evaluation_types import BENCHMARK, CLASSIFY, COMPARE, SCORE
from evals_schemas.sequential.stop_when import STOP_WHEN

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class TypeSpec(Generic[P]):
    """What makes one type of evaluation different from the others."""

    name: str
    parameters: type[P]
    """The model of the stored parameters."""
    verdict_form: Callable[[P], VerdictForm]
    evaluator: Callable[[P, VerdictForm, ModelAccess, OwnerPool, Keys], Awaitable[Evaluator]]
    """Raises RequestError if the parameters cannot work."""
    totals: Callable[[P], Totals]
    """Returns empty totals."""
    row_values: Callable[[P], RowValues] | None = None
    """Returns how rows count as evidence; None for a type that cannot stop early."""
    output_purpose: str = EVAL_OUTPUT
    """The purpose of the result file."""


TYPES: Mapping[str, TypeSpec[Any]] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            TypeSpec(
                CLASSIFY,
                ClassifyParameters,
                LabelForm.of,
                single_evaluator,
                ClassifyTotals,
                label_values,
            ),
            TypeSpec(
                SCORE,
                ScoreParameters,
                ScoreForm.of,
                single_evaluator,
                ScoreTotals,
                score_values,
            ),
            TypeSpec(
                COMPARE,
                CompareParameters,
                ChoiceForm.of,
                pair_evaluator,
                CompareTotals,
                choice_values,
            ),
            TypeSpec(
                BENCHMARK,
                BenchmarkParameters,
                score_form,
                benchmark_evaluator,
                BenchmarkTotals.of,
                output_purpose=BENCHMARK_OUTPUT,
            ),
        )
    }
)
"""Every type of evaluation by its name."""


@dataclass(frozen=True)
class TypedParameters:
    """The parameters of one evaluation with its type."""

    spec: TypeSpec[Any]
    parameters: Any

    async def evaluator(self, access: ModelAccess, pool: OwnerPool, keys: Keys) -> Evaluator:
        """Return what a run does with each row.

        Args:
            access: makes the calls of models.
            pool: computes for the owner of the evaluation.
            keys: keys of models that came with the request.

        Raises:
            RequestError: the parameters cannot work.
        """
        form = self.spec.verdict_form(self.parameters)
        return await self.spec.evaluator(self.parameters, form, access, pool, keys)

    def row_values(self) -> RowValues:
        """Return how rows count as evidence.

        Raises:
            RequestError: evaluations of this type cannot stop early.
        """
        if self.spec.row_values is None:
            raise RequestError(f"A {self.spec.name} evaluation judges all its rows.", STOP_WHEN)
        return self.spec.row_values(self.parameters)

    def totals(self) -> Totals:
        """Return empty totals for the evaluation's rows."""
        return self.spec.totals(self.parameters)


def typed_parameters(type_name: str, stored: Mapping[str, Any]) -> TypedParameters:
    """Return a stored evaluation's parameters.

    Raises:
        KeyError: this version has no such type.
        pydantic.ValidationError: this version could not have stored these parameters.
    """
    spec = TYPES[type_name]
    return TypedParameters(spec, spec.parameters.model_validate(stored))
