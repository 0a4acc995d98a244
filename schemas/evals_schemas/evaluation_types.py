"""The names of the evaluation types. What differs between them stands in three tables.

`evals_schemas.type_models` names the contracts of each type, `evals_engine.runs.evaluation_types`
how its rows are judged, and `evals_mcp.results.types.table` how its results are read.
"""

from typing import Final, Literal

CLASSIFY: Final = "classify"
SCORE: Final = "score"
COMPARE: Final = "compare"
BENCHMARK: Final = "benchmark"

EvaluationType = Literal["classify", "score", "compare"]
"""A type in which a judge decides about each row of a data set, under the evaluation contract."""

RequestType = Literal["classify", "score", "compare", "benchmark"]
"""An `EvaluationType`, or `benchmark` for a model's answers to a benchmark."""

JUDGED_TYPES: Final = (CLASSIFY, SCORE, COMPARE)
"""The values of `EvaluationType`."""
