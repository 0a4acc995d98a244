"""How a ready rubric reads a data set whose columns have other names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.near_names import near_names
from evals_mcp.planning.inputs.templates import can_be_named
from evals_schemas.rubrics.rubric import RubricColumn
from evals_schemas.rubrics.table import rubric_of


@dataclass(frozen=True)
class RubricAdvice:
    """What to write so that a ready rubric finds a column."""

    sentence: str
    column: str | None
    """The column of the data set that is most likely meant; None if none resembles it."""


def advice_for_column(template: str, missing: str, columns: Sequence[str]) -> RubricAdvice | None:
    """Return how to name another column to the rubric whose text the template is.

    Args:
        template: a judge's template.
        missing: a column that the template reads and the data set lacks.
        columns: the data set's columns.

    Returns:
        None if the template is not the text of a ready rubric.
    """
    recognised = rubric_of(template)
    if recognised is None:
        return None
    rubric, names = recognised
    free = [name for name in columns if name not in names.values() and can_be_named(name)]
    likely = {
        needed.name: _likely(needed, names[needed.name], free)
        for needed in rubric.columns
        if names[needed.name] not in columns
    }
    suggested = {name: column or "<column>" for name, column in likely.items()}
    needed = next(each for each in rubric.columns if names[each.name] == missing)
    written = rubric.reference(names | suggested)
    sentence = f"It holds {needed.meaning}. Write `judge.system_template` as {written}."
    return RubricAdvice(sentence, likely[needed.name])


def _likely(needed: RubricColumn, missing: str, free: Sequence[str]) -> str | None:
    """Return the column that has one of the usual other names or resembles the missing one."""
    usual = [name for name in needed.other_names if name in free]
    return next(iter([*usual, *near_names(missing, free, 1)]), None)
