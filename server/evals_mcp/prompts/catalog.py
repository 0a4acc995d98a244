"""The catalogue of prompts. A new prompt is a module and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from evals_mcp.prompts import (
    check_judge,
    compare_versions,
    find_failing_patterns,
    guard_repository,
    improve_rubric,
    regression_check,
    write_rubric,
)
from evals_mcp.prompts.definition import PromptDefinition

PROMPTS: Mapping[str, PromptDefinition] = {
    module.DEFINITION.name: module.DEFINITION
    for module in (
        compare_versions,
        find_failing_patterns,
        write_rubric,
        check_judge,
        improve_rubric,
        regression_check,
        guard_repository,
    )
}
"""Every prompt by its name, in the order in which clients list them."""


def prompts(*, read_only: bool) -> Mapping[str, PromptDefinition]:
    """Return the prompts of a server; those that start nothing, if the server only reads."""
    return {name: prompt for name, prompt in PROMPTS.items() if not (read_only and prompt.starts)}
