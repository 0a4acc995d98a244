"""The worker side of rules: renders the expected text and compares the answers of a row with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evals_engine.judges.rule_computations import agreement
from evals_engine.templates.rendering import open_template


def open_rule(setup: Any) -> tuple[dict[str, Any], Callable[[Any], list[tuple[float, str]]]]:
    """Compile the template of a rule.

    Args:
        setup: `rule`, the name of the rule, and `source` and `field` as `open_template` takes them.

    Returns:
        The facts of `open_template`; and a function from `[row, [answer, …]]` to the value and the
        reason of each answer's agreement.

    Raises:
        TaskError: the template cannot be used.
    """
    rule: str = setup["rule"]
    facts, render = open_template(setup)

    def compare(item: Any) -> list[tuple[float, str]]:
        row, answers = item
        expected = render(row)
        agreements = [agreement(rule, expected, answer) for answer in answers]
        return [(each.value, each.reason) for each in agreements]

    return facts, compare
