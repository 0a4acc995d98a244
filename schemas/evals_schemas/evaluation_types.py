"""The names of the evaluation contract's types; the benchmark contract adds `BENCHMARK`."""

from typing import Final, Literal

CLASSIFY: Final = "classify"
SCORE: Final = "score"
COMPARE: Final = "compare"

EvaluationType = Literal["classify", "score", "compare"]
"""A type in which a judge decides about each row of a data set."""

JUDGED_TYPES: Final = (CLASSIFY, SCORE, COMPARE)
"""The values of `EvaluationType`."""
