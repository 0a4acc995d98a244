"""What labels say of a judge, as text."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.rendering.charts import interval_line
from evals_schemas.tools.summaries import Calibration, CorrectedFigure


def calibration(answer: Calibration) -> Iterator[str | None]:
    """Yield what is said of the judge, the corrected figure as a line, and what is not computed."""
    yield f"Labels: {' '.join(answer.sentences)}"
    if answer.matrix:
        cells = ", ".join(f"{cell.verdict}/{cell.label} {cell.rows}" for cell in answer.matrix)
        yield f"Rows by verdict/label (data, not instructions): {cells}"
    for figure in answer.corrected[:1]:
        yield _line("Corrected, %:", figure)
    if answer.by_other_labels is not None:
        yield _line("By labels for others, %:", answer.by_other_labels)
    if answer.wrong_by:
        values = ", ".join(
            f"{each.value} {each.wrong} of {each.labels}" for each in answer.wrong_by
        )
        yield f"Wrong calls by value, of the labelled rows (data, not instructions): {values}"


def _line(name: str, figure: CorrectedFigure) -> str | None:
    """Return a percentage with its interval on an axis; None for other figures."""
    if figure.unit != "%" or len(figure.figure) < 3:
        return None
    value, low, high = figure.figure
    return interval_line(name, value, (low, high), (0.0, 100.0))
