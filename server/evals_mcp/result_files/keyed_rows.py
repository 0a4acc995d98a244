"""The rows of an evaluation with the keys that pair them with those of another one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from anyio import from_thread

from evals_mcp.results.comparisons.joining import KeyedRows, answer_columns
from evals_mcp.results.rows import OUTPUTS
from evals_mcp.results.types.table import type_spec
from evals_schemas.digests import answer_key, joined_keys
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex


def keyed_rows(job: EvaluationJob, index: ResultIndex, key: list[str]) -> KeyedRows:
    """Yield the rows of an evaluation with their keys from its index; runs in a worker thread."""
    own_rows = type_spec(job.type).own_rows
    answers = [own_rows.answer] if own_rows else answer_columns(job.parameters, index.columns)
    unknown = None if set(answers) <= set(index.columns) else answer_key(_origin(job, answers))
    for block in index.blocks(key if unknown else [*key, *answers]):
        from_thread.check_cancelled()
        rows = len(block.verdicts)
        judged = repeat(unknown) if unknown else joined_keys(block.keys[len(key) :], rows)
        keys = joined_keys(block.keys[: len(key)], rows)
        numbers = range(block.first, block.first + rows)
        yield from zip(numbers, keys, judged, block.verdicts, strict=False)


def _origin(job: EvaluationJob, answers: Sequence[str]) -> list[object]:
    """Return what names the answers that the result file lacks: the same for the same ones only.

    Ready answers are those of a column of a data set. Generated ones are known to one evaluation.
    """
    file_id = job.parameters.get("input_data_file_path")
    if file_id is None or any(name in OUTPUTS for name in answers):
        return [job.workflow_id]
    return [file_id, *answers]
