"""Checks for settings that are allowed and answer nothing: what they would cost is spent for it."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.cleaning import quoted
from evals_mcp.planning.checks.findings import Findings
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ClassifyParameters,
    CompareParameters,
)
from evals_schemas.evaluation_api.rules import RULE_PREFIX


def check_settings(parameters: AnyParameters) -> Findings:
    """Return warnings about one side compared with itself and about labels that all pass.

    Labels that all pass are a problem with a rule, which needs one for answers that do not agree.
    """
    labels = tuple(_labels_that_all_pass(parameters))
    if parameters.judge.model.startswith(RULE_PREFIX):
        return Findings(problems=labels, warnings=tuple(_same_sides(parameters)))
    return Findings(warnings=(*labels, *_same_sides(parameters)))


def _labels_that_all_pass(parameters: AnyParameters) -> Iterator[str]:
    if isinstance(parameters, ClassifyParameters) and not (
        set(parameters.labels) - set(parameters.pass_labels)
    ):
        yield (
            "Every label is one of `pass_labels`, so every row would pass: leave out the labels "
            "that are no pass."
        )


def _same_sides(parameters: AnyParameters) -> Iterator[str]:
    if not isinstance(parameters, CompareParameters) or parameters.model_a != parameters.model_b:
        return
    if isinstance(parameters.model_a, str):
        same = (
            f"`response_column_a` and `response_column_b` are both {quoted(parameters.model_a, 60)}"
        )
    else:
        same = "`model_a` and `model_b` are the same model with the same prompts"
    yield f"{same}: the answers are compared with themselves. Name another for one side."
