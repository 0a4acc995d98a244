from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.statistics.agreement import (
    agreement_intervals,
    cohens_kappa,
    gwets_ac1,
    raw_agreement,
    rows_beside_commonest,
)
from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import wilson_interval

label = st.sampled_from("abc")
tables = st.dictionaries(st.tuples(label, label), st.integers(1, 100_000), min_size=1)


def matrix_of(table: dict[tuple[str, str], int]) -> Any:
    counts = np.zeros((3, 3))
    for (a, b), count in table.items():
        counts["abc".index(a), "abc".index(b)] = count
    return counts


def kappa_of(counts: Any) -> Any:
    shares = counts / counts.sum()
    by_chance = shares.sum(axis=1) @ shares.sum(axis=0)
    return (shares.trace() - by_chance) / (1 - by_chance)


def ac1_of(counts: Any) -> Any:
    """Return AC1 as published for any number of raters, from the raters' labels of each row."""
    shares = counts / counts.sum()
    given = (shares + shares.T).sum(axis=1) / 2
    by_chance = (given * (1 - given)).sum() / (len(counts) - 1)
    return (shares.trace() - by_chance) / (1 - by_chance)


@given(tables)
def test_kappa_and_ac1_agree_with_their_definitions(table: dict[tuple[str, str], int]) -> None:
    counts = matrix_of(table)

    assert gwets_ac1(table, 3) == pytest.approx(float(ac1_of(counts)), rel=1e-9, abs=1e-9)
    if len({name for pair in table for name in pair}) == 1:
        assert cohens_kappa(table) is None
    else:
        assert cohens_kappa(table) == pytest.approx(float(kappa_of(counts)), rel=1e-9, abs=1e-9)


def test_a_published_example_has_a_high_ac1_and_no_kappa() -> None:
    """K. L. Gwet, Statistical Methods for Inter-Rater Reliability Assessment 1 (2002), table 2."""
    table = {("+", "+"): 118, ("+", "-"): 5, ("-", "+"): 2}

    assert cohens_kappa(table) == pytest.approx(-0.0234, abs=5e-5)
    assert gwets_ac1(table, 2) == pytest.approx(0.9408, abs=5e-5)


def test_undefined_figures_are_none() -> None:
    assert raw_agreement({}) is None
    assert cohens_kappa({}) is None
    assert cohens_kappa({("a", "a"): 9}) is None
    assert gwets_ac1({}, 2) is None
    assert gwets_ac1({("a", "a"): 9}, 1) is None


def test_full_agreement_is_one() -> None:
    assert cohens_kappa({("a", "a"): 3, ("b", "b"): 4}) == 1
    assert gwets_ac1({("a", "a"): 9}, 2) == 1


def test_a_judge_with_a_single_label_agrees_as_often_as_by_chance() -> None:
    assert cohens_kappa({("a", "a"): 90, ("a", "b"): 10}) == 0


@given(tables)
def test_raw_agreement_is_a_rate(table: dict[tuple[str, str], int]) -> None:
    n, same = sum(table.values()), sum(table.get((name, name), 0) for name in "abc")

    assert raw_agreement(table) == Estimate(same / n, wilson_interval(same, n), n, "wilson")


@given(tables)
def test_rows_beside_the_commonest_label_carry_kappa(table: dict[tuple[str, str], int]) -> None:
    counts = matrix_of(table)
    given = counts.sum(axis=0) + counts.sum(axis=1)

    rows, commonest = rows_beside_commonest(table)

    place = "abc".index(commonest)
    assert given[place] == given.max()
    assert rows == counts.sum() - counts[place, place]


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([[45, 10, 0], [5, 40, 0], [0, 0, 0]], id="100 rows"),
        pytest.param([[300, 40, 20], [30, 200, 10], [25, 15, 60]], id="three labels"),
        pytest.param([[970_000, 9_000, 0], [8_000, 13_000, 0], [0, 0, 0]], id="a million rows"),
    ],
)
def test_the_intervals_agree_with_a_bootstrap_of_the_rows(counts: list[list[int]]) -> None:
    table = {
        (a, b): count
        for a, line in zip("abc", counts, strict=True)
        for b, count in zip("abc", line, strict=True)
    }
    used = np.array(counts)[:2, :2] if not counts[2][2] else np.array(counts)
    n = used.sum()
    chance = np.random.default_rng(5)
    resamples = chance.multinomial(n, used.ravel() / n, size=4_000).reshape(-1, *used.shape)

    for found, figure in zip(
        agreement_intervals(table, len(used)), (kappa_of, ac1_of), strict=True
    ):
        expected = np.quantile([figure(sample) for sample in resamples], [0.025, 0.975])
        assert found is not None
        # Each end of 2,000 and of 4,000 draws varies by about a twentieth of the half-width.
        assert found == pytest.approx(tuple(expected), abs=0.15 * (expected[1] - expected[0]))
