"""The parameters of a benchmark evaluation as they are stored."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from evals_schemas.benchmark_api.benchmarks import METRICS, Metric


class BenchmarkParameters(BaseModel):
    """All that a run in any process needs to know about a benchmark evaluation."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    benchmark_id: str
    model_id: str
    model_id_2: str | None = None
    metrics: tuple[Metric, ...] = METRICS
    judge: str = Field(min_length=1)
    """A rule or a model: the one that was configured when the evaluation was created."""
    questions: int = Field(ge=1)
    """How many questions the benchmark has."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models to evaluate, one or two."""
        return (self.model_id, self.model_id_2) if self.model_id_2 else (self.model_id,)
