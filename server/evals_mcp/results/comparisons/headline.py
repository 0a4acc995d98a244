"""The headline of a comparison: sentences that stay true when they are quoted alone."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.results.comparisons.comparison import Comparison
from evals_mcp.results.comparisons.difference_text import (
    UNCERTAIN,
    certainty,
    opening,
    paired_rows,
    pass_chance,
    pass_power,
    pass_rates,
    score_chance,
    score_means,
    score_power,
)
from evals_mcp.results.comparisons.judge_headline import (
    agreement_share,
    judge_sentences,
    preference_sentence,
)
from evals_mcp.results.comparisons.judging import Compared
from evals_mcp.results.number_text import counted, fixed, score, sentence_of
from evals_mcp.results.sides import Names
from evals_schemas.tools.comparisons import (
    PairedRows,
    PassDifference,
    ScoreDifference,
)


def headline(comparison: Comparison, rows: PairedRows, compared: Compared) -> str:
    """Return the main figure with its interval, its main caution and the rows that are left out."""
    if compared.subject == "answers":
        sentences = _answer_sentences(comparison, compared)
        caution = "The judging differs too, so the answers alone do not explain this: "
    else:
        sentences = judge_sentences(comparison, compared)
        caution = ""
    text = " ".join(map(sentence_of, sentences))
    caution = caution if compared.judging_differs else ""
    return f"{caution}{text}{compared.clusters}{_left_out(rows, compared.names)}"


def _answer_sentences(comparison: Comparison, compared: Compared) -> Iterator[str]:
    if agreement := comparison.agreement:
        a, b = compared.names
        yield f"{a} and {b} agree on {agreement.of} in {agreement_share(agreement)}."
    if comparison.scores and not (comparison.passes and comparison.passes_first):
        yield _score_sentence(comparison.scores, compared)
    elif comparison.passes:
        yield _pass_sentence(comparison.passes, compared.names)
    elif comparison.preference:
        yield preference_sentence(comparison.preference, compared)


def _pass_sentence(passes: PassDifference, names: Names) -> str:
    n, p_value, (a, b) = passes.a.of, passes.p_value, names
    if not passes.only_a + passes.only_b:
        return f"No row differs: {a} and {b} pass the same {passes.a.count} of {_possible(passes)}."
    if passes.difference:
        more = "more" if passes.difference > 0 else "less"
        what = f"{b} passes {fixed(abs(passes.difference))} points {more} often than {a}"
    else:
        what = f"{b} passes as often as {a}"
    if p_value is None or passes.interval is None:
        return f"{what} on {paired_rows(n)} ({pass_rates(passes)}); {UNCERTAIN}."
    what += f" on {paired_rows(n)} ({pass_rates(passes)}; {pass_chance(passes.interval, p_value)})"
    sure = certainty(p_value, passes.interval)
    return f"{opening(sure)}{what}{'' if sure == 'clear' else pass_power(passes)}."


def _possible(passes: PassDifference) -> str:
    """Return the number of pairs that do not differ, and the difference that is still possible."""
    if passes.interval is None:
        return paired_rows(passes.a.of)
    high = fixed(passes.interval.high)
    return f"{paired_rows(passes.a.of)}; up to {high} points either way is still possible (95 %)"


def _score_sentence(scores: ScoreDifference, compared: Compared) -> str:
    n, (a, b) = scores.a.n, compared.names
    size = score(abs(scores.difference))
    if scores.difference:
        side = "higher" if scores.difference > 0 else "lower"
        what = f"{b} scores {size} {side} than {a} on average"
    else:
        what = f"{b} scores the same as {a} on average"
    if scores.p_value is None or scores.interval is None:
        if compared.clustered:
            return f"{what}, over {paired_rows(n)} ({score_means(scores)}); {UNCERTAIN}."
        pairs = paired_rows(n) if n == 1 else f"every one of {paired_rows(n)}"
        if scores.difference == 0:
            return f"No row differs: {a} and {b} score the same on {pairs}."
        side = "above" if scores.difference > 0 else "below"
        what = f"{b} scores {size} {side} {a} on {pairs} ({score_means(scores)})"
        return f"{what}; {UNCERTAIN}."
    chance = score_chance(scores.interval, scores.p_value)
    what += f", over {paired_rows(n)} ({score_means(scores)}; {chance})"
    sure = certainty(scores.p_value, scores.interval)
    return f"{opening(sure)}{what}{'' if sure == 'clear' else score_power(scores)}."


def _left_out(rows: PairedRows, names: Names) -> str:
    parts = [
        f"{total - rows.pairs} of the {counted(total, 'row')} of {name}"
        for name, total in ((names[0], rows.rows_a), (names[1], rows.rows_b))
        if total > rows.pairs
    ]
    return f" Left out: {' and '.join(parts)}." if parts else ""
