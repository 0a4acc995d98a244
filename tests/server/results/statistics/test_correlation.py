from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.correlation import (
    pearson,
    quadratic_kappa,
    score_intervals,
    spearman,
    spearman_interval,
)

oracle: Any = _stats
scores = st.one_of(st.integers(1, 5), st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))


def pearson_of(rows: Any) -> float:
    return oracle.pearsonr(rows[:, 0], rows[:, 1])[0]


def spearman_of(rows: Any) -> float:
    return oracle.spearmanr(rows[:, 0], rows[:, 1])[0]


def weighted_kappa_of(rows: Any) -> float:
    """Return the definition: 1 - sum of weights x observed / sum of weights x expected."""
    levels = np.unique(rows)
    observed = np.zeros((len(levels), len(levels)))
    for place in np.ndindex(observed.shape):
        pair = levels[list(place)]
        observed[place] = (rows == pair).all(axis=1).sum()
    weights = np.subtract.outer(levels, levels) ** 2
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    return float(1 - (weights * observed).sum() / (weights * expected).sum())


@given(st.lists(st.tuples(scores, scores), min_size=2, max_size=30))
def test_correlations_and_weighted_kappa_agree_with_scipy_and_the_definition(
    rows: list[tuple[float, float]],
) -> None:
    pairs = Counter((float(a), float(b)) for a, b in rows)
    columns = np.array(rows, dtype=float)
    if all(len(set(column)) > 1 for column in columns.T):
        expected = spearman_of(columns)
        assert spearman(pairs) == pytest.approx(expected, abs=1e-9)
        expected = pearson_of(columns)
        assert pearson(pairs) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    else:
        assert spearman(pairs) is None
        assert pearson(pairs) is None
    if len(np.unique(columns)) > 1:
        expected = weighted_kappa_of(columns)
        assert quadratic_kappa(pairs) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    else:
        assert quadratic_kappa(pairs) is None


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), max_size=8))
def test_scores_of_any_size_have_correlations_in_range(rows: list[tuple[float, float]]) -> None:
    for figure in (pearson, spearman):
        found = figure(Counter(rows))
        assert found is None or -1 <= found <= 1
    found = quadratic_kappa(Counter(rows))
    assert found is None or found <= 1


def test_a_judge_that_is_stricter_by_one_ranks_alike_and_agrees_less() -> None:
    pairs = {(float(score), float(score - 1)): 10 for score in (2, 3, 4, 5)}

    assert pearson(pairs) == pytest.approx(1)
    assert spearman(pairs) == 1
    # By definition: differences of 1 everywhere against 3.5 by chance.
    assert quadratic_kappa(pairs) == pytest.approx(1 - 1 / 3.5)


@pytest.mark.parametrize("n", [60, 5_000])
def test_the_intervals_agree_with_a_bootstrap_of_the_rows(n: int) -> None:
    chance = np.random.default_rng(3)
    first = chance.integers(1, 6, n)
    second = np.clip(first + chance.integers(-1, 2, n), 1, 5)
    rows = np.column_stack([first, second]).astype(float)
    draws = [rows[chance.integers(0, n, n)] for _ in range(500)]
    found = score_intervals(Counter(map(tuple, rows.tolist())))

    for interval, figure in zip(found, (pearson_of, spearman_of, weighted_kappa_of), strict=True):
        expected = np.quantile([figure(draw) for draw in draws], [0.025, 0.975])
        assert interval is not None
        # An end of 500 draws varies by about a ninth of the half-width.
        assert interval == pytest.approx(tuple(expected), abs=0.25 * (expected[1] - expected[0]))


def test_the_interval_of_a_rank_correlation_is_the_published_one() -> None:
    found = spearman_interval(0.7, 103)

    half = oracle.norm.ppf(0.975) * np.sqrt((1 + 0.7**2 / 2) / 100)
    assert found == pytest.approx(
        (np.tanh(np.arctanh(0.7) - half), np.tanh(np.arctanh(0.7) + half))
    )
    assert spearman_interval(1.0, 103) is None
    assert spearman_interval(0.7, 3) is None
