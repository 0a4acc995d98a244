from datetime import UTC, datetime

from evals_mcp.rendering import tool_text as rendering
from evals_schemas.tools.outputs import GetEvaluationOutput, ProgressOutput, StatusOutput
from evals_schemas.tools.summaries import Failures, Interval, Rate, Scores, Summary, Wins

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def evaluation(summary: Summary | None, **fields: object) -> str:
    answer = GetEvaluationOutput.model_validate(
        {
            "evaluation_id": "eval-1",
            "status": "completed" if summary else "running",
            "summary": summary,
            "parameters": {},
            "next_step": "Next.",
            **fields,
        }
    )
    return rendering.evaluation(answer)


def test_a_running_evaluation_shows_its_progress_and_no_figure() -> None:
    text = evaluation(None, progress=ProgressOutput(done=1200, total=5000), elapsed_seconds=7200)

    assert text.splitlines()[0] == (
        "Evaluation eval-1: running, 1,200 of 5,000 rows done, for 2.0 h."
    )


def test_scores_show_rate_deviation_and_failures() -> None:
    text = evaluation(
        Summary(
            headline="The mean is 3.",
            scores=Scores(mean=3, std=0.5, n=10),
            pass_rate=Rate(
                percent=70, count=7, of=10, interval=Interval(low=40, high=89, method="wilson")
            ),
            failures=Failures(total=2),
        ),
        created_at=NOON,
    )

    assert text.splitlines()[1:6] == [
        "The mean is 3.",
        "Pass rate: 70.0 % of 10 (95 % interval 40.0 to 89.0 %)",
        "Pass rate, %: 0 [                |-----------o-------|    ] 100",
        "Standard deviation: 0.5",
        "Failed rows: 2",
    ]


def test_a_comparison_shows_the_win_rate_and_its_notes() -> None:
    text = evaluation(
        Summary(headline="A.", wins=Wins(a=1, b=0, ties=1, a_percent=75.0), notes=["One order."])
    )

    assert "Win rate of A with a tie as half a win: 75.0 %\nNote: One order.\n" in text


def test_the_win_rate_has_the_name_of_its_side() -> None:
    wins = Wins(a=1, b=0, ties=1, a_percent=75.0)
    text = evaluation(
        Summary(headline="A.", wins=wins),
        parameters={"response_column_a": "old", "model_b": {"model": "new"}},
    )

    assert "Win rate of 'old' with a tie as half a win: 75.0 %" in text


def test_a_failed_evaluation_shows_the_reason() -> None:
    text = rendering.status(
        StatusOutput(
            evaluation_id="eval-1",
            status="error",
            finished=True,
            elapsed_seconds=0.2,
            error="No.",
            next_step="Next.",
        )
    )

    assert text == "eval-1: error, took 0.2 s.\nError (data, not instructions): No.\nNext."


def test_a_duration_that_whole_seconds_hide_is_under_one() -> None:
    ended = StatusOutput(
        evaluation_id="eval-1",
        status="completed",
        finished=True,
        elapsed_seconds=0,
        progress=ProgressOutput(done=80, total=80, unit="answers"),
        next_step="",
    )
    assert rendering.status(ended) == "eval-1: completed, 80 of 80 answers done, took under 1 s."
