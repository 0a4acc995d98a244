from __future__ import annotations

import json
from typing import Any

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.comparisons.comparability import (
    judging_cautions,
    request_cautions,
    row_cautions,
)
from evals_mcp.results.comparisons.joining import join
from evals_mcp.results.comparisons.judging import (
    compared_of,
    judge_differences,
    passing_differences,
    subject_of,
)
from evals_mcp.results.types.comparing import refuse_incomparable
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.results.comparisons.verdict_rows import INVALID, PASS, rows


def job(
    kind: str | None = "classify",
    status: str = "completed",
    name: str = "eval-1",
    **parameters: Any,
) -> EvaluationJob:
    return EvaluationJob(
        workflow_id=name,
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


def judge(model: str = "judge-1", template: str = "{{q}}", **settings: Any) -> dict[str, Any]:
    return {"model": model, "system_template": template, **settings}


def cautions(
    a: EvaluationJob,
    b: EvaluationJob,
    same_answers: bool = False,
    services: tuple[str, str] = ("local", "local"),
) -> tuple[str, tuple[str, str], list[str]]:
    """Return the subject of a comparison, the names and the texts of its cautions."""
    differences, passing = judge_differences(a, b, services), passing_differences(a, b)
    subject = subject_of(a, b, same_answers, differences)
    names = compared_of(a, b, subject, differences, passing).names
    found = [
        *request_cautions(a, b, names),
        *judging_cautions(subject, differences, passing, names),
    ]
    return subject, names, [caution.text for caution in found]


V1, V2 = {"model_to_evaluate": "v1"}, {"model_to_evaluate": "v2"}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (job(**LABELS), job(labels=["bad", "good"], pass_labels=["good"]), []),
        (job(status="error", **V1), job(**V2), ["'v1' did not finish"]),
        (job(), job(input_data_file_path="file-2"), ["data set files differ"]),
        (
            job(**V1),
            job(judge=judge("judge-2\u202e", "{{q}}!"), **V2),
            [
                "judge models differ: 'judge-1' for 'v1', 'judge-2' for 'v2'.",
                "judge templates differ.",
            ],
        ),
        (
            job(judge=judge(temperature=None), **V1),
            job(judge=judge(temperature=0.7), **V2),
            ["judges' settings of 'temperature' differ: 0.05 for 'v1', 0.7 for 'v2'"],
        ),
        (
            job(judge=judge() | {"x\n\u202ey": {"z": "\u001b[31m' ignore"}}, **V1),
            job(**V2),
            ["settings of 'x y' differ: '{"],
        ),
        (
            job(**LABELS, **V1),
            job(labels=["x", "y"], pass_labels=["x"], **V2),
            ["labels differ: 'bad, good' for 'v1', 'x, y' for 'v2'; only pass", "pass labels"],
        ),
        (job("score", pass_threshold=3), job("score", pass_threshold=4), ["thresholds differ"]),
        (
            job("compare", disable_position_bias_correction=True),
            job("compare", name="eval-2", disable_position_bias_correction=None),
            ["orders differ: one order only for evaluation eval-1, both orders for evaluation"],
        ),
    ],
)
def test_other_differences_are_named(
    a: EvaluationJob, b: EvaluationJob, expected: list[str]
) -> None:
    refuse_incomparable(a, b)
    _, _, found = cautions(a, b)

    assert len(found) == len(expected), found
    assert all(part in text for part, text in zip(expected, found, strict=True)), found


@pytest.mark.parametrize(
    ("a", "b", "services", "subject", "names", "expected"),
    [
        pytest.param(
            job(judge=judge(num_workers=1)),
            job(name="eval-2", judge=judge(num_workers=9, temperature=0.05)),
            ("local", "local"),
            "one judge twice",
            ("evaluation eval-1", "evaluation eval-2"),
            [],
            id="only the speed differs",
        ),
        pytest.param(
            job("score", pass_threshold=3),
            job("score", pass_threshold=4, name="eval-2"),
            ("local", "local"),
            "one judge twice",
            ("evaluation eval-1", "evaluation eval-2"),
            ["The pass thresholds differ: 3 for evaluation eval-1, 4 for evaluation eval-2."],
            id="thresholds are applied to the judge's scores",
        ),
        pytest.param(
            job(),
            job(judge=judge("judge-2")),
            ("local", "local"),
            "judges",
            ("judge 'judge-1'", "judge 'judge-2'"),
            [],
            id="another model is what is compared",
        ),
        pytest.param(
            job(),
            job(judge=judge(template="{{q}}!"), name="eval-2"),
            ("local", "local"),
            "judges",
            ("judge 'judge-1' in evaluation eval-1", "judge 'judge-1' in evaluation eval-2"),
            [],
            id="another rubric",
        ),
        pytest.param(
            job(),
            job(),
            ("local", "together"),
            "judges",
            ("judge 'judge-1' in evaluation eval-1", "judge 'judge-1' in evaluation eval-1"),
            [],
            id="another service",
        ),
        pytest.param(
            job(),
            job(judge=judge("judge-2", "{{q}}!")),
            ("local", "local"),
            "judges",
            ("judge 'judge-1'", "judge 'judge-2'"),
            ["More than one thing differs (judge models and judge templates)"],
            id="two differences",
        ),
        pytest.param(
            job(judge=None),
            job(judge=None, name="eval-2"),
            ("nugen", "nugen"),
            "judges",
            ("evaluation eval-1", "evaluation eval-2"),
            [],
            id="an unknown judge is not taken for the same one",
        ),
    ],
)
def test_judges_of_the_same_answers_are_recognised(
    a: EvaluationJob,
    b: EvaluationJob,
    *,
    services: tuple[str, str],
    subject: str,
    names: tuple[str, str],
    expected: list[str],
) -> None:
    found = cautions(a, b, same_answers=True, services=services)

    assert found[:2] == (subject, names)
    assert len(found[2]) == len(expected), found
    assert all(part in text for part, text in zip(expected, found[2], strict=True)), found


def test_many_rows_left_out_and_few_pairs_give_cautions() -> None:
    a = rows(*((f"key {n}", PASS) for n in range(10)), ("twice", PASS), ("twice", PASS))
    b = rows(*((f"key {n}", INVALID if n < 3 else PASS) for n in range(9)), ("twice", PASS))

    names = "'v1'", "'v2'"
    text = json.dumps([caution.text for caution in row_cautions(join(a, b).counts, names)])

    assert "1 of the 12 rows of 'v1' has no match" in text
    assert "2 of the 12 rows of 'v1' have the key of another row" in text
    assert "3 matching rows have no valid verdict in one of the two" in text
    assert "Only 6 pairs" in text
