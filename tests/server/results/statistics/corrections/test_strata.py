from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.statistics.corrections.regression import AllVerdicts, regression_mean
from evals_mcp.results.statistics.corrections.strata import Stratum, stratified_rate
from evals_mcp.results.statistics.rates import wilson_interval
from tests.server.results.statistics.corrections.recorded import recorded


@st.composite
def strata(draw: st.DrawFn) -> tuple[Stratum, Stratum]:
    both: list[Stratum] = []
    for _ in range(2):
        labelled = draw(st.integers(1, 200))
        passed = draw(st.integers(0, labelled))
        both.append(Stratum(labelled + draw(st.integers(0, 5_000)), passed, labelled))
    return both[0], both[1]


@pytest.mark.parametrize("case", recorded("rates"))
def test_the_figure_is_that_of_prediction_powered_inference(case: dict[str, Any]) -> None:
    figure = stratified_rate(_strata(case))

    assert figure is not None
    assert figure.value == pytest.approx(case["rate_ppi"], abs=1e-9)


@pytest.mark.parametrize("case", recorded("rates"))
def test_the_ends_are_those_of_newcombe_where_both_strata_weigh_the_same(
    case: dict[str, Any],
) -> None:
    rows = 10**13  # So many that the shares of the strata have no error of their own.
    first, second = (stratum._replace(rows=rows) for stratum in _strata(case))

    figure = stratified_rate([first, second])

    assert figure is not None
    assert figure.interval == pytest.approx(case["half_sum"], abs=1e-6)
    assert wilson_interval(first.passed, first.labelled) == pytest.approx(case["wilson"], abs=1e-9)


@given(strata())
def test_two_strata_give_the_mean_of_the_regression_of_labels_on_verdicts(
    both: tuple[Stratum, Stratum],
) -> None:
    passed, failed = both
    rows, verdicts = passed.rows + failed.rows, [1.0] * passed.labelled + [0.0] * failed.labelled
    labels = [1.0] * passed.passed + [0.0] * (passed.labelled - passed.passed)
    labels += [1.0] * failed.passed + [0.0] * (failed.labelled - failed.passed)

    figure = stratified_rate(both)
    line = regression_mean(labels, verdicts, AllVerdicts(passed.rows / rows, 0.0, rows))

    assert figure is not None
    if len(labels) < 3:
        assert line is None
        return
    assert line is not None
    assert figure.value == pytest.approx(line.value, abs=1e-9)


@given(strata())
def test_the_figure_lies_in_its_interval_and_more_labels_make_it_narrower(
    both: tuple[Stratum, Stratum],
) -> None:
    figure = stratified_rate(both)
    more = stratified_rate(
        [Stratum(4 * part.rows, 4 * part.passed, 4 * part.labelled) for part in both]
    )

    assert figure is not None
    assert more is not None
    assert figure.interval is not None
    assert more.interval is not None
    assert 0 <= figure.interval[0] <= figure.value <= figure.interval[1] <= 1
    assert more.value == pytest.approx(figure.value, abs=1e-9)
    assert more.interval[1] - more.interval[0] <= figure.interval[1] - figure.interval[0]


@given(st.integers(1, 300), st.integers(0, 300))
def test_one_stratum_is_the_rate_of_its_labels(labelled: int, passed: int) -> None:
    passed = min(passed, labelled)

    figure = stratified_rate([Stratum(1_000, passed, labelled)])

    assert figure is not None
    assert figure.value == pytest.approx(passed / labelled)
    assert figure.interval == pytest.approx(wilson_interval(passed, labelled), abs=1e-12)


def test_verdicts_without_labels_may_all_be_right_or_wrong() -> None:
    figure = stratified_rate([Stratum(960, 30, 30), Stratum(40, 0, 0)])

    assert figure is not None
    assert figure.value == pytest.approx(0.98)
    assert figure.interval is not None
    assert figure.interval[1] == pytest.approx(0.98 + math.hypot(0.02, 0.0), abs=2e-3)


def test_nothing_is_corrected_without_rows_or_labels() -> None:
    assert stratified_rate([]) is None
    assert stratified_rate([Stratum(40, 0, 0), Stratum(2, 0, 0)]) is None


def _strata(case: dict[str, Any]) -> list[Stratum]:
    return [
        Stratum(rows, *labels) for rows, labels in zip(case["rows"], case["strata"], strict=True)
    ]
