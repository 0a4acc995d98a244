"""The agreement of two judgements of the same rows, from pairs of verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from evals_mcp.cleaning import quoted
from evals_mcp.results.comparisons.figures import (
    BOOTSTRAP_SEED,
    bootstrap_ends,
    rate_of,
    six_digits,
)
from evals_mcp.results.comparisons.joining import Pair
from evals_mcp.results.number_text import counted
from evals_mcp.results.statistics.agreement import (
    LARGEST_TABLE,
    agreement_intervals,
    cohens_kappa,
    gwets_ac1,
    raw_agreement,
    rows_beside_commonest,
)
from evals_mcp.results.statistics.correlation import (
    pearson,
    quadratic_kappa,
    score_intervals,
    spearman,
    spearman_interval,
)
from evals_mcp.results.statistics.estimate import rounded
from evals_schemas.tools.comparisons import Agreement, DifferenceInterval, ScoreAgreement

FEWEST_ROWS = 5
"""Rows that both judge other than the commonest verdict, below which kappa has no interval.

With fewer its bootstrap was simulated to cover as little as a tenth of what it should.
"""

_FEW = 20
"""Rows with another verdict than the commonest up to which their number is the reason."""

_NO_WIDTH = 1e-9
"""The largest width of an interval of a figure that does not vary but for rounding."""

_CHOICES = 3
"""A, B and a tie."""

Verdict = str | bool | None
Pairs = Sequence[tuple[Verdict, Verdict]]


def agreement_on(
    of: Literal["labels", "pass or fail", "decisions"], pairs: Pairs, absent: dict[str, str]
) -> Agreement:
    """Return how far verdicts agree; why a figure is None is added to `absent`.

    Args:
        of: what the verdicts are.
        pairs: both verdicts of each row, at least one.
        absent: the reasons, by the name of the figure.
    """
    table = Counter(pairs)
    labels = {verdict for pair in table for verdict in pair}
    categories = _CHOICES if of == "decisions" else max(2, len(labels))
    kappa_ends = ac1_ends = None
    if reason := _without_intervals(table, labels):
        absent.update({"agreement.interval": reason, "agreement.ac1_interval": reason})
    else:
        kappa_ends, ac1_ends = agreement_intervals(table, categories, BOOTSTRAP_SEED)
    kappa = cohens_kappa(table)
    if kappa is None:
        reason = "Both gave every row the same verdict: agreement by chance would be just as high."
        absent.update({"agreement.kappa": reason, "agreement.interval": reason})
    elif reason := _too_rare(of, table):
        absent.setdefault("agreement.interval", reason)
        kappa_ends = None
    return Agreement(
        of=of,
        same=rate_of(raw_agreement(table)),
        kappa=six_digits(kappa),
        interval=bootstrap_ends(kappa_ends),
        ac1=six_digits(gwets_ac1(table, categories)),
        ac1_interval=bootstrap_ends(ac1_ends),
    )


def _without_intervals(table: Counter[tuple[Verdict, Verdict]], labels: set[Verdict]) -> str | None:
    """Return why neither kappa nor AC1 has an interval; None if they have one."""
    same = sum(count for (a, b), count in table.items() if a == b)
    if same in {0, table.total()}:
        return f"{'Every' if same else 'No'} row has the same verdict in both: nothing varies."
    return _too_many("labels", len(labels))


def _too_many(noun: str, number: int) -> str | None:
    if number <= LARGEST_TABLE:
        return None
    return f"There are {number} different {noun}, more than {LARGEST_TABLE}."


def _too_rare(of: str, table: Counter[tuple[Verdict, Verdict]]) -> str | None:
    """Return why kappa has no interval where nearly all rows have one verdict; else None."""
    either, commonest = rows_beside_commonest(table)
    both = sum(count for pair, count in table.items() if commonest not in pair)
    if both >= FEWEST_ROWS:
        return None
    rows, judges = (both, "both judges") if either > _FEW else (either, "either judge")
    return f"Only {_rows_with(of, table, commonest, rows)} for {judges}: too few."


def _rows_with(
    of: str, table: Counter[tuple[Verdict, Verdict]], commonest: Verdict, rows: int
) -> str:
    """Return the number of rows with another verdict than the commonest, and what they have."""
    if of == "pass or fail":
        verbs = ("fails", "fail") if commonest else ("passes", "pass")
        return f"{counted(rows, 'row')} {verbs[rows != 1]}"
    if of == "decisions":
        verb = "differs" if rows == 1 else "differ"
        return f"{counted(rows, 'row')} {verb} from the commonest decision"
    verb = "is" if rows == 1 else "are"
    others = {verdict for pair in table for verdict in pair} - {commonest}
    if len(others) == 1:
        return f"{counted(rows, 'row')} {verb} {quoted(str(others.pop()), 40)}"
    return f"{counted(rows, 'row')} {verb} not {quoted(str(commonest), 40)}"


def agreement_of_scores(pairs: Sequence[Pair], absent: dict[str, str]) -> ScoreAgreement:
    """Return how far scores agree and rank alike; why a figure is None is added to `absent`."""
    table = Counter((pair.a.score or 0.0, pair.b.score or 0.0) for pair in pairs)
    levels = {score for pair in table for score in pair}
    too_many = _too_many("scores", len(levels))
    figures = {
        "pearson": pearson(table),
        "spearman": spearman(table),
        "weighted_kappa": None if too_many else quadratic_kappa(table),
    }
    intervals = _intervals_of_scores(table, figures, len(pairs), too_many)
    for name, figure in figures.items():
        if figure is None:
            reason = too_many if name == "weighted_kappa" else None
            absent[f"score_agreement.{name}"] = reason or "A judge gave every row the same score."
        elif intervals[name] is None:
            reason = too_many or "Too few rows, or nothing varies."
            absent[f"score_agreement.{name}_interval"] = reason
    return ScoreAgreement(
        same=rate_of(raw_agreement(table)),
        pearson=six_digits(figures["pearson"]),
        pearson_interval=intervals["pearson"],
        spearman=six_digits(figures["spearman"]),
        spearman_interval=intervals["spearman"],
        weighted_kappa=six_digits(figures["weighted_kappa"]),
        weighted_kappa_interval=intervals["weighted_kappa"],
    )


def _intervals_of_scores(
    table: Mapping[tuple[float, float], int],
    figures: Mapping[str, float | None],
    n: int,
    too_many: str | None,
) -> dict[str, DifferenceInterval | None]:
    """Return the interval of each figure; None without one."""
    intervals: dict[str, DifferenceInterval | None] = dict.fromkeys(figures)
    rank = figures["spearman"]
    if too_many is None:
        ends = score_intervals(table, BOOTSTRAP_SEED)
        for name, pair in zip(figures, ends, strict=True):
            if pair and pair[1] - pair[0] > _NO_WIDTH:
                intervals[name] = bootstrap_ends(pair)
    elif rank is not None and (pair := spearman_interval(rank, n)):
        low, high = map(rounded, pair)
        intervals["spearman"] = DifferenceInterval(low=low, high=high, method="bonett-wright")
    return intervals
