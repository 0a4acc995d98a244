"""The table of evaluation types in both contracts: the models of their requests and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest, BenchmarkResults
from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    ClassifyResults,
    CompareParameters,
    CompareResults,
    Results,
    ScoreParameters,
    ScoreResults,
)
from evals_schemas.evaluation_types import BENCHMARK, CLASSIFY, COMPARE, SCORE

AnyResults = ClassifyResults | ScoreResults | CompareResults | BenchmarkResults | Results


@dataclass(frozen=True)
class TypeModels:
    """The models of one type of evaluation."""

    name: str
    parameters: type[BaseModel]
    """The model of a request's parameters."""
    results: type[ClassifyResults | ScoreResults | CompareResults | BenchmarkResults]
    telltale: str
    """A field that only the results of this type have."""
    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    """Documented defaults of absent parameters that change the results."""

    @property
    def fields(self) -> frozenset[str]:
        """The names of the parameters."""
        return frozenset(self.parameters.model_fields) - {"type"}


TYPE_MODELS: Mapping[str, TypeModels] = MappingProxyType(
    {
        models.name: models
        for models in (
            TypeModels(CLASSIFY, ClassifyParameters, ClassifyResults, "label_counts"),
            TypeModels(SCORE, ScoreParameters, ScoreResults, "aggregated_scores"),
            TypeModels(
                COMPARE,
                CompareParameters,
                CompareResults,
                "A_wins",
                {"disable_position_bias_correction": False},
            ),
            TypeModels(BENCHMARK, BenchmarkRequest, BenchmarkResults, "models"),
        )
    }
)
"""The models of every type of evaluation by its name."""


def type_of_parameters(parameters: BaseModel) -> str:
    """Return the name of the type that parameters belong to.

    Raises:
        KeyError: no type has such parameters.
    """
    for models in TYPE_MODELS.values():
        if type(parameters) is models.parameters:
            return models.name
    raise KeyError(type(parameters).__name__)


def type_of_results(results: BaseModel | None) -> str | None:
    """Return the name of the type that results belong to; None if they belong to no type."""
    names = (models.name for models in TYPE_MODELS.values() if type(results) is models.results)
    return next(names, None)


def parse_results(kind: str | None, results: dict[str, Any] | None) -> AnyResults | None:
    """Return a job's results, read by its type; a missing or unknown type is told by the fields.

    Raises:
        pydantic.ValidationError: the results do not follow the contract.
    """
    if results is None:
        return None
    by_field = (models for models in TYPE_MODELS.values() if models.telltale in results)
    models = TYPE_MODELS.get(kind or "") or next(by_field, None)
    return (models.results if models else Results).model_validate(results)
