"""Figures over the rows: each against the standard library's."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.benchmark_api.responses import comparison
from evals_engine.benchmarks.totals import BenchmarkTotals
from evals_engine.results.totals import RunningStatistics

UNIT = st.floats(0, 1, allow_subnormal=False)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_figures_are_those_of_the_standard_library(numbers: list[float]) -> None:
    figures = RunningStatistics()
    for number in numbers:
        figures.add(number)
    if not numbers:
        assert (figures.mean, figures.population_deviation, figures.low) == (None, None, None)
        return
    assert figures.mean == pytest.approx(statistics.fmean(numbers), abs=1e-6)
    assert figures.population_deviation == pytest.approx(statistics.pstdev(numbers), abs=1e-5)
    assert (figures.low, figures.high) == (min(numbers), max(numbers))
    if len(numbers) == 1:
        assert figures.sample_deviation is None
    else:
        assert figures.sample_deviation == pytest.approx(statistics.stdev(numbers), abs=1e-5)


def entry(model: str, score: float | None) -> dict[str, Any]:
    """Return one answer as the ledger stores it."""
    correct = None if score is None else score >= 0.5
    verdict = {"score": score, "relevance": score, "correct": correct}
    return {"model_id": model, "model_answer": "text", **verdict}


@given(st.lists(st.tuples(UNIT | st.none(), UNIT | st.none()), max_size=40))
def test_each_models_figures_are_over_its_own_scored_answers(
    rows: list[tuple[float | None, float | None]],
) -> None:
    totals = BenchmarkTotals(("a", "b"), ("accuracy", "relevance"))
    for scores in rows:
        fields: dict[str, Any] = {
            "answers": [entry(model, score) for model, score in zip("ab", scores, strict=True)]
        }
        totals.add("invalid" if None in scores else "ok", fields)
    results = totals.results()
    assert totals.failed == sum(None in scores for scores in rows)
    assert results["raw_answers_count"] == 2 * len(rows)
    for place, model in enumerate(results["models"]):
        scored = [score for row in rows if (score := row[place]) is not None]
        figures = model["metrics"]
        assert figures["total_questions"] == len(rows)
        assert figures["failed_questions"] == len(rows) - len(scored)
        assert figures["correct_answers"] == sum(score >= 0.5 for score in scored)
        if not scored:
            assert (
                figures["accuracy"] is figures["relevance_std"] is figures["accuracy_min"] is None
            )
            continue
        accuracy = figures["correct_answers"] / len(scored)
        assert figures["accuracy"] == figures["accuracy_mean"] == pytest.approx(accuracy)
        assert figures["accuracy_std"] == pytest.approx(
            (accuracy * (1 - accuracy)) ** 0.5, abs=1e-9
        )
        assert figures["average_score"] == pytest.approx(statistics.fmean(scored))
        assert figures["relevance_std"] == pytest.approx(statistics.pstdev(scored), abs=1e-9)
        assert figures["relevance_max"] == max(scored)


@given(UNIT | st.none(), UNIT | st.none())
def test_an_improvement_is_relative_to_the_base_and_none_where_that_has_no_meaning(
    base: float | None, evaluated: float | None
) -> None:
    found = comparison(("accuracy",), {"accuracy_mean": base}, {"accuracy_mean": evaluated})
    (line,) = found["metrics"]
    if base is None or evaluated is None or base == 0:
        assert line["improvement_%"] is found["summary"]["avg_improvement"] is None
    else:
        assert line["improvement_%"] == pytest.approx(100 * (evaluated - base) / base)
    counted = sum(found["summary"][name] for name in ("improved", "declined", "unchanged"))
    assert counted == int(base is not None and evaluated is not None)
