from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.statistics.corrections.rogan_gladen import (
    LabelledClasses,
    informedness,
    rogan_gladen_rate,
)
from tests.server.results.statistics.corrections.recorded import recorded

counts = st.tuples(st.integers(1, 400), st.integers(0, 400)).map(lambda n: (n[0], min(n)))


@pytest.mark.parametrize("case", recorded("rates"))
def test_the_figure_is_that_of_truescore(case: dict[str, Any]) -> None:
    rows = case["rows"]

    figure = rogan_gladen_rate(rows[0], sum(rows), LabelledClasses(*case["classes"]))

    assert figure is not None
    assert figure.value == pytest.approx(case["rogan_gladen"], abs=1e-9)


@pytest.mark.parametrize("case", recorded("lee"))
def test_the_interval_is_that_of_its_authors(case: dict[str, Any]) -> None:
    figure = rogan_gladen_rate(case["passed"], case["n"], LabelledClasses(*case["classes"]))

    assert figure is not None
    assert figure.interval == pytest.approx(case["interval"], abs=1e-9)


@given(counts, counts, counts)
def test_a_figure_lies_in_its_interval_and_is_missing_by_chance(
    rows: tuple[int, int], passing: tuple[int, int], failing: tuple[int, int]
) -> None:
    classes = LabelledClasses(*passing, *failing)

    figure = rogan_gladen_rate(rows[1], rows[0], classes)
    certain = informedness(classes)

    assert certain is not None
    assert certain.interval is not None
    assert certain.interval[0] <= certain.value <= certain.interval[1]
    if certain.value <= 0:
        assert figure is None
    if figure is not None:
        assert figure.interval is not None
        assert 0 <= figure.interval[0] <= figure.value <= figure.interval[1] <= 1


@given(st.integers(50, 400), st.integers(50, 400), st.data())
def test_what_the_judge_decides_is_the_same_with_passes_and_fails_exchanged(
    passing: int, failing: int, data: st.DataObject
) -> None:
    classes = LabelledClasses(passing, passing - 5, failing, failing - 9)
    passed = data.draw(st.integers(0, 300))

    figure = rogan_gladen_rate(passed, 300, classes)
    mirrored = LabelledClasses(*classes[2:], *classes[:2])
    inverse = rogan_gladen_rate(300 - passed, 300, mirrored)

    assert figure is not None
    assert inverse is not None
    assert inverse.value == pytest.approx(1 - figure.value)


def test_nothing_is_corrected_without_both_classes() -> None:
    assert rogan_gladen_rate(3, 9, LabelledClasses(9, 8, 0, 0)) is None
    assert informedness(LabelledClasses(0, 0, 4, 3)) is None
