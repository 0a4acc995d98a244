"""Figures over the rows: each against the standard library's."""

from __future__ import annotations

import statistics
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evals_engine.benchmark_api.responses import comparison
from evals_engine.benchmarks.totals import BenchmarkTotals
from evals_engine.results.totals import CompareTotals
from evals_schemas.evaluation_api.evaluations import CompareParameters
from evals_schemas.exact_statistics import RunningStatistics

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


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20))
@example([0.0, 2.2250738585e-313])
def test_figures_are_exact_for_any_floats_in_any_order(numbers: list[float]) -> None:
    forwards, backwards = RunningStatistics(), RunningStatistics()
    for number in numbers:
        forwards.add(number)
    for number in reversed(numbers):
        backwards.add(number)
    exact = [Fraction(number) for number in numbers]
    assert forwards.mean == float(sum(exact) / len(exact)) == backwards.mean
    assert forwards.sample_deviation == backwards.sample_deviation
    assert (forwards.sample_deviation == 0) is (len(set(numbers)) == 1)
    squares = sum((number - sum(exact) / len(exact)) ** 2 for number in exact)
    if forwards.sample_deviation is not None:
        deviation, smallest = Fraction(forwards.sample_deviation), Fraction(5e-324)
        square = deviation**2 * (len(numbers) - 1)
        tiny = (2 * deviation * smallest + smallest**2) * len(numbers)
        assert abs(square - squares) <= squares / 10**14 + tiny + squares / 10**14
    else:
        assert squares > Fraction(1.7e308) ** 2


def test_pairs_judged_in_one_order_are_counted_apart_and_the_wins_still_add_up() -> None:
    sides: dict[str, Any] = {"model_a": "a", "model_b": "b", "input_data_file_path": "file-1"}
    judge = {"model": "m", "model_source": "serverless", "system_template": ""}
    totals = CompareTotals(CompareParameters.model_validate(sides | {"judge": judge}))
    for original, flipped in [("A", "A"), ("A", "B"), ("A", None), (None, "B")]:
        decision = original if original == flipped else "Tie"
        if original is None or flipped is None:
            decision = original or flipped
        choices = {"choice_original": original, "choice_flipped": flipped}
        totals.add("ok", {"final_decision": decision, **choices})
    results = totals.results()
    assert results["num_samples"] == results["A_wins"] + results["B_wins"] + results["Ties"] == 4
    assert results["one_order_counts"] == {"A": 1, "B": 1, "Tie": 0}
    assert results["order_counts"] == {"A,A": 1, "A,B": 1}


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
