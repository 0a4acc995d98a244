from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.statistics.resampling import bootstrap_intervals, resampled_counts

DRAWS = 2_000


@pytest.mark.parametrize("counts", [[1, 2, 0, 5], [40, 900], [250_000, 3, 1_000_000]])
def test_counts_vary_as_poisson_variates_do(counts: list[int]) -> None:
    samples = np.array(list(resampled_counts(counts, seed=1, draws=DRAWS)))

    error = np.sqrt(np.array(counts) / DRAWS)
    assert (np.abs(samples.mean(axis=0) - counts) <= 5 * error).all()
    spread = samples.var(axis=0)
    # The variance of a Poisson variate is its mean; its own error is about sqrt(2 / draws).
    assert (np.abs(spread - counts) <= 0.2 * np.array(counts) + 5 * error).all()


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=4), st.integers(0, 99))
def test_the_same_seed_gives_the_same_resamples(counts: list[int], seed: int) -> None:
    first = list(resampled_counts(counts, seed, draws=5))

    assert first == list(resampled_counts(counts, seed, draws=5))
    for sample in first:
        assert all(value >= 0 for value in sample)
        assert [value > 0 for value in sample] <= [count > 0 for count in counts]


def test_a_figure_that_is_often_undefined_has_no_interval() -> None:
    def share(counts: Sequence[int]) -> float | None:
        return counts[0] / counts[1] if counts[1] else None

    few, many = (bootstrap_intervals([50, bad], [share])[0] for bad in (1, 50))

    assert few is None
    assert many is not None
    assert many[0] < 1 < many[1]
