"""Which columns and rows of a data set a request sends."""

from __future__ import annotations

from evals_mcp.derivations.derivation import Derivation, Recipe, Selection
from evals_mcp.planning.checks.columns import ColumnFit


def derivation_of(fit: ColumnFit, selection: Selection | None) -> Derivation | None:
    """Return how the file to send is made; None if the data set is sent as it is."""
    if selection is None and not fit.unused:
        return None
    arguments = dict(selection.arguments) if selection else {}
    added = selection.added if selection else ()
    recipe = Recipe(
        tuple(name for name in fit.used if name not in added),
        tuple(name for name in fit.unused if name not in added),
        added=tuple(name for name in fit.used if name in added),
        arguments=arguments,
    )
    return Derivation(recipe, selection)
