"""The headline of a comparison: a sentence that stays true when it is quoted alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.results.comparisons.comparability import Caution
from evals_mcp.results.comparisons.comparison import Comparison
from evals_mcp.results.number_text import (
    SIGNIFICANT,
    counted,
    ends,
    fixed,
    p_text,
    percent,
    score,
    score_ends,
)
from evals_mcp.results.sides import Names
from evals_schemas.tools.comparisons import (
    Agreement,
    DifferenceInterval,
    PairedRows,
    PassDifference,
    PreferenceDifference,
    ScoreDifference,
)


@dataclass(frozen=True)
class Compared:
    """What two evaluations are called, and what they have in common."""

    names: Names = ("A", "B")
    """The names of the evaluations."""
    sides: Names = ("A", "B")
    """compare: the names of the two answers that both evaluations compare."""
    same_answers: bool = False
    """Whether both judged the same answers."""
    cautions: Sequence[Caution] = ()

    @property
    def same_judging(self) -> bool:
        """Whether nothing is known that makes the judging different."""
        return not any(caution.of == "judging" for caution in self.cautions)


def headline(comparison: Comparison, rows: PairedRows, compared: Compared) -> str:
    """Return the main figure with its interval, its main caution and the rows that are left out."""
    sentences: list[str] = []
    if comparison.agreement:
        sentences.append(_agreement_sentence(comparison.agreement, compared))
    if comparison.scores and not (comparison.passes and comparison.passes_first):
        sentences.append(_score_sentence(comparison.scores, compared))
    elif comparison.passes:
        sentences.append(_pass_sentence(comparison.passes, compared))
    elif comparison.preference:
        sentences.append(_preference_sentence(comparison.preference, compared))
    different = not compared.same_answers and not compared.same_judging
    prefix = (
        "The judging differs too, so the answers alone do not explain this: " if different else ""
    )
    text = " ".join(f"{sentence[0].upper()}{sentence[1:]}" for sentence in sentences)
    return f"{prefix}{text}{_left_out(rows, compared.names)}"


def _pass_sentence(passes: PassDifference, compared: Compared) -> str:
    n, p_value, (a, b) = passes.a.of, passes.p_value, compared.names
    interval = f"95 % interval {ends(passes.interval.low, passes.interval.high)} points"
    if p_value is None:
        possible = f"up to {fixed(passes.interval.high)} points either way is still possible (95 %)"
        pairs = _paired(n)
        return f"No row differs: {a} and {b} pass the same {passes.a.count} of {pairs}; {possible}."
    rates = f"{percent(passes.b.percent)} % against {percent(passes.a.percent)} %"
    if not passes.difference:
        what = f"{b} passes as often as {a} on {_paired(n)}"
    elif compared.same_answers:
        what = f"As judged in {b}, {_points(passes.difference)} of {_paired(n)} pass than in {a}"
    else:
        more = _points(passes.difference)
        what = f"{b} passes {more} often than {a} on {_paired(n)}"
    what += f" ({rates}; {interval}, exact McNemar {p_text(p_value)})"
    verdict = _verdict(p_value, passes.interval)
    detectable = ""
    if verdict and passes.smallest_detectable is not None:
        detectable = _detectable_text(f"{fixed(passes.smallest_detectable)} points")
    elif verdict:
        differing = passes.only_a + passes.only_b
        verb = "differs" if differing == 1 else "differ"
        detectable = f"; only {counted(differing, 'row')} {verb}, too few for a power of 80 %"
    return f"{verdict}{what}{detectable}."


def _paired(n: int | None) -> str:
    return "1 paired row" if n == 1 else f"{n} paired rows"


def _points(difference: float) -> str:
    return f"{fixed(abs(difference))} points {'more' if difference > 0 else 'less'}"


def _score_sentence(scores: ScoreDifference, compared: Compared) -> str:
    n, (a, b) = scores.a.n, compared.names
    means = f"{score(scores.b.mean)} against {score(scores.a.mean)}"
    if scores.p_value is None or scores.interval is None:
        pairs = _paired(n) if n == 1 else f"every one of {_paired(n)}"
        if scores.difference == 0:
            return f"No row differs: {a} and {b} score the same on {pairs}."
        side = "above" if scores.difference > 0 else "below"
        what = f"{b} scores {score(abs(scores.difference))} {side} {a} on {pairs} ({means})"
        return f"{what}; how certain that is cannot be computed."
    size = score(abs(scores.difference))
    if not scores.difference:
        what = f"{b} scores the same as {a} on average"
    elif compared.same_answers:
        what = (
            f"{b} is {'more lenient' if scores.difference > 0 else 'stricter'} than {a} by {size}"
        )
        what += " on the same answers"
    else:
        side = "higher" if scores.difference > 0 else "lower"
        what = f"{b} scores {size} {side} than {a} on average"
    interval = f"95 % interval {score_ends(scores.interval.low, scores.interval.high)}"
    what += f", over {_paired(n)} ({means}; {interval}, paired t {p_text(scores.p_value)})"
    verdict = _verdict(scores.p_value, scores.interval)
    detectable = ""
    if verdict and scores.smallest_detectable is not None:
        detectable = _detectable_text(score(scores.smallest_detectable))
    return f"{verdict}{what}{detectable}."


def _preference_sentence(preference: PreferenceDifference, compared: Compared) -> str:
    (a, b), (side_a, side_b) = compared.names, compared.sides
    net_a, net_b = (_signed(one.net) for one in (preference.a, preference.b))
    nets = f"the net preference for {side_b} over {side_a} is {net_a} points in {a}, {net_b} in {b}"
    if preference.p_value is None or preference.interval is None:
        return f"{nets}."
    interval = f"95 % interval {ends(preference.interval.low, preference.interval.high)} points"
    chance = f"{interval}, paired t {p_text(preference.p_value)}"
    text = f"{nets}; difference {_signed(preference.difference)} ({chance})"
    verdict = _verdict(preference.p_value, preference.interval)
    return f"{verdict}{text}."


def _signed(points: float) -> str:
    text = fixed(points)
    return text if text.startswith("-") else f"+{text}"


def _agreement_sentence(agreement: Agreement, compared: Compared) -> str:
    same, (a, b) = agreement.same, compared.names
    interval = ""
    if agreement.interval:
        low, high = agreement.interval.low, agreement.interval.high
        interval = f", 95 % interval {ends(low, high, 2, (0.0, 1.0))}"
    kappa = ""
    if agreement.kappa is not None:
        kappa = f", Cohen's kappa {fixed(agreement.kappa, 2, (0.0, 1.0, -1.0))}{interval}"
    share = f"{same.count} of {_paired(same.of)} ({percent(same.percent)} %{kappa})"
    if compared.same_answers and compared.same_judging:
        return (
            f"{a} and {b} judged the same answers in the same way and repeat their {agreement.of} "
            f"in {share}; the other rows show how much the judge varies."
        )
    what = "judged the same answers and agree" if compared.same_answers else "agree"
    return f"{a} and {b} {what} on {agreement.of} in {share}."


def _verdict(p_value: float, interval: DifferenceInterval) -> str:
    """Return the start of a sentence about a difference that is not clear; else ""."""
    shown = [p_value < SIGNIFICANT, not interval.low <= 0 <= interval.high]
    if all(shown):
        return ""
    return "Borderline: " if any(shown) else "No clear difference: "


def _detectable_text(size: str) -> str:
    return f"; with this many rows a difference under {size} could easily be missed"


def _left_out(rows: PairedRows, names: Names) -> str:
    parts = [
        f"{total - rows.pairs} of the {counted(total, 'row')} of {name}"
        for name, total in ((names[0], rows.rows_a), (names[1], rows.rows_b))
        if total > rows.pairs
    ]
    return f" Left out: {' and '.join(parts)}." if parts else ""
