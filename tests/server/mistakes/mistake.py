"""One mistake, and calls that are right but for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evals_schemas.tools.inputs import RESPONSE_COLUMNS

RULE = {"model": "rule/exact-match", "system_template": "{{question}}{{expected}}"}
CANDIDATE = {
    "model": "org/answerer",
    "system_template": "",
    "input_template": "{{question}}{{answer}}{{expected}}",
}

_GIVEN: dict[str, dict[str, Any]] = {
    "classify": {
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
    },
    "score": {
        "min_score": 0,
        "max_score": 1,
        "pass_threshold": 1,
        "response_column": "answer",
    },
    "compare": {"response_column_a": "answer", "response_column_b": "other"},
}


@dataclass(frozen=True)
class Mistake:
    """A call with a mistake."""

    tool: str
    arguments: dict[str, Any]
    """A text that begins with @ stands for an id or a path, which the test knows."""
    answer: tuple[str, ...]
    """Distinctive parts of the answer."""

    @property
    def name(self) -> str:
        """The tool and the arguments, for a report."""
        return f"{self.tool} {self.arguments}"


def call(tool: str, *answer: str, **arguments: Any) -> Mistake:
    """Return a call of a tool with exactly these arguments."""
    return Mistake(tool, arguments, answer)


def upload(*answer: str, **arguments: Any) -> Mistake:
    """Return an upload with exactly these arguments."""
    return call("upload_dataset", *answer, **arguments)


def classify(*answer: str, **changes: Any) -> Mistake:
    """Return a create of a classify evaluation; None leaves an argument out."""
    return _create("classify", "@pairs", answer, changes)


def score(*answer: str, **changes: Any) -> Mistake:
    """Return a create of a score evaluation; None leaves an argument out."""
    return _create("score", "@pairs", answer, changes)


def compare(*answer: str, **changes: Any) -> Mistake:
    """Return a create of a compare evaluation; None leaves an argument out."""
    return _create("compare", "@triples", answer, changes)


def benchmark(*answer: str, **changes: Any) -> Mistake:
    """Return a create of a benchmark evaluation; None leaves an argument out."""
    given = {"type": "benchmark", "benchmark_id": "@benchmark", "model_id": "org/answerer"}
    return Mistake("create_evaluation", _without_nones(given | changes), answer)


def _create(kind: str, data: str, answer: tuple[str, ...], changes: dict[str, Any]) -> Mistake:
    given = {"type": kind, "input_data_file_path": data, "judge": RULE, **_GIVEN[kind]}
    if changes.keys() & RESPONSE_COLUMNS.keys():
        given.pop("response_column", None)
    return Mistake("create_evaluation", _without_nones(given | changes), answer)


def _without_nones(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}
