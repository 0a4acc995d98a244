from __future__ import annotations

import pytest

from evals_mcp.providers.endings import ending_reason, results_with_reason
from evals_schemas.reasons import Reason


@pytest.mark.parametrize(
    ("status", "error", "code", "expected"),
    [
        pytest.param("error", "12 of 20 rows failed", "model_missing", Reason.MODEL_MISSING),
        pytest.param("user_error", "Cancelled after 3 rows", None, Reason.CANCELLED, id="no code"),
        pytest.param("user_error", "Cancelled", "a later code", Reason.CANCELLED, id="later"),
        pytest.param("error", "Cancelled by a bug", None, None, id="another status"),
        pytest.param("user_error", ["odd"], 7, None, id="odd"),
    ],
)
def test_a_code_counts_and_the_words_of_a_cancel_stand_in_for_it(
    status: str, error: object, code: object, expected: Reason | None
) -> None:
    assert ending_reason(status, error, code) is expected


def test_results_gain_a_code_only_where_there_is_one() -> None:
    assert results_with_reason("completed", None) is None
    assert results_with_reason("completed", {"label_counts": {}}) == {"label_counts": {}}
    assert results_with_reason("user_error", {"error": "Cancelled"}) == {
        "error": "Cancelled",
        "reason": "cancelled",
    }
