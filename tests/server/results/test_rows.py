"""Rows of the engine and of the vendor, in the vendor's formats of 2026 and of 2025."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.rows import RowVerdict, input_columns
from evals_mcp.results.types.table import row_reader

CLASSIFY = {"labels": ["good", "bad"], "pass_labels": ["good"]}
SCORE = {"min_score": 0, "max_score": 10, "pass_threshold": 7}
MODEL = {"model_to_evaluate": {"model": "m"}}


@pytest.mark.parametrize(
    ("kind", "parameters", "row", "expected"),
    [
        pytest.param(
            "classify",
            CLASSIFY,
            {"label": "good", "feedback": "", "evaluation_successful": True},
            RowVerdict("ok", "good", passed=True),
            id="a passing label",
        ),
        pytest.param(
            "classify", CLASSIFY, {"label": "bad"}, RowVerdict("ok", "bad", passed=False), id="fail"
        ),
        pytest.param(
            "classify", CLASSIFY, {"label": "great"}, RowVerdict("invalid", "great"), id="no label"
        ),
        pytest.param(
            "classify",
            CLASSIFY,
            {"label": None, "feedback": None, "evaluation_successful": False},
            RowVerdict("judge_failed"),
            id="vendor, nothing from the judge",
        ),
        pytest.param(
            "classify",
            CLASSIFY | MODEL,
            {"label": None, "evaluation_successful": False},
            RowVerdict("generation_failed"),
            id="vendor, no generated answer",
        ),
        pytest.param(
            "classify",
            CLASSIFY | MODEL,
            {"label": None, "MODEL_TO_EVALUATE_OUTPUT": "x", "failed_at": "verdict"},
            RowVerdict("invalid"),
            id="engine, unreadable verdict",
        ),
        pytest.param(
            "score", SCORE, {"score": 7}, RowVerdict("ok", None, 7.0, passed=True), id="threshold"
        ),
        pytest.param("score", SCORE, {"score": 11}, RowVerdict("invalid"), id="out of range"),
        pytest.param("score", SCORE, {"score": True}, RowVerdict("judge_failed"), id="a bool"),
        pytest.param(
            "compare",
            {},
            {"final_decision": "Tie", "choice_original": "A", "choice_flipped": "B"},
            RowVerdict("ok", "Tie", None, None, "A", "B"),
            id="the orders disagree",
        ),
        pytest.param(
            "compare",
            {"model_a": {"model": "a"}, "model_b": {"model": "b"}},
            {
                "choice_original": None,
                "choice_flipped": None,
                "final_decision": "",
                "is_incomplete": True,
                "MODEL_TO_EVALUATE_OUTPUT_A": "x",
                "MODEL_TO_EVALUATE_OUTPUT_B": "y",
            },
            RowVerdict("invalid"),
            id="2025, judge could not be read",
        ),
        pytest.param(
            "compare",
            {"model_a": {"model": "a"}, "model_b": {"model": "b"}},
            {"choice_original": None, "choice_flipped": None, "final_decision": ""},
            RowVerdict("generation_failed"),
            id="2025, no answers",
        ),
        pytest.param(
            "compare",
            {},
            {"final_decision": "A", "choice_original": "A", "is_invalid_judge_output": True},
            RowVerdict("one_order", "A", None, None, "A", None),
            id="one pass decided",
        ),
        pytest.param(
            "compare",
            {"disable_position_bias_correction": True},
            {"final_decision": "A", "choice_original": "A", "is_invalid_judge_output": False},
            RowVerdict("ok", "A", None, None, "A", None),
            id="one pass requested",
        ),
        pytest.param(
            "compare",
            {},
            {"final_decision": "A", "is_invalid_judge_output": True},
            RowVerdict("one_order", "A"),
            id="one pass decided, choices not reported",
        ),
        pytest.param(
            "compare", {}, {"final_decision": "A"}, RowVerdict("ok", "A"), id="a decision alone"
        ),
        pytest.param(
            "classify",
            CLASSIFY,
            {"label": None, "judge_raw_output": None, "is_invalid_judge_output": True},
            RowVerdict("judge_failed"),
            id="marked as unreadable without any text of the judge",
        ),
    ],
)
def test_a_row_is_read_as_its_verdict(
    kind: str, parameters: dict[str, Any], row: dict[str, Any], expected: RowVerdict
) -> None:
    assert row_reader(kind, parameters)(row) == expected


@given(
    st.sampled_from(["classify", "score", "compare", None]),
    st.dictionaries(
        st.sampled_from(["label", "score", "final_decision", "choice_original", "failed_at"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1]),
    ),
)
def test_no_row_makes_a_reader_fail(kind: str | None, row: dict[str, Any]) -> None:
    verdict = row_reader(kind, CLASSIFY | SCORE)(row)
    assert verdict.state in {"ok", "one_order", "invalid", "judge_failed", "generation_failed"}


def test_the_input_columns_are_those_that_the_evaluation_did_not_add() -> None:
    row = {
        "question": 1,
        "label": "x",
        "MODEL_TO_EVALUATE_OUTPUT": "y",
        "feedback": "",
        "id": 2,
    } | {"judge_attempts": 2}
    assert input_columns(row) == ["question", "id"]
