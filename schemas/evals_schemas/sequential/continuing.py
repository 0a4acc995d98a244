"""How an evaluation goes on with the rows of one that stopped early."""

from __future__ import annotations

from evals_schemas.sequential.record import CERTAIN, Sequential
from evals_schemas.sequential.stop_when import EngineStopWhen, StopWhen


def continued_rules(
    rules: StopWhen | None, before: EngineStopWhen, decided: Sequential
) -> EngineStopWhen:
    """Return the rules of an evaluation that continues a stopped one: same order, same clusters.

    Args:
        rules: its own; None to judge all rows.
        before: those of the stopped evaluation.
        decided: what that one has decided.
    """
    if rules is None:
        return before.model_copy(update={"to_the_end": True, "seed": decided.order_seed})
    asked = EngineStopWhen.model_validate(rules.model_dump(exclude_unset=True))
    same_order = {"seed": decided.order_seed, "cluster_column": before.cluster_column}
    return asked.model_copy(update=same_order)


def reached_already(
    rules: StopWhen | None, before: StopWhen, decided: Sequential, spent_usd: float | None = None
) -> str | None:
    """Return which of the rules is met by the rows so far, as a sentence; None if none is.

    An evaluation with such a rule would stop again before its first new row.

    Args:
        rules: those of the evaluation that goes on; None to judge all rows.
        before: those of the stopped evaluation.
        decided: what that one has decided.
        spent_usd: what its rows cost, if its record does not say.
    """
    if rules is None:
        return None
    names = {decided.decision, *(each.decision for each in decided.earlier or ())}
    if rules.decided and rules.target == before.target and names & CERTAIN:
        return "it was decided already"
    margin = before.smaller_than or 0
    if rules.smaller_than and "smaller_than" in names and rules.smaller_than >= margin:
        return "the difference is certain to be that small already"
    low, high = decided.interval
    half = (high - low) / 2
    if rules.width and "width" in names and half <= rules.width:
        return f"the figure is known to plus or minus {half:.2g} points already"
    spent = decided.spent_usd if decided.spent_usd is not None else spent_usd
    if rules.max_usd and spent is not None and spent >= rules.max_usd:
        return f"${spent:.2g} are spent already, which `max_usd` counts"
    return None
