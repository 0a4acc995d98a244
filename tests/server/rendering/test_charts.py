"""Lines of a terminal show figures where they are: no marker outside, no bar too long."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from evals_mcp.rendering.charts import (
    LONGEST_BAR,
    WIDTH,
    around_zero,
    interval_line,
    with_bars,
)
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served, settings
from tests.server.tokens import tokens
from tests.server.tools.test_compare_evaluations import BOTH, provider

figures = st.floats(-1e300, 1e300)


def cells(line: str | None) -> str:
    assert line is not None
    return line[line.index("[") + 1 : line.rindex("]")]


@given(st.lists(figures, min_size=5, max_size=5))
def test_markers_are_in_order_within_the_axis_and_at_most_half_a_character_away(
    values: list[float],
) -> None:
    lowest, low, value, high, highest = sorted(values)
    assume(highest - lowest > 1e-300 + 1e-9 * max(abs(highest), abs(lowest)))
    line = interval_line("figure", value, (low, high), (lowest, highest))
    drawn = cells(line)
    assert len(drawn) == WIDTH
    assert set(drawn) <= set(" 0|-o")
    at = drawn.index("o")
    assert drawn.count("o") == 1
    share = (value / 4 - lowest / 4) / (highest / 4 - lowest / 4)
    assert abs(at - share * (WIDTH - 1)) <= 0.5 + 1e-9
    ends = [place for place, cell in enumerate(drawn) if cell in "|o"]
    for end, place in ((low, ends[0]), (high, ends[-1])):
        share = (end / 4 - lowest / 4) / (highest / 4 - lowest / 4)
        assert abs(place - share * (WIDTH - 1)) <= 0.5 + 1e-9


@given(st.lists(st.tuples(st.text(max_size=60), st.integers(0, 10**9)), max_size=20))
def test_bars_are_as_long_as_their_counts(lines: list[tuple[str, int]]) -> None:
    texts = [(text.replace("#", "").strip() or "x", count) for text, count in lines]
    most = max((count for _, count in texts), default=0)
    for (text, count), line in zip(texts, with_bars(texts), strict=True):
        assert line.startswith(text)
        length = line.count("#")
        assert (length > 0) == (count > 0)
        assert length <= LONGEST_BAR
        if count:
            assert abs(length - LONGEST_BAR * count / most) < 1


@given(st.lists(figures, min_size=1, max_size=3))
def test_an_axis_around_zero_is_symmetrical_and_has_room(values: list[float]) -> None:
    low, high = around_zero(*values)
    assert low == -high < 0
    assert all(low <= value <= high for value in values)
    most = max(map(abs, values))
    assume(most > 1e-300)
    assert high <= 2.5 * most + 1e-300


def test_extreme_figures_stand_at_the_ends() -> None:
    assert cells(interval_line("rate", 0, (0, 4), (0, 100)))[:3] == "o-|"
    assert cells(interval_line("rate", 100, (96, 100), (0, 100)))[-3:] == "|-o"
    assert cells(interval_line("rate", 100, (100, 100), (0, 100)))[-2:] == " o"


def test_what_has_no_place_on_the_axis_is_not_drawn() -> None:
    assert interval_line("rate", 50, None, (0, 100)) is None
    assert interval_line("mean", 7, (6, 8), (0, 5)) is None
    assert interval_line("mean", 7, (6, 8), (7, 7)) is None
    assert interval_line("mean", math.nan, (6, 8), (0, 10)) is None


def test_lines_look_like_this_and_cost_few_tokens() -> None:
    lines = [
        interval_line("Pass rate, %:", 40.9, (36.2, 45.8), (0, 100)),
        interval_line("B - A, points:", 28.8, (22, 35.2), around_zero(28.8, 22, 35.2)),
        *with_bars([("- 'wrong': 182 (44.3 %)", 182), ("- 'correct': 168 (40.9 %), pass", 168)]),
        *with_bars([("- 'rare': 1", 1), ("- 'none': 0", 0), ("- 'common': 900", 900)]),
    ]
    assert lines == snapshot(
        [
            "Pass rate, %: 0 [              |-o-|                      ] 100",
            "B - A, points: -50 [                    0        |--o-|      ] 50",
            "- 'wrong': 182 (44.3 %)          ##############################",
            "- 'correct': 168 (40.9 %), pass  ############################",
            "- 'rare': 1      #",
            "- 'none': 0",
            "- 'common': 900  ##############################",
        ]
    )
    assert max(tokens(line) for line in lines[:2] if line) <= 25
    assert max(tokens(line) for line in lines[2:] if line) <= 25


async def test_charts_are_in_the_text_of_an_answer_only(tmp_path: Path) -> None:
    rows = [{"answer": str(n), "score": n % 11} for n in range(300)]
    scored = EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "type": "score",
            "status": "completed",
            "results": {"result_file_id": "file-1"},
            "parameters": {"min_score": 0, "max_score": 10, "pass_threshold": 6},
        }
    )
    service = FakeProvider(jobs=[scored], contents={"file-1": jsonl(*rows)})
    async with served(service, configured=settings(tmp_path)) as server:
        text = await server.text("get_evaluation", evaluation_id="eval-1")
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")
    assert "Mean score: 0 [" in text
    assert "9-10 54  ##############################" in text
    assert "#" not in json.dumps(answer)
    assert "[ " not in json.dumps(answer)
    assert tokens(text) <= 1_200


@pytest.mark.parametrize("kind", ["classify", "score", "compare"])
async def test_a_comparison_of_long_rows_draws_its_difference_within_its_budget(
    tmp_path: Path, kind: str
) -> None:
    long = "Its answer names the month, and the reference names another one. " * 200

    def rows(passes: int) -> list[dict[str, object]]:
        verdicts: dict[str, Callable[[int], dict[str, object]]] = {
            "classify": lambda n: {"label": "good" if n % 10 < passes else "bad"},
            "score": lambda n: {"score": 1 + (n + passes) % 5},
            "compare": lambda n: {"final_decision": "A" if n % 10 < passes else "B"},
        }
        return [
            {"question": f"{n} {long}", "answer_a": long, "v1": long, "feedback": long}
            | verdicts[kind](n)
            for n in range(60)
        ]

    service = provider(rows(3), rows(6), kind)
    async with served(service, configured=settings(tmp_path)) as server:
        text = await server.text("compare_evaluations", **BOTH)
        answer = await server.answer("compare_evaluations", **BOTH)
    drawn = [line for line in text.splitlines() if line.startswith("B - A")]
    assert len(drawn) == (2 if kind == "score" else 1), "of scores, and of passes"
    for line in drawn:
        assert "o" in line.partition("[")[2]
        assert line not in json.dumps(answer)
    assert len(answer["flips"]) >= 3
    assert max(tokens(text), tokens(answer)) <= 2_000
