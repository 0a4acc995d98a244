"""Rows that are chosen from an earlier evaluation, and rows of several tries in one file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.derivations.earlier_rows import EarlierResults, ResultRow, choose_rows
from evals_mcp.derivations.earlier_try import EarlierTry, TriedRows
from evals_mcp.derivations.originals import rows_of
from evals_mcp.derivations.tries import tries_apart, tries_beside
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.fake_provider import jsonl

CELLS = st.sampled_from(["a", "b", "ä", "[1]", ""])
STATES = st.sampled_from(["ok", "invalid", "judge_failed", "absent"])
JUDGED_ROWS = st.lists(st.tuples(CELLS, STATES), min_size=1, max_size=12)


def job(evaluation_id: str, **judge: Any) -> EvaluationJob:
    parameters = {"judge": {"model": "j", "system_template": "t", **judge}, "labels": ["a", "b"]}
    return EvaluationJob(
        workflow_id=evaluation_id, type="classify", status="completed", parameters=parameters
    )


@given(rows=JUDGED_ROWS, answers=st.booleans())
def test_every_row_is_judged_or_sent_again_and_none_is_both(
    rows: list[tuple[str, str]], answers: bool
) -> None:
    results = [
        ResultRow(state, {"q": cell, "answer": f"{cell}!"})
        for cell, state in rows
        if state != "absent"
    ]
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "original").write_bytes(jsonl(*({"q": cell, "id": "x"} for cell, _ in rows)))
        earlier = EarlierResults(
            folder / "original", results, lambda _: True, ["q"], ["answer"] if answers else []
        )
        chosen = choose_rows(earlier, folder, with_verdict=False)
        sent = list(rows_of(chosen.path))

    judged = Counter(cell for cell, state in rows if state == "ok")
    again = Counter(row["q"] for row in sent)
    absent = Counter(cell for cell, state in rows if state == "absent")
    assert len(sent) == len(chosen.numbers)
    assert [rows[number - 1][0] for number in chosen.numbers] == [row["q"] for row in sent]
    assert chosen.without_answer == (absent.total() if answers else 0)
    left_out = absent if answers else Counter[str]()
    assert judged + again + left_out == Counter(cell for cell, _ in rows)
    assert all(row.get("answer") == (f"{row['q']}!" if answers else None) for row in sent)


@given(first=JUDGED_ROWS, order=st.randoms(use_true_random=False))
def test_a_file_of_two_tries_has_every_row_once_and_no_verdict_is_lost(
    first: list[tuple[str, str]], order: Any
) -> None:
    results = [ResultRow(state, {"q": cell, "state": state}) for cell, state in first]
    earlier = [result for result in results if result.state != "absent"]
    anew = [{"q": cell, "state": "new"} for cell, state in first if state != "ok"]
    order.shuffle(anew)
    with TemporaryDirectory() as name:
        path = Path(name) / "rows.jsonl"
        path.write_bytes(jsonl(*anew))
        anyio.run(_merged, path, earlier)
        merged = [json.loads(line) for line in path.read_bytes().splitlines()]
        tries, sentences = tries_beside(path)

    assert Counter(row["q"] for row in merged) == Counter(cell for cell, _ in first)
    kept = Counter(cell for cell, state in first if state == "ok")
    assert Counter(row["q"] for row in merged if row["evals_try"] == 1) == kept
    assert all(row["state"] == ("ok" if row["evals_try"] == 1 else "new") for row in merged)
    assert [each.rows for each in tries] == [kept.total(), len(anew)]
    assert "column evals_try" in sentences[0]


async def _merged(path: Path, earlier: Sequence[ResultRow]) -> None:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[TriedRows]:
        def rows() -> Iterator[ResultRow]:
            return iter(earlier)

        yield TriedRows(rows, [])

    retry = EarlierTry("eval-1", job("eval-2"), ["q"], job("eval-1"), opened)
    await retry.bring_into(path)


async def test_without_the_earlier_evaluation_its_rows_are_missing_and_that_is_said(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(jsonl({"q": "a", "label": "b"}))
    await EarlierTry("eval-1", job("eval-2"), ["q"]).bring_into(path)

    tries, sentences = tries_beside(path)
    assert tries == []
    assert sentences == [
        "Only the rows of this retry: those of eval-1, which it takes over, are gone."
    ]
    assert json.loads(path.read_bytes()) == {"q": "a", "label": "b"}


async def test_only_the_length_of_verdicts_may_differ_between_tries_that_are_added_up(
    tmp_path: Path,
) -> None:
    for changes, apart in (
        ({"max_tokens": 9}, False),
        ({"num_workers": 3}, False),
        ({"temperature": 1.0}, True),
        ({"system_template": "T" * 99}, True),
    ):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "rows.jsonl"
        path.parent.mkdir()
        path.write_bytes(jsonl({"q": "a"}))

        @asynccontextmanager
        async def opened() -> AsyncGenerator[TriedRows]:
            yield TriedRows(lambda: iter([ResultRow("invalid", {"q": "a"})]), [])

        retry = EarlierTry("eval-1", job("eval-2", **changes), ["q"], job("eval-1"), opened)
        await retry.bring_into(path)
        tries, sentences = tries_beside(path)
        assert bool(tries_apart(tries)) == apart, changes
        assert not any("T" * 20 in sentence for sentence in sentences)
