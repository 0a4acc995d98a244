from __future__ import annotations

import json
from typing import Any

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.comparisons.comparability import cautions, row_cautions
from evals_mcp.results.comparisons.joining import join
from evals_mcp.results.types.comparing import refuse_incomparable
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.results.comparisons.verdict_rows import INVALID, PASS, rows


def job(
    kind: str | None = "classify", status: str = "completed", **parameters: Any
) -> EvaluationJob:
    return EvaluationJob(
        workflow_id="eval-1",
        type=kind,
        status=status,
        parameters={
            "judge": {"model": "judge-1", "system_template": "{{q}}"},
            "input_data_file_path": "file-1",
            **parameters,
        },
    )


LABELS: dict[str, Any] = {"labels": ["good", "bad"], "pass_labels": ["good"]}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (job("classify"), job("score"), "same type.*A is classify, B is score"),
        (job(None), job(None), "A is of unknown type"),
        (
            job("score", min_score=1, max_score=5),
            job("score", min_score=0, max_score=10),
            "different ranges: A 1 to 5, B 0 to 10.*`min_score`",
        ),
        (
            job("compare", model_a="v1", model_b="v2"),
            job("compare", model_a="v1", model_b="v3"),
            "different sides .model_b differ",
        ),
        (
            job("compare", model_a={"model": "m", "input_template": "x"}, model_b="v2"),
            job("compare", model_a={"model": "m", "input_template": "y"}, model_b="v2"),
            "different sides .model_a differ",
        ),
        (job(**LABELS), job(labels=["x", "y"]), "different `labels`.*`pass_labels`"),
    ],
)
def test_a_comparison_without_meaning_is_refused(
    a: EvaluationJob, b: EvaluationJob, expected: str
) -> None:
    with pytest.raises(InvalidRequestError, match=expected):
        refuse_incomparable(a, b)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (job(**LABELS), job(labels=["bad", "good"], pass_labels=["good"]), []),
        (job(status="error"), job(), ["A did not finish"]),
        (job(), job(input_data_file_path="file-2"), ["data set files differ"]),
        (
            job(),
            job(judge={"model": "judge-2\u202e", "system_template": "{{q}}!"}),
            ["judge models differ: 'judge-1' in A, 'judge-2' in B.", "judge templates differ"],
        ),
        (
            job(**LABELS),
            job(labels=["x", "y"], pass_labels=["x"]),
            ["labels differ: 'bad, good' in A, 'x, y' in B; only pass", "pass labels differ"],
        ),
        (job("score", pass_threshold=3), job("score", pass_threshold=4), ["thresholds differ"]),
        (
            job("compare", disable_position_bias_correction=True),
            job("compare", disable_position_bias_correction=None),
            ["A judged each pair in one order only"],
        ),
    ],
)
def test_other_differences_are_named(
    a: EvaluationJob, b: EvaluationJob, expected: list[str]
) -> None:
    refuse_incomparable(a, b)
    found = [caution.text for caution in cautions(a, b)]

    assert len(found) == len(expected), found
    assert all(part in text for part, text in zip(expected, found, strict=True)), found


def test_many_rows_left_out_and_few_pairs_give_cautions() -> None:
    a = rows(*((f"key {n}", PASS) for n in range(10)), ("twice", PASS), ("twice", PASS))
    b = rows(*((f"key {n}", INVALID if n < 3 else PASS) for n in range(9)), ("twice", PASS))

    text = json.dumps([caution.text for caution in row_cautions(join(a, b).counts)])

    assert "1 of A's 12 rows has no match" in text
    assert "2 of A's 12 rows have the key of another row" in text
    assert "3 matching rows have no valid verdict" in text
    assert "Only 6 pairs" in text
