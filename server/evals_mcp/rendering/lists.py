"""The lists of evaluations and of data sets as text, a line each."""

from __future__ import annotations

from evals_mcp.cleaning import quoted
from evals_mcp.rendering.costs import short_cost
from evals_mcp.rendering.phrases import amount, joined, labelled, status_text, time_text
from evals_schemas.tools.outputs import (
    DatasetLine,
    EvaluationLine,
    ListDatasetsOutput,
    ListEvaluationsOutput,
)


def evaluations(answer: ListEvaluationsOutput) -> str:
    """Return one line per evaluation, and the cursor."""
    return joined(
        *map(_evaluation, answer.evaluations),
        answer.note,
        labelled("next_cursor", answer.next_cursor),
        answer.next_step,
    )


def datasets(answer: ListDatasetsOutput) -> str:
    """Return one line per data set or benchmark."""
    shown = len(answer.datasets)
    kinds = "data sets and benchmarks"
    if all(line.kind == "dataset" for line in answer.datasets):
        kinds = "data sets"
    head = f"The newest {shown} of {answer.total} {kinds}:" if answer.total > shown else None
    return joined(head, *map(_dataset, answer.datasets), answer.note, answer.next_step)


def _evaluation(line: EvaluationLine) -> str:
    when = time_text(line.created_at) if line.created_at else "time unknown"
    name = f" {quoted(line.name, 100)}" if line.name else ""
    status = status_text(line.status, line.reason)
    price = short_cost(line.cost_usd)
    text = f"{line.evaluation_id}{name} {line.type or 'type unknown'} {status}, {when}"
    text += f", {price}" if price else ""
    about = [
        f"judge {quoted(line.judge, 60)}" if line.judge else None,
        line.judged,
        _data_set(line),
    ]
    sentences = " ".join(filter(None, [line.error, line.headline]))
    whole = "; ".join(filter(None, [text, ", ".join(filter(None, about))]))
    return f"{whole}: {sentences}" if sentences else whole


def _data_set(line: EvaluationLine) -> str | None:
    if line.data_set is None:
        return None
    if line.data_set_name is None:
        return f"data set {line.data_set}"
    return f"data set {quoted(line.data_set_name, 60)} ({line.data_set})"


def _dataset(line: DatasetLine) -> str:
    what = "row" if line.kind == "dataset" else "question"
    rows = amount(line.rows, what) if line.rows is not None else f"{what}s not counted"
    size = f", {line.bytes:,} bytes" if line.bytes or line.kind == "dataset" else ""
    when = f", {time_text(line.created_at)}" if line.created_at else ""
    kind = "" if line.kind == "dataset" else "benchmark "
    return f"{line.file_id} {kind}{quoted(line.name, 80)}: {rows}{size}{when}"
