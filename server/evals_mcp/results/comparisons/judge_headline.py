"""Sentences about two judges of the same answers, or about one judge that judged them twice.

The answers are the same, so no sentence here says that one of them is better or worse.
"""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.results.clusters import test_name
from evals_mcp.results.comparisons.comparison import Comparison
from evals_mcp.results.comparisons.difference_text import (
    UNCERTAIN,
    Certainty,
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
from evals_mcp.results.comparisons.judging import Compared
from evals_mcp.results.number_text import ends, fixed, p_text, percent, score, signed
from evals_schemas.tools.comparisons import (
    Agreement,
    DifferenceInterval,
    PassDifference,
    PreferenceDifference,
    ScoreAgreement,
    ScoreDifference,
)
from evals_schemas.tools.summaries import Rate

ALIKE = 0.8
"""Judges rank alike if the whole interval of the rank correlation is at least this."""

UNLIKE = 0.5
"""Judges rank differently if the whole interval is below this."""

_UNIT = (0.0, 1.0, -1.0)
"""Numbers that an agreement or a correlation reads as only if it equals them."""


def judge_sentences(comparison: Comparison, compared: Compared) -> Iterator[str]:
    """Yield how far the verdicts agree, and which judge is stricter."""
    if comparison.score_agreement and comparison.scores and not comparison.passes_first:
        yield from _of_scores(comparison.score_agreement, comparison.scores, compared)
        return
    agreement = comparison.agreement
    if agreement:
        yield _agreement_sentence(agreement, compared)
        if agreement.kappa is not None and agreement.ac1_interval and not agreement.interval:
            reason = comparison.not_computed["agreement.interval"]
            yield f"Kappa has no interval: {reason[0].lower()}{reason[1:]}"
    if comparison.passes:
        yield from _pass_sentences(comparison.passes, compared, told=agreement is not None)
    elif comparison.preference:
        yield from _preference_sentences(comparison.preference, compared)


def agreement_share(agreement: Agreement) -> str:
    """Return how many rows agree, with kappa and AC1."""
    figures = [_share(agreement.same)]
    if agreement.kappa is not None:
        kappa = f"Cohen's kappa {fixed(agreement.kappa, 2, _UNIT)}"
        figures.append(kappa + _interval(agreement.interval))
    if agreement.ac1 is not None:
        figures.append(f"Gwet's AC1 {fixed(agreement.ac1, 2, _UNIT)}")
    return f"{_counted_rows(agreement.same)} ({'; '.join(figures)})"


def _agreement_sentence(agreement: Agreement, compared: Compared) -> str:
    share = agreement_share(agreement)
    if compared.judge:
        return f"{compared.judge} repeats its {agreement.of} in {share}; {_rest(agreement.same)}."
    return f"{_both(compared)} agree on {agreement.of} in {share}."


def _both(compared: Compared) -> str:
    """Return both judges, with what differs between them where their names do not say it."""
    a, b = compared.names
    differ = f" (other {' and '.join(compared.differences)})" if compared.differences else ""
    return f"on the same answers {a} and {b}{differ}"


def _rest(same: Rate) -> str:
    others = (same.of or 0) - (same.count or 0)
    if not others:
        return "no row differs"
    rows = "1 row shows" if others == 1 else f"{others} rows show"
    return f"the other {rows} how much the judge varies"


def _counted_rows(same: Rate) -> str:
    return f"{same.count} of {paired_rows(same.of)}"


def _share(same: Rate) -> str:
    interval = ""
    if same.interval:
        low, high = same.interval.low, same.interval.high
        interval = f", 95 % interval {ends(low, high, bounds=(0.0, 100.0))} %"
    return f"{percent(same.percent)} %{interval}"


def _interval(interval: DifferenceInterval | None) -> str:
    if interval is None:
        return ""
    return f", 95 % interval {ends(interval.low, interval.high, 2, _UNIT)}"


def _pass_sentences(passes: PassDifference, compared: Compared, *, told: bool) -> Iterator[str]:
    """Yield which judge passes more; nothing if one judge varies no more than by chance."""
    p_value, (a, b) = passes.p_value, compared.names
    if not passes.only_a + passes.only_b:
        if not told:
            yield f"{_both(compared)} pass the same {passes.a.count} of {paired_rows(passes.a.of)}."
        return
    more = "more" if passes.difference > 0 else "fewer"
    size = f"{fixed(abs(passes.difference))} points {more}"
    same = f"{b} passes as many of the answers as {a}"
    what = f"{b} passes {size} of the answers than {a}" if passes.difference else same
    if p_value is None or passes.interval is None:
        if not compared.judge:
            yield f"{what} ({pass_rates(passes)}); {UNCERTAIN}."
        return
    chance = f"({pass_rates(passes)}; {pass_chance(passes.interval, p_value)})"
    sure = certainty(p_value, passes.interval)
    if compared.judge:
        if sure != "unclear" and not compared.judging_differs:
            what = f"{size} of the answers pass in {b} than in {a} {chance}"
            yield f"{opening(sure)}yet {what}: {_DRIFT}."
        return
    power = "" if sure == "clear" else pass_power(passes)
    yield f"{opening(sure, _STRICTNESS)}{what} {chance}{power}."


_STRICTNESS = "difference in strictness"
_DRIFT = "chance alone rarely does that, so the judge may have changed"


def _of_scores(
    agreement: ScoreAgreement, scores: ScoreDifference, compared: Compared
) -> Iterator[str]:
    a, b = compared.names
    if not compared.judge:
        if compared.differences:
            yield f"{_both(compared)} scored {paired_rows(scores.a.n)}."
        yield _strictness(scores, compared) + _rank_text(agreement, "they rank {}") + "."
        return
    share = f"{_counted_rows(agreement.same)} ({_share(agreement.same)})"
    rank = _rank_text(agreement, "it ranks {} both times")
    yield f"{compared.judge} repeats its score in {share}{rank}."
    test = _test(scores)
    if test and test[0] != "unclear":
        side = "higher" if scores.difference > 0 else "lower"
        size = f"{score(abs(scores.difference))} {side} in {b} than in {a}"
        yield f"{opening(test[0])}yet it scores {size} {test[1]}: {_DRIFT}."


def _strictness(scores: ScoreDifference, compared: Compared) -> str:
    a, b = compared.names
    n, test = paired_rows(scores.a.n), _test(scores)
    size = score(abs(scores.difference))
    if test is None and compared.clustered:
        by = f"{_stricter(scores)} than {a} by {size}" if scores.difference else f"as strict as {a}"
        return f"{b} is {by} on {n} ({score_means(scores)}); {UNCERTAIN}"
    if test is None:
        if not scores.difference:
            return f"{a} and {b} score all of {n} the same"
        each = f"{size} on {n}" if scores.a.n == 1 else f"the same {size} on each of {n}"
        return f"{b} is {_stricter(scores)} than {a} by {each}"
    sure, chance = test
    by = f"{_stricter(scores)} than {a} by {size}" if scores.difference else f"as strict as {a}"
    power = "" if sure == "clear" else score_power(scores)
    return f"{opening(sure, _STRICTNESS)}{b} is {by} on {n} {chance}{power}"


def _stricter(scores: ScoreDifference) -> str:
    return "more lenient" if scores.difference > 0 else "stricter"


def _test(scores: ScoreDifference) -> tuple[Certainty, str] | None:
    """Return how well a difference is shown, with the figures that show it; None without a test."""
    if scores.p_value is None or scores.interval is None:
        return None
    chance = f"({score_means(scores)}; {score_chance(scores.interval, scores.p_value)})"
    return certainty(scores.p_value, scores.interval), chance


def _rank_text(agreement: ScoreAgreement, clause: str) -> str:
    """Return how alike the answers are ranked, in words only where the interval carries them."""
    if agreement.spearman is None:
        return ""
    figure = f"rank correlation {fixed(agreement.spearman, 2, _UNIT)}"
    figure += _interval(agreement.spearman_interval)
    if agreement.weighted_kappa is not None:
        figure += f"; weighted kappa {fixed(agreement.weighted_kappa, 2, _UNIT)}"
    ends_of_rank = agreement.spearman_interval
    if ends_of_rank and ends_of_rank.low >= ALIKE:
        return f"; {clause.format('alike')} ({figure})"
    if ends_of_rank and ends_of_rank.high < UNLIKE:
        return f"; {clause.format('differently')} ({figure})"
    return f"; {figure}"


def preference_sentence(preference: PreferenceDifference, compared: Compared) -> str:
    """Return the net preference of both evaluations, and their difference."""
    nets = _net_preferences(preference, compared)
    if preference.p_value is None or preference.interval is None:
        return f"{nets}."
    sure = certainty(preference.p_value, preference.interval)
    chance = _preference_chance(preference, preference.interval, preference.p_value)
    return f"{opening(sure)}{nets}; {chance}."


def _preference_sentences(preference: PreferenceDifference, compared: Compared) -> Iterator[str]:
    """Yield the net preferences; nothing if one judge varies no more than by chance."""
    if not compared.judge:
        yield preference_sentence(preference, compared)
    elif preference.p_value is not None and preference.interval is not None:
        sure = certainty(preference.p_value, preference.interval)
        if sure != "unclear":
            chance = _preference_chance(preference, preference.interval, preference.p_value)
            nets = _net_preferences(preference, compared)
            yield f"{opening(sure)}yet {nets}; {chance}: {_DRIFT}."


def _net_preferences(preference: PreferenceDifference, compared: Compared) -> str:
    (a, b), (side_a, side_b) = compared.names, compared.sides
    net_a, net_b = (signed(one.net) for one in (preference.a, preference.b))
    by = "by" if compared.subject == "judges" else "in"
    nets = f"{net_a} points {by} {a}, {net_b} {by} {b}"
    return f"the net preference for {side_b} over {side_a} is {nets}"


def _preference_chance(
    preference: PreferenceDifference, interval: DifferenceInterval, p_value: float
) -> str:
    test = f"{test_name(interval.method, 'paired t')} {p_text(p_value)}"
    text = f"95 % interval {ends(interval.low, interval.high)} points, {test}"
    return f"difference {signed(preference.difference)} ({text})"
