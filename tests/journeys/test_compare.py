"""Two versions of an assistant on the same questions: is the second one really better?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.compose import open_providers
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from tests.server.serving import Served, settings

stats: Any = _stats

ANSWERS = Path(__file__).parents[2] / "examples" / "support_answers.jsonl"
TEMPLATE = "{% set unused = [id, question, topic, answer_v1, answer_v2] %}{{ expected }}"
CLASSIFY = {"type": "classify", "labels": ["right", "wrong"], "pass_labels": ["right"]}
SCORE = {"type": "score", "min_score": 0, "max_score": 1, "pass_threshold": 0.5}


@asynccontextmanager
async def conversation(folder: Path) -> AsyncGenerator[Served]:
    """Run the whole server with its embedded engine in this process; yield a client."""
    configured = settings(
        folder,
        local={"data_dir": folder / "engine"},
        datasets={"allowed_folders": [ANSWERS.parent]},
    )
    opening = partial(open_services, configured, open_providers)
    with anyio.fail_after(300):
        async with Client(build_server("0.0", opening)) as client:
            yield Served(client)


async def evaluated(server: Served, file_id: str, column: str, rule: str, **own: Any) -> str:
    """Run an evaluation to its completion and return its id."""
    created = await server.answer(
        "create_evaluation",
        input_data_file_path=file_id,
        judge={"model": rule, "system_template": TEMPLATE},
        response_column=column,
        **own,
    )
    evaluation_id = created["evaluation_id"]
    status = await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=9)
    assert status["status"] == "completed"
    return evaluation_id


def states(row: dict[str, str], column: str) -> bool:
    """Return whether an answer contains the expected words."""
    return " ".join(row["expected"].split()).lower() in " ".join(row[column].split()).lower()


async def compared(server: Served, rule: str, **own: Any) -> dict[str, Any]:
    """Compare the answers of the first version with those of the second."""
    stored = await server.answer("upload_dataset", path=str(ANSWERS))
    first = await evaluated(server, stored["file_id"], "answer_v1", rule, **own)
    second = await evaluated(server, stored["file_id"], "answer_v2", rule, **own)
    return await server.answer("compare_evaluations", evaluation_id_a=first, evaluation_id_b=second)


async def test_the_second_version_is_right_more_often(tmp_path: Path) -> None:
    async with conversation(tmp_path) as server:
        answer = await compared(server, "rule/contains", **CLASSIFY)

    rows = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    right = Counter((states(row, "answer_v1"), states(row, "answer_v2")) for row in rows)
    found = answer["passes"]
    assert (found["a"]["count"], found["b"]["count"], found["a"]["of"]) == (53, 67, len(rows))
    assert (found["only_a"], found["only_b"]) == (right[True, False], right[False, True])
    assert found["p_value"] == pytest.approx(stats.binomtest(11, 36).pvalue, rel=1e-5)
    assert answer["headline"] == (
        "'answer_v2' passes 16.7 points more often than 'answer_v1' on 84 paired rows (79.8 % "
        "against 63.1 %; 95 % interval 2.8 to 30.0 points, exact McNemar p = 0.029)."
    )
    assert (answer["comparable"], answer["warnings"]) == ("yes", [])
    assert answer["paired_by"] == ["id", "question", "expected", "topic"]
    assert answer["total_flips"] == 36
    assert (answer["flips"][0]["passed_a"], answer["flips"][0]["passed_b"]) == (True, False)


async def test_the_scores_of_the_two_differ_as_scipy_says(tmp_path: Path) -> None:
    async with conversation(tmp_path) as server:
        answer = await compared(server, "rule/similarity", **SCORE)
        scores = [await scores_of(server, answer[f"evaluation_id_{side}"]) for side in "ab"]

    expected = stats.ttest_rel([scores[1][key] for key in scores[0]], [*scores[0].values()])
    found = answer["scores"]
    assert found["a"]["n"] == len(scores[0]) == 84
    assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-5)
    ends = expected.confidence_interval()
    assert found["interval"]["low"] == pytest.approx(ends.low, rel=1e-5)
    assert found["interval"]["high"] == pytest.approx(ends.high, rel=1e-5)
    assert found["bootstrap"]["low"] == pytest.approx(ends.low, abs=0.03)


async def scores_of(server: Served, evaluation_id: str) -> dict[str, float]:
    """Return all scores of an evaluation by row id."""
    found: dict[str, float] = {}
    cursor = None
    while True:
        page = await server.answer(
            "read_results",
            evaluation_id=evaluation_id,
            show="all",
            columns=["id"],
            limit=50,
            cursor=cursor,
        )
        found |= {row["columns"]["id"]: row["score"] for row in page["rows"]}
        if (cursor := page.get("next_cursor")) is None:
            return found


async def test_two_judges_of_one_version_and_one_judge_twice_are_told_from_two_versions(
    tmp_path: Path,
) -> None:
    async with conversation(tmp_path) as server:
        file_id = (await server.answer("upload_dataset", path=str(ANSWERS)))["file_id"]
        ids = [
            await evaluated(server, file_id, "answer_v1", rule, **CLASSIFY, again=True)
            for rule in ("rule/contains", "rule/contains", "rule/exact-match")
        ]
        twice, two = [
            await server.answer(
                "compare_evaluations", evaluation_id_a=ids[0], evaluation_id_b=other
            )
            for other in ids[1:]
        ]

    n = len(ANSWERS.read_text(encoding="utf-8").splitlines())
    assert twice["compares"] == "one judge twice"
    assert twice["headline"].startswith(
        f"Judge 'rule/contains' repeats its labels in {n} of {n} paired rows (100.0 %"
    )
    assert two["compares"] == "judges"
    assert two["comparable"] == "yes"
    assert two["headline"].startswith(
        "On the same answers judge 'rule/contains' and judge 'rule/exact-match' agree on labels in "
    )
    assert "Judge 'rule/exact-match' passes" in two["headline"]
