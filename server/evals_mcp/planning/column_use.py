"""How a request uses the columns of its data set, and what of them is sent."""

from __future__ import annotations

from dataclasses import dataclass

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.derivations.derivation import Derivation, Recipe, Selection
from evals_mcp.planning.checks.columns import ColumnFit, check_columns
from evals_mcp.planning.checks.list_columns import ListColumns, list_columns
from evals_mcp.planning.inputs.templates import ReadTemplates
from evals_schemas.evaluation_api.evaluations import AnyParameters


@dataclass(frozen=True)
class ColumnUse:
    """The columns that are sent, the others, and those that are sent as lists."""

    fit: ColumnFit
    lists: ListColumns

    @classmethod
    def of(
        cls, parameters: AnyParameters, profile: DatasetProfile, names: ReadTemplates
    ) -> ColumnUse:
        """Return how a request uses the columns. Comparing names and reading cells takes time.

        Args:
            parameters: parameters of the request.
            profile: its data set.
            names: the names that its templates read.
        """
        fit = check_columns(parameters, profile.columns, names)
        return cls(fit, list_columns(names, profile))

    def derivation(self, selection: Selection | None) -> Derivation | None:
        """Return how the file to send is made; None if the data set is sent as it is.

        Args:
            selection: the rows that are sent; None for all.
        """
        fit, lists = self.fit, self.lists.columns
        if selection is None and not fit.unused and not lists:
            return None
        arguments = dict(selection.arguments) if selection else {}
        added = selection.added if selection else ()
        recipe = Recipe(
            tuple(name for name in fit.used if name not in added),
            tuple(name for name in fit.unused if name not in added),
            lists,
            tuple(name for name in fit.used if name in added),
            arguments,
        )
        return Derivation(recipe, selection)
