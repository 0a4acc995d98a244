"""One evaluation has one headline, in every tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.server.fake_provider import NOON, FakeProvider, jsonl
from tests.server.serving import Served, served, settings
from tests.volume import examples

from evals_engine.results.totals import ClassifyTotals, CompareTotals, ScoreTotals, Totals
from evals_mcp.results.calibration.headline import UNCHECKED
from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    EvaluationJob,
    ScoreParameters,
)

Row = Mapping[str, Any]
JUDGE = {"model": "m", "model_source": "serverless", "system_template": "t"}
COMMON: dict[str, Any] = {"judge": JUDGE, "input_data_file_path": "file-1"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "classify": {"labels": ["good", "bad"], "pass_labels": ["good"]},
    "score": {"min_score": 0, "max_score": 10, "pass_threshold": 5},
    "compare": {"model_a": "old", "model_b": "new"},
}


def engine_totals(
    kind: str, rows: Sequence[Row], parameters: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the totals that the embedded engine stores with these rows."""
    fields = parameters or COMMON | PARAMETERS[kind]
    totals: Totals
    if kind == "classify":
        totals = ClassifyTotals(ClassifyParameters.model_validate(fields))
    elif kind == "score":
        totals = ScoreTotals(ScoreParameters.model_validate(fields))
    else:
        totals = CompareTotals(CompareParameters.model_validate(fields))
    states = {
        None: "ok",
        "verdict": "invalid",
        "judge": "judge_failed",
        "generation": "generation_failed",
    }
    for row in rows:
        totals.add(states[row.get("failed_at")], dict(row))
    return totals.results()


def job(kind: str, rows: Sequence[Row], results: Mapping[str, Any]) -> EvaluationJob:
    return EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "type": kind,
            "status": "completed",
            "created_at": NOON,
            "progress": {"done": len(rows), "total": len(rows)},
            "parameters": COMMON | PARAMETERS[kind],
            "results": {**results, "result_file_id": "file-r"},
        }
    )


async def listed_headlines(server: Served) -> set[str]:
    """Return the headlines of get_status and list_evaluations."""
    status = await server.answer("get_status", evaluation_id="eval-1")
    page = await server.answer("list_evaluations")
    return {status["headline"], page["evaluations"][0]["headline"]}


def pair(original: str | None, flipped: str | None) -> Row:
    decision = original if original == flipped else "Tie"
    if original is None or flipped is None:
        decision = original or flipped
    choices = {"choice_original": original, "choice_flipped": flipped}
    failed = {} if decision else {"failed_at": "verdict", "judge_raw_output_original": "?"}
    return {"final_decision": decision, **choices, **failed}


def scored(score: float) -> Row:
    return {"score": score}


FAILED: list[Row] = [{"failed_at": "judge"}, {"failed_at": "verdict"}]
LABELLED: list[Row] = [{"label": "good"}, {"label": "bad"}]
failed_rows = st.sampled_from(FAILED)
choices = st.sampled_from(["A", "B", "Tie", None])
evaluations: st.SearchStrategy[tuple[str, list[Row]]] = st.one_of(
    st.tuples(
        st.just("classify"),
        st.lists(st.sampled_from(LABELLED) | failed_rows, min_size=1),
    ),
    st.tuples(
        st.just("score"),
        st.lists(st.builds(scored, st.floats(0, 10)) | failed_rows, min_size=1),
    ),
    st.tuples(st.just("compare"), st.lists(st.builds(pair, choices, choices), min_size=1)),
)


@pytest.mark.no_cover
@hypothesis_settings(max_examples=examples(25), deadline=None)
@given(evaluations)
def test_the_engines_totals_and_its_rows_give_one_headline_in_every_tool(
    evaluation: tuple[str, list[Row]],
) -> None:
    kind, rows = evaluation

    async def check(folder: Path) -> None:
        fake = FakeProvider(
            jobs=[job(kind, rows, engine_totals(kind, rows))], contents={"file-r": jsonl(*rows)}
        )
        async with served(fake, configured=settings(folder)) as server:
            before = await listed_headlines(server)
            found = await server.answer("get_evaluation", evaluation_id="eval-1")
            after = await listed_headlines(server)
        assert before == after == {found["summary"]["headline"]}
        # Without the totals, the rows alone give the same sentence.
        alone = FakeProvider(jobs=[job(kind, rows, {})], contents={"file-r": jsonl(*rows)})
        async with served(alone, configured=settings(folder / "other")) as server:
            from_rows = await server.answer("get_evaluation", evaluation_id="eval-1")
        assert from_rows["summary"]["headline"] == found["summary"]["headline"]

    with TemporaryDirectory() as folder:
        anyio.run(check, Path(folder))


async def test_a_vendors_headline_is_from_totals_until_its_rows_are_indexed(tmp_path: Path) -> None:
    rows = [pair("A", "A"), pair("B", "B")] * 20 + [pair("A", None)] * 60
    totals = {"A_wins": 80, "B_wins": 20, "Ties": 0, "judge_fail_count": 0}
    fake = FakeProvider(
        name="together",
        jobs=[job("compare", rows, {**totals, "generation_fail_count": 0})],
        contents={"file-r": jsonl(*rows)},
    )
    async with served(fake, configured=settings(tmp_path)) as server:
        (before,) = await listed_headlines(server)
        found = await server.answer("get_evaluation", evaluation_id="eval-1")
        (after,) = await listed_headlines(server)

    assert before.startswith("From totals: Of 100 pairs 'old' wins 80")
    assert "better" not in before
    assert after == found["summary"]["headline"]
    assert after.startswith("No clear winner: of 40 pairs 'old' wins 20, 'new' wins 20")
    assert after.endswith(
        f"; 60 more pairs were judged in one order only and are not counted.{UNCHECKED}"
    )


async def test_a_vendor_whose_rows_cannot_be_read_has_the_headline_from_totals_everywhere(
    tmp_path: Path,
) -> None:
    totals = {"label_counts": {"good": 3, "bad": 1}, "invalid_label_count": 0}
    fake = FakeProvider(name="together", jobs=[job("classify", LABELLED * 2, totals)])
    async with served(fake, configured=settings(tmp_path)) as server:
        listed = await listed_headlines(server)
        found = await server.answer("get_evaluation", evaluation_id="eval-1")

    assert listed == {found["summary"]["headline"]}
    assert found["summary"]["headline"].startswith("From totals: 75.0 % of 4 answers pass")
    assert "rows, which are missing" in found["summary"]["notes"][-1]
