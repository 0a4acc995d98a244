from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.agreement import cohens_kappa, krippendorffs_alpha, raw_agreement
from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import wilson_interval

oracle: Any = _stats
label = st.sampled_from("abc")
tables = st.dictionaries(st.tuples(label, label), st.integers(1, 100_000), min_size=1)


def kappa_of(shares: Any) -> Any:
    by_chance = shares.sum(axis=1) @ shares.sum(axis=0)
    return (shares.trace() - by_chance) / (1 - by_chance)


def by_delta_method(shares: Any, n: int) -> float:
    """Return the error of kappa from its derivatives, computed by complex steps."""
    slopes = np.zeros((3, 3))
    for place in np.ndindex(3, 3):
        moved = shares.astype(complex)
        moved[place] += 1e-30j
        slopes[place] = kappa_of(moved).imag / 1e-30
    variance = (shares * slopes**2).sum() - (shares * slopes).sum() ** 2
    return float(np.sqrt(max(variance, 0.0) / n))


@given(tables)
def test_kappa_and_its_interval_agree_with_the_delta_method(
    table: dict[tuple[str, str], int],
) -> None:
    found = cohens_kappa(table)

    n = sum(table.values())
    shares = np.zeros((3, 3))
    for (a, b), count in table.items():
        shares["abc".index(a), "abc".index(b)] = count / n
    if len({name for pair in table for name in pair}) == 1:
        assert found is None
        return
    assert found is not None
    assert found.n == n
    assert found.value == pytest.approx(float(kappa_of(shares)), rel=1e-9, abs=1e-9)
    if found.interval is not None:
        half = float(oracle.norm.ppf(0.975)) * by_delta_method(shares, n)
        ends = max(-1.0, found.value - half), min(1.0, found.value + half)
        assert found.interval == pytest.approx(ends, rel=1e-9, abs=1e-9)
    else:
        assert by_delta_method(shares, n) == pytest.approx(0, abs=1e-6)


def test_perfect_agreement_is_a_kappa_of_one_without_interval() -> None:
    assert cohens_kappa({("a", "a"): 3, ("b", "b"): 4}) == Estimate(1.0, None, 7, "kappa")


def test_kappa_is_none_where_chance_alone_agrees() -> None:
    assert cohens_kappa({}) is None
    assert cohens_kappa({("a", "a"): 9}) is None


def test_a_judge_with_a_single_label_agrees_as_often_as_by_chance() -> None:
    found = cohens_kappa({("a", "a"): 90, ("a", "b"): 10})

    assert found is not None
    assert found.value == 0


@given(tables)
def test_raw_agreement_is_a_rate(table: dict[tuple[str, str], int]) -> None:
    n, same = sum(table.values()), sum(table.get((name, name), 0) for name in "abc")

    assert raw_agreement(table) == Estimate(same / n, wilson_interval(same, n), n, "wilson")


def test_raw_agreement_over_nothing_is_none() -> None:
    assert raw_agreement({}) is None


@given(st.lists(st.lists(label, max_size=4), max_size=20))
def test_alpha_agrees_with_its_coincidence_matrix(rows: list[list[str]]) -> None:
    matrix = np.zeros((3, 3))
    for row in rows:
        for a, b in permutations(row, 2):
            matrix["abc".index(a), "abc".index(b)] += 1 / (len(row) - 1)
    totals = matrix.sum(axis=1)
    n = totals.sum()
    by_chance = n**2 - (totals**2).sum()

    found = krippendorffs_alpha(rows)

    if by_chance < 1e-6:
        assert found is None
    else:
        observed = n - matrix.trace()
        assert found == pytest.approx(1 - (n - 1) * observed / by_chance, rel=1e-9, abs=1e-9)


def test_alpha_is_near_kappa_for_two_judges_and_many_rows() -> None:
    rows = [["a", "a"]] * 400 + [["a", "b"]] * 50 + [["b", "a"]] * 50 + [["b", "b"]] * 500

    alpha, kappa = krippendorffs_alpha(rows), cohens_kappa(Counter((a, b) for a, b in rows))

    assert alpha is not None
    assert kappa is not None
    assert alpha == pytest.approx(kappa.value, abs=1e-3)
