"""The figures of a comparison, from pairs of verdicts.

A is the baseline, every difference is B minus A, and points are percentage points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from evals_mcp.results.comparisons.agreements import agreement_of_scores, agreement_on
from evals_mcp.results.comparisons.figures import (
    BOOTSTRAP_SEED,
    ends_of,
    rate_of,
    six_digits,
)
from evals_mcp.results.comparisons.joining import Joined, Pair
from evals_mcp.results.number_text import SIGNIFICANT, counted
from evals_mcp.results.statistics.estimate import (
    UNIT,
    Estimate,
    Scale,
    finite,
    rounded,
    scale_of,
    within,
)
from evals_mcp.results.statistics.paired import (
    bootstrap_difference,
    mcnemar,
    paired_mean_difference,
    paired_rate_difference,
    paired_t_test,
    score_differences,
    tango_interval,
)
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.sample_size import (
    detectable_mean_difference,
    detectable_rate_difference,
)
from evals_mcp.results.statistics.scores import mean, sample_deviation
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import (
    Agreement,
    DifferenceInterval,
    NetPreference,
    PassDifference,
    PreferenceDifference,
    ScoreAgreement,
    ScoreDifference,
)
from evals_schemas.tools.summaries import Interval, Scores

_HUGE = 2.0**1000
"""Scores above this are divided before they are subtracted."""

_SHRINK = 2.0**40
_UNSCALED = frozenset({"p_value", "n", "bootstrap_seed"})

FEW_RESAMPLED = 10
"""Pairs up to which there is no bootstrap interval; it would cover too little."""

_NET = {"A": -1, "Tie": 0, "B": 1}


@dataclass
class Comparison:
    """The figures of two evaluations over their pairs."""

    passes: PassDifference | None = None
    scores: ScoreDifference | None = None
    preference: PreferenceDifference | None = None
    agreement: Agreement | None = None
    score_agreement: ScoreAgreement | None = None
    """Only where both judged the same answers."""
    not_computed: dict[str, str] = field(default_factory=dict[str, str])
    """The reason why a figure is None, by the figure's name."""
    passes_first: bool = False
    """Whether the headline is about passes rather than scores, where there are both."""


def compare_labels(joined: Joined, same_labels: bool, _: Scale | None) -> Comparison:
    """Return the difference of pass rates, and the agreement where both judged the same answers.

    Args:
        joined: the joined rows, with at least one pair.
        same_labels: whether A and B have the same labels; if not, only pass and fail count.
    """
    comparison = Comparison()
    comparison.passes = _passes(joined, comparison.not_computed)
    if same_labels and (joined.same_answers or not comparison.passes):
        comparison.agreement = agreement_on(
            "labels", _verdicts(joined.pairs), comparison.not_computed
        )
    else:
        _add_pass_agreement(comparison, joined)
    return comparison


def compare_scores(joined: Joined, _: bool, scale: Scale | None) -> Comparison:
    """Return the differences of mean scores and of pass rates.

    Args:
        joined: the joined rows, with at least one pair.
        scale: the lowest and the highest possible score, None if unknown; see `scale_of`.
    """
    comparison = Comparison()
    comparison.scores = _scores(joined, scale, comparison.not_computed)
    comparison.passes = _passes(joined, comparison.not_computed)
    if joined.same_answers:
        comparison.score_agreement = agreement_of_scores(joined.pairs, comparison.not_computed)
    _add_pass_agreement(comparison, joined)
    return comparison


def compare_choices(joined: Joined, _same_labels: bool, _scale: Scale | None) -> Comparison:
    """Return the difference of net preferences and the agreement on decisions."""
    comparison = Comparison()
    comparison.preference = _preference(joined.pairs, comparison.not_computed)
    comparison.agreement = agreement_on(
        "decisions", _verdicts(joined.pairs), comparison.not_computed
    )
    return comparison


def compare_answers(joined: Joined, same_labels: bool, scale: Scale | None) -> Comparison:
    """Return the differences of pass rates and, if every answer has a score, of mean scores."""
    scores = [verdict.score for pair in joined.pairs for verdict in (pair.a, pair.b)]
    if None not in scores:
        return replace(compare_scores(joined, same_labels, scale), passes_first=True)
    comparison = Comparison(passes_first=True)
    comparison.not_computed["scores"] = "Not every answer has a score."
    comparison.passes = _passes(joined, comparison.not_computed)
    _add_pass_agreement(comparison, joined)
    return comparison


def compare_part(whole: Comparison, part: Joined, scale: Scale | None) -> Comparison:
    """Return the differences that the whole has for some of its pairs, without agreement."""
    comparison = Comparison(passes_first=whole.passes_first)
    if whole.scores:
        comparison.scores = _scores(part, scale, comparison.not_computed)
    if whole.passes:
        comparison.passes = _passes(part, comparison.not_computed)
    if whole.preference:
        comparison.preference = _preference(part.pairs, comparison.not_computed)
    return comparison


def _add_pass_agreement(comparison: Comparison, joined: Joined) -> None:
    if comparison.passes and joined.same_answers:
        comparison.agreement = agreement_on(
            "pass or fail", _passed(joined.pairs), comparison.not_computed
        )


def declared_scale(a: EvaluationJob, b: EvaluationJob, _: Joined) -> Scale | None:
    """Return the range that both requests set for their scores; None if they differ or set none."""
    scales = [
        scale_of(job.parameters.get("min_score"), job.parameters.get("max_score")) for job in (a, b)
    ]
    return scales[0] if scales[0] == scales[1] else None


def unit_scale(_a: EvaluationJob, _b: EvaluationJob, joined: Joined) -> Scale | None:
    """Return the range 0 to 1 if every score lies in it, else None."""
    scores = [verdict.score for pair in joined.pairs for verdict in (pair.a, pair.b)]
    return UNIT if all(0 <= score <= 1 for score in scores if score is not None) else None


def _passes(joined: Joined, absent: dict[str, str]) -> PassDifference | None:
    table = Counter(_passed(joined.pairs))
    n = len(joined.pairs)
    difference = paired_rate_difference(table[True, False], table[False, True], n)
    if difference is None or any(None in passed for passed in table):
        absent["passes"] = "A or B does not define which labels or scores pass."
        return None
    only_a, only_b = table[True, False], table[False, True]
    p_value = mcnemar(only_a, only_b)
    if p_value is None:
        absent["passes.p_value"] = "No pair passes in one and fails in the other."
    detectable = None
    # The formula is for large samples; the exact test must be able to reach significance as well.
    if (mcnemar(0, only_a + only_b) or 1) < SIGNIFICANT:
        detectable = detectable_rate_difference(n, (only_a + only_b) / n)
    if detectable is None:
        absent["passes.smallest_detectable"] = (
            f"{counted(only_a + only_b, 'pair')} of {n} {_differ(only_a + only_b)}: even with all "
            "in one direction, the power would be below 80 %."
        )
    return PassDifference(
        a=rate_of(rate(table[True, True] + only_a, n)),
        b=rate_of(rate(table[True, True] + only_b, n)),
        difference=rounded(100 * difference.value),
        interval=ends_of(difference, 100),
        p_value=six_digits(p_value),
        only_a=only_a,
        only_b=only_b,
        smallest_detectable=six_digits(detectable, 100),
        difference_with_failed=_with_failed(joined, only_b - only_a),
    )


def _differ(rows: int) -> str:
    return "differs" if rows == 1 else "differ"


def _with_failed(joined: Joined, net: int) -> float | None:
    """Return the difference in points, with matching rows without a verdict as not passed."""
    if not joined.counts.no_verdict or joined.failed_passes is None:
        return None
    passes_a, passes_b = joined.failed_passes
    matching = joined.counts.pairs + joined.counts.no_verdict
    return rounded(100 * (net + passes_b - passes_a) / matching)


def _scores(joined: Joined, scale: Scale | None, absent: dict[str, str]) -> ScoreDifference:
    scores = [(pair.a.score or 0.0, pair.b.score or 0.0) for pair in joined.pairs]
    if any(abs(value) > _HUGE for pair in scores for value in pair):
        # The difference of two such scores may be larger than the largest float.
        scores = [(a / _SHRINK, b / _SHRINK) for a, b in scores]
        scale = (scale[0] / _SHRINK, scale[1] / _SHRINK) if scale else None
        return _enlarged(_score_figures(scores, scale, absent, is_part=joined.is_part))
    return _score_figures(scores, scale, absent, is_part=joined.is_part)


def _enlarged(figures: ScoreDifference) -> ScoreDifference:
    """Return figures of scores that were divided by `_SHRINK` as figures of the scores."""

    def enlarge(value: object) -> object:
        if isinstance(value, dict):
            parts = cast("dict[str, object]", value)
            return {
                name: part if name in _UNSCALED else enlarge(part) for name, part in parts.items()
            }
        return rounded(finite(value * _SHRINK)) if isinstance(value, float) else value

    return ScoreDifference.model_validate(enlarge(figures.model_dump()))


def _score_figures(
    scores: Sequence[tuple[float, float]],
    scale: Scale | None,
    absent: dict[str, str],
    *,
    is_part: bool,
) -> ScoreDifference:
    differences = score_differences(scores)
    difference = paired_mean_difference(differences)
    assert difference is not None, "there is a pair"
    std = sample_deviation(differences)
    detectable = detectable_mean_difference(len(differences), std) if std else None
    if not std:
        reason = _no_spread(len(differences))
        names = ("interval", "p_value", "bootstrap", "smallest_detectable")
        absent.update({f"scores.{name}": reason for name in names})
    bootstrap = None
    if len(differences) > FEW_RESAMPLED and not is_part:
        bootstrap = bootstrap_difference(differences, BOOTSTRAP_SEED)
    else:
        absent.setdefault(
            "scores.bootstrap", f"With up to {FEW_RESAMPLED} pairs it would be too narrow."
        )
    return ScoreDifference(
        a=_mean([a for a, _ in scores], scale),
        b=_mean([b for _, b in scores], scale),
        difference=rounded(difference.value),
        interval=_maybe_ends(difference),
        p_value=six_digits(paired_t_test(differences)),
        bootstrap=_maybe_ends(bootstrap),
        bootstrap_seed=BOOTSTRAP_SEED,
        smallest_detectable=six_digits(detectable),
    )


def _preference(pairs: Sequence[Pair], absent: dict[str, str]) -> PreferenceDifference:
    differences = [_NET[b or ""] - _NET[a or ""] for a, b in _verdicts(pairs)]
    difference = paired_mean_difference(differences)
    assert difference is not None, "there is a pair"
    p_value = paired_t_test(differences)
    if p_value is None:
        reason = _no_spread(len(pairs))
        absent.update({f"preference.{name}": reason for name in ("interval", "p_value")})
    return PreferenceDifference(
        a=_net(Counter(a for a, _ in _verdicts(pairs))),
        b=_net(Counter(b for _, b in _verdicts(pairs))),
        difference=rounded(100 * difference.value),
        interval=_within(_maybe_ends(difference, 100), 200),
        p_value=six_digits(p_value),
    )


def _within(ends: DifferenceInterval | None, most: float) -> DifferenceInterval | None:
    """Return an interval cut at -most and most, the bounds of the figure."""
    if ends is None:
        return None
    return ends.model_copy(update={"low": max(-most, ends.low), "high": min(most, ends.high)})


def _net(decisions: Counter[str | None]) -> NetPreference:
    a, b, n = decisions["A"], decisions["B"], decisions.total()
    ends = Estimate((b - a) / n, tango_interval(b, a, n), n, "tango")
    return NetPreference(
        a_wins=a,
        b_wins=b,
        ties=decisions["Tie"],
        net=rounded(100 * ends.value),
        interval=ends_of(ends, 100),
    )


def _passed(pairs: Sequence[Pair]) -> list[tuple[bool | None, bool | None]]:
    return [(pair.a.passed, pair.b.passed) for pair in pairs]


def _verdicts(pairs: Sequence[Pair]) -> list[tuple[str | None, str | None]]:
    return [(pair.a.verdict, pair.b.verdict) for pair in pairs]


def _no_spread(n: int) -> str:
    return "This needs at least two pairs." if n < 2 else "Every pair differs by the same amount."


def _mean(values: Sequence[float], scale: Scale | None) -> Scores:
    estimate = mean(values)
    assert estimate is not None, "there is a pair"
    if scale and estimate.interval:
        estimate = replace(estimate, interval=within(estimate.interval, *scale))
    ends = _maybe_ends(estimate)
    return Scores(
        mean=rounded(estimate.value),
        std=six_digits(sample_deviation(values)),
        n=estimate.n,
        interval=Interval(low=ends.low, high=ends.high, method=ends.method) if ends else None,
    )


def _maybe_ends(estimate: Estimate | None, scale: int = 1) -> DifferenceInterval | None:
    return ends_of(estimate, scale) if estimate and estimate.interval else None
