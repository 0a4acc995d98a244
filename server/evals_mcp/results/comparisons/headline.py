"""The headline of a comparison: a sentence that stays true when it is quoted alone."""

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
    comparison: Comparison, rows: PairedRows, *, same_answers: bool, cautions: Sequence[Caution]
) -> str:
    """Return the main figure with its interval, its main caution and the rows that are left out."""
    main = ""
    if comparison.agreement:
        main = _agreement_sentence(comparison.agreement, same_answers=same_answers) + " "
    if comparison.scores and not (comparison.passes and comparison.passes_first):
        main += _score_sentence(comparison.scores)
    elif comparison.passes:
        main += _pass_sentence(comparison.passes)
    elif comparison.preference:
        main += _preference_sentence(comparison.preference)
    judging = not same_answers and any(caution.of == "judging" for caution in cautions)
    prefix = (
        "The judging differs too, so the answers alone do not explain this: " if judging else ""
    )
    return f"{prefix}{main.strip()}{_left_out(rows)}"


def _pass_sentence(passes: PassDifference) -> str:
    n, p_value = passes.a.of, passes.p_value
    if p_value is None:
        return f"No difference: A and B pass the same {passes.a.count} of {_paired(n)}."
    ends = _range(passes.interval, ".1f", " points")
    rates = f"{passes.b.percent:.1f} % against {passes.a.percent:.1f} %"
    what = f"B passes {_points(passes.difference)} often than A on {_paired(n)}"
    if not passes.difference:
        what = f"B passes as often as A on {_paired(n)}"
    what += f" ({rates}; {ends}, exact McNemar {p_text(p_value)})"
    if _is_clear(p_value, passes.interval):
        return f"{what}."
    detectable = _detectable_text(passes.smallest_detectable, ".1f", " points")
    return f"No clear difference: {what}{detectable}."


def _paired(n: int | None) -> str:
    return "1 paired row" if n == 1 else f"{n} paired rows"


def _points(difference: float) -> str:
    return f"{abs(difference):.1f} points {'more' if difference > 0 else 'less'}"


def _score_sentence(scores: ScoreDifference) -> str:
    n = scores.a.n
    means = f"{scores.b.mean:.4g} against {scores.a.mean:.4g}"
    if scores.p_value is None or scores.interval is None:
        if scores.difference == 0:
            return f"No difference: A and B score the same on all of {_paired(n)}."
        side = "above" if scores.difference > 0 else "below"
        pairs = _paired(n) if n == 1 else f"every one of {_paired(n)}"
        what = f"B scores {abs(scores.difference):.4g} {side} A on {pairs} ({means})"
        return f"{what}; how certain that is cannot be computed."
    side = "higher" if scores.difference > 0 else "lower"
    what = f"B scores {abs(scores.difference):.4g} {side} than A on average"
    if not scores.difference:
        what = "B scores the same as A on average"
    ends = _range(scores.interval, ".4g", "")
    what += f", over {_paired(n)} ({means}; {ends}, paired t {p_text(scores.p_value)})"
    if _is_clear(scores.p_value, scores.interval):
        return f"{what}."
    return f"No clear difference: {what}{_detectable_text(scores.smallest_detectable, '.4g', '')}."


def _preference_sentence(preference: PreferenceDifference) -> str:
    net_a, net_b = preference.a.net, preference.b.net
    nets = f"net preference for side B is {net_b:+z.1f} points in B, {net_a:+z.1f} in A"
    if preference.p_value is None or preference.interval is None:
        return f"The {nets}."
    chance = (
        f"{_range(preference.interval, '.1f', ' points')}, paired t {p_text(preference.p_value)}"
    )
    text = f"{nets}; difference {preference.difference:+z.1f} ({chance})"
    if _is_clear(preference.p_value, preference.interval):
        return f"The {text}."
    return f"No clear difference: the {text}."


def _agreement_sentence(agreement: Agreement, *, same_answers: bool) -> str:
    ends = f", {_range(agreement.interval, '.2f', '')}" if agreement.interval else ""
    kappa = "" if agreement.kappa is None else f", Cohen's kappa {agreement.kappa:z.2f}{ends}"
    what = "judged the same answers and agree" if same_answers else "agree"
    same = agreement.same
    return (
        f"A and B {what} on {agreement.of} in {same.count} of {_paired(same.of)} "
        f"({same.percent:.1f} %{kappa})."
    )


def _is_clear(p_value: float, interval: DifferenceInterval) -> bool:
    return p_value < SIGNIFICANT and not interval.low <= 0 <= interval.high


def _detectable_text(smallest: float | None, digits: str, unit: str) -> str:
    if smallest is None:
        return "; so few rows differ that no difference could have been significant"
    size = f"{smallest:{digits}}{unit}"
    return f"; with this many rows a difference under {size} could easily be missed"


def _left_out(rows: PairedRows) -> str:
    parts = [
        f"{total - rows.pairs} of {name}'s {total} rows"
        for name, total in (("A", rows.rows_a), ("B", rows.rows_b))
        if total > rows.pairs
    ]
    return f" Left out: {' and '.join(parts)}." if parts else ""


def _range(interval: DifferenceInterval, digits: str, unit: str) -> str:
    return f"95 % interval {interval.low:z{digits}} to {interval.high:z{digits}}{unit}"


def p_text(p_value: float) -> str:
    """Return a p-value as text with three digits, never as 0."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
