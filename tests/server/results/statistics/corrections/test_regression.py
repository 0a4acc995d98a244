from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.statistics.corrections.regression import AllVerdicts, regression_mean
from evals_mcp.results.statistics.distributions import t_quantile
from tests.server.results.statistics.corrections.recorded import recorded

scores = st.integers(1, 5).map(float)


@pytest.mark.parametrize("case", recorded("scores"))
def test_figure_and_error_are_those_of_the_libraries(case: dict[str, Any]) -> None:
    """ppi_py has the figure for this slope, statsmodels the HC3 error of the line at the mean."""
    labels, judged = case["people"], case["judge"]
    every = AllVerdicts(statistics.mean(judged), statistics.variance(judged), len(judged))

    figure = regression_mean(labels, judged[: len(labels)], every)

    assert figure is not None
    assert figure.interval is not None
    assert figure.value == pytest.approx(case["mean_ppi"], abs=1e-9)
    assert figure.value == pytest.approx(case["mean_statsmodels"], abs=1e-9)
    variance = case["variance_hc3"] + case["slope"] ** 2 * every.variance / every.n
    half = t_quantile(0.975, len(labels) - 2) * math.sqrt(variance)
    assert figure.interval == pytest.approx((figure.value - half, figure.value + half), abs=1e-9)


@given(st.lists(st.tuples(scores, scores), min_size=3, max_size=60), st.floats(1, 5))
def test_the_interval_holds_the_figure_unless_the_scale_cuts_it(
    pairs: list[tuple[float, float]], mean: float
) -> None:
    labels, verdicts = [label for label, _ in pairs], [verdict for _, verdict in pairs]

    figure = regression_mean(labels, verdicts, AllVerdicts(mean, 1.0, 500))

    if len(set(verdicts)) == 1:
        assert figure is None
        return
    assert figure is not None
    assert figure.n == len(pairs)
    if figure.interval:
        assert figure.interval[0] <= figure.value <= figure.interval[1]


@given(st.lists(scores, min_size=3, max_size=40), st.floats(-3, 3))
def test_a_judge_that_is_always_off_by_the_same_is_corrected_exactly(
    labels: list[float], offset: float
) -> None:
    verdicts = [label + offset for label in labels]

    figure = regression_mean(labels, verdicts, AllVerdicts(3 + offset, 1.0, 500))

    if len(set(verdicts)) == 1:
        assert figure is None
    else:
        assert figure is not None
        assert figure.value == pytest.approx(3)


def test_a_verdict_that_one_row_alone_has_leaves_no_interval() -> None:
    figure = regression_mean([1.0, 2.0, 3.0, 5.0], [2.0, 2.0, 2.0, 4.0], AllVerdicts(3, 1, 100))

    assert figure is not None
    assert figure.interval is None


def test_the_interval_is_cut_at_the_ends_of_the_scale() -> None:
    labels, verdicts = [5.0] * 9 + [1.0], [5.0, 4.0] * 5

    figure = regression_mean(labels, verdicts, AllVerdicts(4.9, 1.0, 500), scale=(1.0, 5.0))

    assert figure is not None
    assert figure.interval is not None
    assert figure.interval[1] == 5
