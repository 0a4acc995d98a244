"""A comparison over rows in clusters: the same figures with the intervals and tests of clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evals_mcp.results.clusters import (
    RowClusters,
    all_distinct_note,
    cluster_notes,
    described,
    origin_text,
    repeated_sentence,
)
from evals_mcp.results.comparisons.comparison import Comparison
from evals_mcp.results.comparisons.joining import Pair
from evals_mcp.results.statistics.clusters import (
    FEWEST,
    ClusteredEstimate,
    ClusterSizes,
    clustered_difference,
    clustered_mean,
    clustered_rate,
    detectable_clustered_difference,
    sign_flip_test,
)
from evals_mcp.results.statistics.estimate import Scale, finite, rounded
from evals_mcp.results.statistics.paired import score_differences
from evals_schemas.datasets.repeated_inputs import RepeatedInput
from evals_schemas.tools.comparisons import (
    Agreement,
    DifferenceInterval,
    NetPreference,
    PassDifference,
    PreferenceDifference,
    ScoreAgreement,
    ScoreDifference,
)
from evals_schemas.tools.summaries import Clusters, Interval, Rate, Scores

_NET = {"A": -1.0, "B": 1.0}
_HALF = 0.5
_HUGE = 2.0**1000
_FEW = f"There are fewer than {FEWEST:.0f} effective clusters."
_SAME = "All clusters differ by the same amount."
_NO_BOOTSTRAP = "Over clusters there is no interval of it."


@dataclass(frozen=True)
class ClusteredComparison:
    """A comparison over clusters, and what the headline says of them."""

    figures: Comparison
    clusters: Clusters | None = None
    """The clusters; None if none were requested, or if no value repeats."""
    sentence: str = ""
    """What the headline adds, after a space."""
    notes: Sequence[str] = ()

    @property
    def headline_facts(self) -> dict[str, Any]:
        """What a headline needs to know, by the fields of `Compared`."""
        return {"clusters": self.sentence, "clustered": self.clusters is not None}


def without_clusters(figures: Comparison, repeated: RepeatedInput | None) -> ClusteredComparison:
    """Return the figures as they are, and the column that would do where rows repeat an input."""
    sentence = repeated_sentence(repeated) if repeated else ""
    return ClusteredComparison(figures, sentence=sentence)


@dataclass
class _Pairs:
    """The pairs with their clusters, and why figures of them are missing."""

    pairs: Sequence[Pair]
    clusters: Sequence[int]
    sizes: ClusterSizes
    absent: dict[str, str]
    differing: set[int] = field(default_factory=set[int])
    """The clusters with a pair that differs in the figures."""

    def rate(self, rate: Rate, hits: Sequence[bool]) -> Rate:
        """Return a share of the pairs with its interval over clusters."""
        figure = clustered_rate(hits, self.clusters)
        return rate.model_copy(update={"interval": _plain_interval(figure, 100)})

    def test(
        self, name: str, differences: Sequence[float], figure: ClusteredEstimate | None
    ) -> tuple[float | None, float | None]:
        """Return p-value and smallest detectable difference, and note why a figure is missing."""
        self.differing |= {
            cluster for cluster, value in zip(self.clusters, differences, strict=True) if value
        }
        for part in ("interval", "p_value", "smallest_detectable"):
            self.absent.pop(f"{name}.{part}", None)
        reason = _FEW if self.sizes.effective < FEWEST else _SAME
        p_value = sign_flip_test(differences, self.clusters) if any(differences) else None
        if figure is None or figure.estimate.interval is None:
            self.absent[f"{name}.interval"], p_value = reason, None
        if p_value is None:
            self.absent[f"{name}.p_value"] = reason if any(differences) else "No pair differs."
        detectable = detectable_clustered_difference(figure.error if figure else 0.0, self.sizes)
        if detectable is None:
            self.absent[f"{name}.smallest_detectable"] = reason
        return p_value, detectable


def with_clusters(
    comparison: Comparison, pairs: Sequence[Pair], clusters: RowClusters, scale: Scale | None
) -> ClusteredComparison:
    """Return the comparison with the intervals and tests of clusters.

    Args:
        comparison: the figures without clusters.
        pairs: the pairs that they are of, at least one.
        clusters: the cluster of each pair.
        scale: the lowest and the highest possible score; None if unknown.

    Raises:
        InvalidRequestError: one cluster has most of the pairs.
    """
    if clusters.all_distinct:
        return ClusteredComparison(comparison, notes=[all_distinct_note(clusters)])
    sizes = clusters.sizes()
    rows = _Pairs(pairs, clusters.of_row, sizes, dict(comparison.not_computed))
    figures = replace(
        comparison,
        passes=comparison.passes and _passes(comparison.passes, rows),
        scores=comparison.scores and _scores(comparison.scores, rows, scale),
        preference=comparison.preference and _preference(comparison.preference, rows),
        agreement=comparison.agreement and _agreement(comparison.agreement, rows),
        score_agreement=comparison.score_agreement
        and _score_agreement(comparison.score_agreement, rows),
        not_computed=rows.absent,
    )
    sentence = _sentence(clusters, sizes, len(rows.differing))
    notes = cluster_notes(clusters)
    return ClusteredComparison(figures, described(clusters, sizes, None), sentence, notes)


def _sentence(clusters: RowClusters, sizes: ClusterSizes, differing: int) -> str:
    origin = f"he pairs come from {origin_text(clusters, sizes)}"
    if sizes.effective < FEWEST:
        return (
            f" No interval: t{origin}, and fewer than {FEWEST:.0f} equal clusters show too little."
        )
    only = "" if differing == sizes.count else f", and only {differing} of these differ"
    return f" T{origin}{only}."


def _passes(passes: PassDifference, rows: _Pairs) -> PassDifference:
    passed_a = [bool(pair.a.passed) for pair in rows.pairs]
    passed_b = [bool(pair.b.passed) for pair in rows.pairs]
    differences = [float(b - a) for a, b in zip(passed_a, passed_b, strict=True)]
    figure = clustered_difference(differences, rows.clusters)
    p_value, detectable = rows.test("passes", differences, figure)
    return passes.model_copy(
        update={
            "a": rows.rate(passes.a, passed_a),
            "b": rows.rate(passes.b, passed_b),
            "interval": _interval(figure, 100),
            "p_value": _maybe(p_value),
            "smallest_detectable": _maybe(detectable, 100),
        }
    )


def _scores(scores: ScoreDifference, rows: _Pairs, scale: Scale | None) -> ScoreDifference:
    scores_a = [pair.a.score or 0.0 for pair in rows.pairs]
    scores_b = [pair.b.score or 0.0 for pair in rows.pairs]
    # The difference of two scores may be larger than the largest float, that of halves is not.
    factor = _HALF if max(map(abs, scores_a + scores_b)) > _HUGE else 1.0
    pairs = zip(scores_a, scores_b, strict=True)
    differences = score_differences([(factor * a, factor * b) for a, b in pairs])
    figure = clustered_mean(differences, rows.clusters)
    p_value, detectable = rows.test("scores", differences, figure)
    rows.absent["scores.bootstrap"] = _NO_BOOTSTRAP
    return scores.model_copy(
        update={
            "a": _mean(scores.a, scores_a, rows, scale),
            "b": _mean(scores.b, scores_b, rows, scale),
            "interval": _interval(figure, 1 / factor),
            "p_value": _maybe(p_value),
            "bootstrap": None,
            "smallest_detectable": _maybe(detectable, 1 / factor),
        }
    )


def _mean(scores: Scores, values: Sequence[float], rows: _Pairs, scale: Scale | None) -> Scores:
    figure = clustered_mean(values, rows.clusters, scale=scale)
    return scores.model_copy(update={"interval": _plain_interval(figure, 1)})


def _preference(preference: PreferenceDifference, rows: _Pairs) -> PreferenceDifference:
    nets = [_nets(rows.pairs, lambda pair: pair.a.verdict)]
    nets.append(_nets(rows.pairs, lambda pair: pair.b.verdict))
    differences = [b - a for a, b in zip(*nets, strict=True)]
    figure = clustered_mean(differences, rows.clusters, scale=(-2.0, 2.0))
    p_value, _ = rows.test("preference", differences, figure)
    rows.absent.pop("preference.smallest_detectable", None)
    return preference.model_copy(
        update={
            "a": _net(preference.a, nets[0], rows),
            "b": _net(preference.b, nets[1], rows),
            "interval": _interval(figure, 100),
            "p_value": _maybe(p_value),
        }
    )


def _nets(pairs: Sequence[Pair], verdict: Callable[[Pair], str | None]) -> list[float]:
    return [_NET.get(verdict(pair) or "", 0.0) for pair in pairs]


def _net(preference: NetPreference, values: Sequence[float], rows: _Pairs) -> NetPreference:
    figure = clustered_difference(values, rows.clusters)
    return preference.model_copy(update={"interval": _interval(figure, 100)})


def _agreement(agreement: Agreement, rows: _Pairs) -> Agreement:
    """Return the share of equal verdicts over clusters, and the other figures without intervals."""
    if agreement.of == "pass or fail":
        same = [pair.a.passed == pair.b.passed for pair in rows.pairs]
    else:
        same = [pair.a.verdict == pair.b.verdict for pair in rows.pairs]
    rows.absent |= dict.fromkeys(("agreement.interval", "agreement.ac1_interval"), _NO_BOOTSTRAP)
    update = {"same": rows.rate(agreement.same, same), "interval": None, "ac1_interval": None}
    return agreement.model_copy(update=update)


def _score_agreement(agreement: ScoreAgreement, rows: _Pairs) -> ScoreAgreement:
    same = [pair.a.score == pair.b.score for pair in rows.pairs]
    names = ("pearson_interval", "spearman_interval", "weighted_kappa_interval")
    rows.absent |= {f"score_agreement.{name}": _NO_BOOTSTRAP for name in names}
    update: dict[str, Any] = {"same": rows.rate(agreement.same, same), **dict.fromkeys(names)}
    return agreement.model_copy(update=update)


def _interval(figure: ClusteredEstimate | None, scale: float) -> DifferenceInterval | None:
    plain = _plain_interval(figure, scale)
    return DifferenceInterval.model_validate(plain.model_dump()) if plain else None


def _plain_interval(figure: ClusteredEstimate | None, scale: float) -> Interval | None:
    if figure is None or figure.estimate.interval is None:
        return None
    low, high = (rounded(finite(scale * end)) for end in figure.estimate.interval)
    return Interval(low=low, high=high, method=figure.estimate.method)


def _maybe(value: float | None, scale: float = 1) -> float | None:
    return None if value is None else rounded(finite(scale * value))
