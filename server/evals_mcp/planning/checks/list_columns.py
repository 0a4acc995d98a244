"""Columns that templates loop over, and whose cells hold lists as JSON texts, as in CSV files."""

from __future__ import annotations

from dataclasses import dataclass

from evals_mcp.cleaning import quoted
from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.planning.checks.findings import Findings
from evals_mcp.planning.inputs.templates import ReadTemplates
from evals_schemas.datasets.list_cells import read_list


@dataclass(frozen=True)
class ListColumns:
    """The columns to read as lists, and what to say about columns that are looped over."""

    columns: tuple[str, ...]
    findings: Findings


def list_columns(names: ReadTemplates, profile: DatasetProfile) -> ListColumns:
    """Return the looped-over columns whose sampled cells are JSON texts of lists.

    Args:
        names: the names that the templates of a request read.
        profile: its data set.
    """
    looped = {
        column: field
        for field, read in names.items()
        for column in read.looped
        if column in profile.columns
    }
    read: list[str] = []
    notes: list[str] = []
    warnings: list[str] = []
    for column, field in looped.items():
        cells = [row.row.get(column) for row in profile.sample]
        texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
        plain = [text for text in texts if not isinstance(read_list(text), list)]
        if len(plain) < len(texts):
            read.append(column)
            notes.append(
                f"{quoted(column, 60)} holds lists as JSON texts, and `{field}` loops over it: "
                "they are sent as lists."
            )
        if plain:
            warnings.append(
                f"`{field}` loops over {quoted(column, 60)}, whose cells are texts in "
                f"{len(plain):,} of {len(cells):,} sampled rows: there it loops over characters."
            )
    return ListColumns(tuple(read), Findings(warnings=tuple(warnings), notes=tuple(notes)))
