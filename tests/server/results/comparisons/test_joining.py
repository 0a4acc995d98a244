from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.comparisons.joining import answer_columns, join, key_columns
from evals_mcp.results.rows import RowVerdict
from tests.server.results.comparisons.verdict_rows import FAIL, INVALID, PASS, rows


def test_rows_are_paired_by_key_in_any_order() -> None:
    joined = join(rows(("x", PASS), ("y", FAIL)), rows(("y", PASS), ("x", FAIL)))

    assert [(pair.row_a, pair.row_b) for pair in joined.pairs] == [(1, 2), (2, 1)]
    assert [(pair.a, pair.b) for pair in joined.pairs] == [(PASS, FAIL), (FAIL, PASS)]


def test_rows_with_a_repeated_key_are_not_paired() -> None:
    joined = join(
        rows(("x", PASS), ("x", FAIL), ("y", PASS), ("z", PASS)),
        rows(("x", PASS), ("y", PASS), ("y", FAIL), ("z", PASS)),
    )

    assert [pair.row_a for pair in joined.pairs] == [4]
    assert (joined.counts.duplicated_a, joined.counts.duplicated_b) == (3, 3)


@given(
    st.lists(st.tuples(st.sampled_from("pqrstu"), st.sampled_from([PASS, FAIL, INVALID]))),
    st.lists(st.tuples(st.sampled_from("pqrstu"), st.sampled_from([PASS, FAIL, INVALID]))),
)
def test_every_row_is_a_pair_or_counted_among_those_left_out(
    a: list[tuple[str, RowVerdict]], b: list[tuple[str, RowVerdict]]
) -> None:
    counts = join(rows(*a), rows(*b)).counts

    assert (counts.rows_a, counts.rows_b) == (len(a), len(b))
    pairs = counts.pairs + counts.no_verdict
    assert pairs + counts.unmatched_a + counts.duplicated_a == len(a)
    assert pairs + counts.unmatched_b + counts.duplicated_b == len(b)
    once_a = {key for key, times in Counter(key for key, _ in a).items() if times == 1}
    once_b = {key for key, times in Counter(key for key, _ in b).items() if times == 1}
    assert pairs == len(once_a & once_b)
    assert counts.no_verdict <= counts.no_verdict_a + counts.no_verdict_b


V1: dict[str, Any] = {"model_to_evaluate": "v1", "input_data_file_path": "file-1"}
V2: dict[str, Any] = {"model_to_evaluate": "v2", "input_data_file_path": "file-1"}
COLUMNS = ["id", "v1", "v2", "MODEL_TO_EVALUATE_OUTPUT", "label", "feedback"]


def test_answers_are_not_key_columns() -> None:
    assert key_columns(None, (COLUMNS, COLUMNS), (V1, V2)) == ["id"]


def test_the_same_ready_answers_of_the_same_data_tell_several_answers_to_one_question_apart() -> (
    None
):
    other_file = {**V1, "input_data_file_path": "file-2"}

    assert key_columns(None, (COLUMNS, COLUMNS), (V1, V1)) == ["id", "v1", "v2"]
    assert key_columns(None, (COLUMNS, COLUMNS), (V1, other_file)) == ["id", "v2"]


def test_an_unknown_key_is_refused_with_the_possible_ones() -> None:
    with pytest.raises(
        InvalidRequestError, match="'ID' is not an input column of both; both have 'id'"
    ):
        key_columns("ID", (COLUMNS, COLUMNS), (V1, V2))


def test_files_without_a_common_input_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"no input column in common.*both have none"):
        key_columns(None, (["id", "v1", "label"], ["question", "v2", "label"]), (V1, V2))


def test_the_judged_answer_is_a_column_a_generated_answer_or_the_whole_row() -> None:
    model = {"model": "some"}

    assert answer_columns(V1, COLUMNS) == ["v1"]
    assert answer_columns({"model_to_evaluate": model}, COLUMNS) == ["MODEL_TO_EVALUATE_OUTPUT"]
    assert answer_columns({"model_a": "v1", "model_b": model}, COLUMNS) == [
        "v1",
        "MODEL_TO_EVALUATE_OUTPUT_B",
    ]
    assert answer_columns({}, COLUMNS) == ["id", "v1", "v2"]
