"""One sentence on two evaluations that stays true when it is repeated alone."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.results.comparisons.comparability import Caution
from evals_mcp.results.comparisons.comparison import SIGNIFICANT, Comparison
from evals_schemas.tools.comparisons import (
    Agreement,
    DifferenceInterval,
    PairedRows,
    PassDifference,
    PreferenceDifference,
    ScoreDifference,
)


def headline(
    found: Comparison, rows: PairedRows, *, same_answers: bool, cautions: Sequence[Caution]
) -> str:
    """The main figure with its error bar, what it is not, and the rows that are not in it."""
    main = ""
    if found.agreement:
        main = _agreement_sentence(found.agreement, same_answers=same_answers) + " "
    if found.scores and not (found.passes and found.kind == "benchmark"):
        main += _score_sentence(found.scores)
    elif found.passes:
        main += _pass_sentence(found.passes)
    elif found.preference:
        main += _preference_sentence(found.preference)
    judging = not same_answers and any(caution.of == "judging" for caution in cautions)
    prefix = "The judging differs too, so this is not the answers alone: " if judging else ""
    return f"{prefix}{main.strip()}{_left_out(rows)}"


def _pass_sentence(found: PassDifference) -> str:
    n, p_value = found.a.of, found.p_value
    if p_value is None:
        return f"No difference: A and B pass the same {found.a.count} of {_paired(n)}."
    ends = _range(found.interval, ".1f", " points")
    rates = f"{found.b.percent:.1f} % against {found.a.percent:.1f} %"
    what = f"B passes {_points(found.difference)} often than A on {_paired(n)}"
    if not found.difference:
        what = f"B passes as often as A on {_paired(n)}"
    what += f" ({rates}; {ends}, exact McNemar {p_text(p_value)})"
    if _is_clear(p_value, found.interval):
        return f"{what}."
    return f"No clear difference: {what}{_unseen(found.smallest_detectable, '.1f', ' points')}."


def _paired(n: int | None) -> str:
    return "1 paired row" if n == 1 else f"{n} paired rows"


def _points(difference: float) -> str:
    return f"{abs(difference):.1f} points {'more' if difference > 0 else 'less'}"


def _score_sentence(found: ScoreDifference) -> str:
    n = found.a.n
    means = f"{found.b.mean:.4g} against {found.a.mean:.4g}"
    if found.p_value is None or found.interval is None:
        if found.difference == 0:
            return f"No difference: A and B score the same on all of {_paired(n)}."
        side = "above" if found.difference > 0 else "below"
        pairs = _paired(n) if n == 1 else f"every one of {_paired(n)}"
        what = f"B scores {abs(found.difference):.4g} {side} A on {pairs} ({means})"
        return f"{what}; how sure that is cannot be told."
    side = "higher" if found.difference > 0 else "lower"
    what = f"B scores {abs(found.difference):.4g} {side} than A on average"
    if not found.difference:
        what = "B scores the same as A on average"
    ends = _range(found.interval, ".4g", "")
    what += f", over {_paired(n)} ({means}; {ends}, paired t {p_text(found.p_value)})"
    if _is_clear(found.p_value, found.interval):
        return f"{what}."
    return f"No clear difference: {what}{_unseen(found.smallest_detectable, '.4g', '')}."


def _preference_sentence(found: PreferenceDifference) -> str:
    nets = f"net preference for side B is {found.b.net:+z.1f} points in B, {found.a.net:+z.1f} in A"
    if found.p_value is None or found.interval is None:
        return f"The {nets}."
    chance = f"{_range(found.interval, '.1f', ' points')}, paired t {p_text(found.p_value)}"
    text = f"{nets}; difference {found.difference:+z.1f} ({chance})"
    if _is_clear(found.p_value, found.interval):
        return f"The {text}."
    return f"No clear difference: the {text}."


def _agreement_sentence(found: Agreement, *, same_answers: bool) -> str:
    ends = f", {_range(found.interval, '.2f', '')}" if found.interval else ""
    kappa = "" if found.kappa is None else f", Cohen's kappa {found.kappa:z.2f}{ends}"
    what = "judged the same answers and agree" if same_answers else "agree"
    return (
        f"A and B {what} on {found.of} in {found.same.count} of {_paired(found.same.of)} "
        f"({found.same.percent:.1f} %{kappa})."
    )


def _is_clear(p_value: float, interval: DifferenceInterval) -> bool:
    return p_value < SIGNIFICANT and not interval.low <= 0 <= interval.high


def _unseen(smallest: float | None, digits: str, unit: str) -> str:
    if smallest is None:
        return "; so few rows differ that no difference could have shown"
    size = f"{smallest:{digits}}{unit}"
    return f"; with this many rows a difference under {size} could easily have gone unseen"


def _left_out(rows: PairedRows) -> str:
    parts = [
        f"{total - rows.pairs} of {name}'s {total} rows"
        for name, total in (("A", rows.rows_a), ("B", rows.rows_b))
        if total > rows.pairs
    ]
    return f" Not in it: {' and '.join(parts)}." if parts else ""


def _range(interval: DifferenceInterval, digits: str, unit: str) -> str:
    return f"95 % interval {interval.low:z{digits}} to {interval.high:z{digits}}{unit}"


def p_text(p_value: float) -> str:
    """A p-value as it is quoted: three digits, never 0."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
