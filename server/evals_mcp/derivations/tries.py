"""Which tries the rows of a result file are of, and whether their figures may be added up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from evals_mcp.cleaning import clean
from evals_mcp.providers.same_request import ROW_ARGUMENTS, measured, without_keys
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import TRY
from evals_schemas.digests import value_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.sequential.stop_when import STOP_WHEN

TRIES = "tries.json"
"""The file beside a kept result file that says which tries its rows are of."""

_NOT_MEASURED = ROW_ARGUMENTS | {"input_data_file_path", "sent_file", STOP_WHEN}
_ONLY_LENGTH = "judge.max_tokens"
"""The parameter that decides whether a judge comes to its verdict, and not which."""
_SHOWN = 60


@dataclass(frozen=True)
class Try:
    """One of the evaluations whose rows a result file has."""

    number: int
    """1 for the first."""
    evaluation_id: str
    settings: Mapping[str, str]
    """Its parameters by their paths, such as `judge.model`, long texts by a name."""
    rows: int = 0
    """Rows of the file that are of this try."""

    @property
    def measures(self) -> str:
        """A name that is the same for tries whose figures may be added up."""
        return value_digest("try", {k: v for k, v in self.settings.items() if k != _ONLY_LENGTH})


def tries_beside(rows: Path) -> tuple[list[Try], list[str]]:
    """Return the tries of a kept result file, and sentences about them; nothing without a retry."""
    try:
        value = json.loads(rows.with_name(TRIES).read_text())
    except FileNotFoundError:
        return [], []
    if missing := value["missing"]:
        gone = f"Only the rows of this retry: those of {missing}, which it takes over, are gone."
        return [], [gone]
    tries = [Try(**each) for each in value["tries"]]
    return tries, [_rows_sentence(tries), *_differences(tries)]


def reasons_to_keep_apart(tries: Sequence[Try]) -> list[str]:
    """Return the paths of the parameters that keep the figures of tries apart."""
    return [path for path in _differing(tries) if path != _ONLY_LENGTH]


def _differing(tries: Sequence[Try]) -> list[str]:
    paths = dict.fromkeys(path for each in tries for path in each.settings)
    return [path for path in paths if len({each.settings.get(path) for each in tries}) > 1]


def tries_apart(tries: Sequence[Try]) -> list[tuple[str, list[int]]]:
    """Return the groups of tries whose figures may be added up, with names; empty if all may be."""
    groups: dict[str, list[Try]] = {}
    for each in tries:
        groups.setdefault(each.measures, []).append(each)
    if len(groups) < 2:
        return []
    return [
        (
            f"{'Try' if len(group) == 1 else 'Tries'} {', '.join(str(t.number) for t in group)}",
            [each.number for each in group],
        )
        for group in groups.values()
    ]


def _rows_sentence(tries: Sequence[Try]) -> str:
    parts = [
        f"{counted(each.rows, 'row')} of try {each.number} ({each.evaluation_id})" for each in tries
    ]
    return f"{', '.join(parts[:-1])} and {parts[-1]}; column {TRY}."


def _differences(tries: Sequence[Try]) -> Iterator[str]:
    """Yield a sentence for each parameter in which the tries differ."""
    for path in _differing(tries):
        values = ", ".join(
            f"{each.settings.get(path, 'absent')} in try {each.number}" for each in tries
        )
        yield f"The tries differ in {path}: {values}."


def try_of(number: int, job: EvaluationJob) -> Try:
    """Return a try, of which no row is counted yet."""
    parameters = measured(job.type or "", without_keys(job.parameters))
    return Try(number, job.workflow_id, dict(_settings(parameters, "")))


def _settings(parameters: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        if value is None or (not above and name in _NOT_MEASURED):
            continue
        if isinstance(value, Mapping):
            yield from _settings(cast("Mapping[str, Any]", value), f"{above}{name}.")
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        is_long = len(text) > _SHOWN or "\n" in text
        shown = f"a text ({value_digest('text', text)[-8:]})" if is_long else clean(text, _SHOWN)
        yield above + name, shown
