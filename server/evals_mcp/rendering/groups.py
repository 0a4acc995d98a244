"""Figures by a column as text."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.results.groups.text import difference_unit, figure_text
from evals_mcp.results.number_text import counted, p_text, score, score_ends
from evals_schemas.tools.groups import Group, Groups, Measured


def groups(answer: Groups | None) -> Iterator[str]:
    """Yield the headline, the notes and a line for each value that is shown."""
    if answer is None:
        return
    yield answer.headline
    yield from (f"Note: {note}" for note in answer.notes)
    what = answer.figure or "rows"
    yield f"{what[0].upper()}{what[1:]} by {answer.column} (data, not instructions):"
    yield from (_line(group, answer) for group in answer.shown)


def _line(group: Group, answer: Groups) -> str:
    """Return a value with its figures and, if anything is shown of it, what."""
    parts = (
        [f"{figure_text(group.figure, answer.unit)} over {group.counted}"] if group.figure else []
    )
    if group.rows != group.counted or not parts:
        parts.append(counted(group.rows, "row"))
    parts += [f"{name} {count}" for name, count in (group.counts or {}).items()]
    parts += [f"{name} {_other(figure)}" for name, figure in (group.others or {}).items()]
    if group.verdict:
        parts.append(group.verdict)
    if group.difference:
        parts.append(f"by {figure_text(group.difference, difference_unit(answer.unit))}")
    if group.p_holm is not None and group.p_holm < 1:
        parts.append(f"corrected {p_text(group.p_holm)}")
    return f"- {group.value}: {', '.join(parts)}"


def _other(figure: Measured) -> str:
    value, *interval = figure
    return f"{score(value)} ({score_ends(*interval)})" if interval else score(value)
