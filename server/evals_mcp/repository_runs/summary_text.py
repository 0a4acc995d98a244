"""The results for people: a table in a terminal, and a summary in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.cleaning import clean, inert, quoted
from evals_mcp.exports.formats import markdown_cell
from evals_mcp.repository_runs.figures import shown
from evals_mcp.spending.dollars import usd
from evals_schemas.repository.results import MetricResult, RunResults

_COLUMNS = ("metric", "figure", "95 % interval", "rows", "no verdict", "status")
_NAME = 40
_HEADLINE = 600
_ADDED = "taken over"


def table(results: RunResults) -> list[str]:
    """Return the metrics as the lines of a table."""
    if not results.metrics:
        return []
    lines = _cells(results.metrics)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def closing_lines(results: RunResults) -> list[str]:
    """Return what a terminal shows below the table: cost, decision and notes."""
    lines = [*_headlines(results), _cost(results)] if results.metrics else []
    if results.gate is not None:
        if results.gate.cache is not None:
            lines.append(_cache(results))
        lines += [f"Note: {note}" for note in results.gate.notes]
        lines.append(results.gate.sentence)
    elif rows := _rows_left(results):
        lines.append(
            f"{rows:,} rows were not judged: `evals-mcp run {results.file} --continue` judges them "
            "and keeps the verdicts, until a new `stop_when` of the file or all."
        )
    elif results.error is not None:
        lines.append(results.error)
    return lines


def _rows_left(results: RunResults) -> int:
    """Return the rows that a run left because it stopped early; 0 if none."""
    if results.error is not None or len(results.metrics) != 1:
        return 0
    return int((results.metrics[0].sequential or {}).get("rows_not_judged") or 0)


def markdown(results: RunResults) -> str:
    """Return the summary; texts of others render as the texts themselves."""
    title = results.name or results.file
    lines = [f"## Evaluation {markdown_cell(clean(title, 100))}", ""]
    if results.gate is not None:
        lines += [f"**{_plain(results.gate.sentence)}**", ""]
    elif results.error is not None:
        lines += [f"**{_plain(results.error)}**", ""]
    if results.metrics:
        rows = _cells(results.metrics)
        lines += [_table_line(rows[0]), _table_line(["---"] * len(rows[0]))]
        lines += [_table_line(row) for row in rows[1:]]
        lines += ["", *(f"- {_plain(headline)}" for headline in _headlines(results))]
        lines += ["", _plain(_cost(results))]
    if results.gate is not None:
        lines += _gate_lines(results)
    lines += [f"- {_plain(warning)}" for warning in results.warnings]
    return "\n".join(lines).rstrip() + "\n"


def _headlines(results: RunResults) -> list[str]:
    """Return the headlines of metrics whose rows are of one evaluation.

    They say what a table cannot: whether people have checked the judge, and what a run that stopped
    early has decided.
    """
    shown_metrics = [
        each for each in results.metrics if each.headline and not each.verdicts.taken_over
    ]
    if len(results.metrics) == 1:
        return [inert(each.headline or "", _HEADLINE) for each in shown_metrics]
    return [
        f"{quoted(each.name, _NAME)}: {inert(each.headline or '', _HEADLINE)}"
        for each in shown_metrics
    ]


def _gate_lines(results: RunResults) -> list[str]:
    gate = results.gate
    assert gate is not None, "the caller has checked it"
    lines: list[str] = []
    if len(gate.metrics) > 1:
        lines += [
            "",
            *(f"- {markdown_cell(each.name)}: {_plain(each.sentence)}" for each in gate.metrics),
        ]
    if gate.cache is not None:
        lines += ["", _plain(_cache(results))]
    if gate.baseline:
        lines += ["", f"Baseline: {markdown_cell(gate.baseline)}"]
    return [*lines, *(f"- {_plain(note)}" for note in gate.notes)]


def _cells(metrics: Sequence[MetricResult]) -> list[list[str]]:
    has_taken_over = any(metric.verdicts.taken_over for metric in metrics)
    head: list[str] = [*_COLUMNS, _ADDED] if has_taken_over else [*_COLUMNS]
    lines: list[list[str]] = [head]
    for metric in metrics:
        value, ends = shown(metric.figure)
        line = [
            inert(metric.name, _NAME),
            value,
            ends,
            f"{metric.rows:,}",
            f"{metric.verdicts.failed:,}",
            inert(metric.status, _NAME),
        ]
        lines.append([*line, f"{metric.verdicts.taken_over:,}"] if has_taken_over else line)
    return lines


def _cost(results: RunResults) -> str:
    calls = "an unknown number of calls" if results.calls is None else f"{results.calls:,} calls"
    if results.calls == 0:
        return "Cost: nothing, 0 calls."
    price = "of unknown price" if results.cost_usd is None else usd(results.cost_usd)
    return f"Cost: {calls}, {price}."


def _cache(results: RunResults) -> str:
    cache = results.gate.cache if results.gate else None
    assert cache is not None, "the caller has checked it"
    if cache.reason:
        return f"Verdicts from the baseline: none; {cache.reason}."
    oldest = f", the oldest of {cache.oldest[:10]}" if cache.oldest else ""
    return f"Verdicts from the baseline: {cache.hits:,}{oldest}; judged now: {cache.misses:,}."


def _table_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(markdown_cell(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    return markdown_cell(inert(text, 1000))
