from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]
from tests.server.planning.requests import JUDGE, ROWS, classify, compare, planned, stored
from tests.server.planning.test_benchmark_plan import provider, request

from evals_mcp.planning.power import power_of_request
from evals_mcp.providers.protocol import AnyRequest, JudgedRequest
from evals_schemas.evaluation_api.evaluations import EvaluationJob, parse_evaluation_request
from evals_schemas.tools.plans import Power

oracle: Any = _stats


def score(**changes: Any) -> JudgedRequest:
    parameters = {
        "judge": JUDGE,
        "input_data_file_path": "file-1",
        "model_to_evaluate": "answer",
        "min_score": 1,
        "max_score": 10,
        "pass_threshold": 7,
        **changes,
    }
    return parse_evaluation_request({"type": "score", "parameters": parameters})


def earlier(
    request: JudgedRequest, results: dict[str, Any], status: str = "completed"
) -> EvaluationJob:
    parameters = request.parameters.model_dump(exclude_none=True)
    return EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "type": request.type,
            "status": status,
            "parameters": parameters,
            "results": results,
        }
    )


def power(
    request: AnyRequest, rows: int = 200, jobs: Sequence[EvaluationJob] = (), half_width: float = 10
) -> Power:
    found = power_of_request(request, rows, half_width, jobs)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            classify(),
            snapshot(
                "200 rows give a pass rate within about ±6.9 points (95 %). With 80 % power, two "
                "such runs show a difference of 9.3 points or more in the pass rate if 20 % of "
                "the rows differ (5 points need 665 rows)."
            ),
        ),
        (
            score(),
            snapshot(
                "200 rows give a pass rate within about ±6.9 points (95 %). With 80 % power, two "
                "such runs show a difference of 9.3 points or more in the pass rate if 20 % of "
                "the rows differ (5 points need 665 rows), and show a difference of 0.45 or more "
                "in the mean score if a row's two scores differ with a standard deviation of "
                "2.25, a quarter of the scale (0.45 needs 199 rows)."
            ),
        ),
        (
            compare(),
            snapshot(
                "200 pairs give a win rate within about ±6.9 points (95 %). With 80 % power, they "
                "show a net preference of 17 points or more if 30 % of the pairs are ties (5 "
                "points need 2,236 pairs)."
            ),
        ),
        (
            request(model_id_2="large-1"),
            snapshot(
                "200 questions give an accuracy within about ±6.9 points (95 %). With 80 % power, "
                "the two models show a difference of 9.3 points or more in accuracy if 20 % of "
                "the questions differ (5 points need 665 questions)."
            ),
        ),
    ],
    ids=["classify", "score", "compare", "benchmark"],
)
def test_the_power_of_each_type_is_one_sentence_to_quote(
    request_: AnyRequest, expected: str
) -> None:
    assert power(request_).sentence == expected


async def test_a_plan_says_what_its_rows_could_show_and_how_many_rows_would_be_better() -> None:
    few = await planned(classify(), stored(*ROWS[:40]), half_width=5)
    benchmark = await planned(request(), provider())

    assert few.power is not None
    assert few.power.sentence == snapshot(
        "40 rows give a pass rate within about ±14.8 points (95 %; ±5 needs 381 rows). With 80 % "
        "power, two such runs cannot show any difference in the pass rate if 20 % of the rows "
        "differ (5 points need 665 rows)."
    )
    assert few.power.model_dump(exclude={"sentence"}, exclude_none=True) == snapshot(
        {
            "half_width": 14.8005,
            "differences": [
                {
                    "of": "pass rate",
                    "assumption": "20 % of the rows differ",
                    "assumed": 20.0,
                    "target": 5.0,
                    "rows_for_target": 665,
                }
            ],
        }
    )
    assert benchmark.power is not None
    assert benchmark.power.sentence.startswith("50 questions give an accuracy")


def test_earlier_runs_of_the_rubric_replace_the_assumptions_about_ties_and_scores() -> None:
    ties = earlier(compare(), {"A_wins": 30, "B_wins": 20, "Ties": 50})
    spread = earlier(score(), {"aggregated_scores": {"mean_score": 7, "std_score": 1.5}})

    paired, scored = power(compare(), jobs=[ties]), power(score(), jobs=[spread])

    assert "if 50 % of the pairs are ties, as in earlier runs of this rubric" in paired.sentence
    assert paired.differences[0].assumed == 50
    assert "a standard deviation of 1.5, as much as scores vary in earlier runs" in scored.sentence
    needed = (oracle.t.ppf(0.975, 199) + oracle.t.ppf(0.8, 199)) * 1.5 / 200**0.5
    assert scored.differences[1].difference == pytest.approx(needed, rel=1e-5)


@pytest.mark.parametrize(
    "job",
    [
        earlier(compare(), {"A_wins": 3, "B_wins": 2, "Ties": 5}),
        earlier(compare(), {"A_wins": 30, "B_wins": 20, "Ties": 50}, "running"),
        earlier(compare(), {"A_wins": "many", "B_wins": 20, "Ties": 50}),
        earlier(compare(), {"A_wins": 0, "B_wins": 0, "Ties": 50}),
        earlier(
            compare(judge={**JUDGE, "system_template": "Another rubric"}),
            {"A_wins": 30, "B_wins": 20, "Ties": 50},
        ),
        earlier(
            compare(disable_position_bias_correction=True),
            {"A_wins": 30, "B_wins": 20, "Ties": 50},
        ),
    ],
    ids=["few verdicts", "running", "unreadable", "ties alone", "other rubric", "one order"],
)
def test_runs_that_tell_nothing_about_this_rubric_are_not_used(job: EvaluationJob) -> None:
    assert power(compare(), jobs=[job]) == power(compare())


def test_a_target_beyond_the_assumption_and_a_scale_beyond_floats_are_left_out() -> None:
    ties = earlier(compare(), {"A_wins": 2, "B_wins": 1, "Ties": 97})

    rare = power(compare(), jobs=[ties])
    wide = power(score(min_score=-1.7e308, max_score=1.7e308, pass_threshold=0))

    assert rare.differences[0].rows_for_target is None
    assert rare.sentence.endswith(
        "cannot show any difference in the wins if 97 % of the pairs "
        "are ties, as in earlier runs of this rubric."
    )
    assert [each.of for each in wide.differences] == ["pass rate"]
    assert power_of_request(classify(), 0, 10) is None


@given(st.integers(1, 10**7), st.sampled_from([classify(), score(), compare(), request()]))
def test_the_numbers_are_those_of_the_sentence_for_any_number_of_rows(
    rows: int, request_: AnyRequest
) -> None:
    found = power(request_, rows)

    assert f"±{found.half_width:.1f} points" in found.sentence
    shown = [each for each in found.differences if each.difference is not None]
    assert found.sentence.count(" show ") - found.sentence.count("cannot show ") == len(shown)
    for each in found.differences:
        assert f"{each.rows_for_target:,} " in found.sentence
    for each in shown:
        enough = rows >= (each.rows_for_target or 0)
        assert enough == ((each.difference or 0) <= each.target * (1 + 1e-5))
