"""A result file with verdicts of rows that wait is refused as a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.fake_provider import FakeProvider
from tests.server.labels import test_blindness as planted
from tests.server.serving import Served, served, settings, text_of

ARGUMENTS: dict[str, Any] = {
    "type": "classify",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "answer",
    "judge": {"model": "org/judge", "system_template": "Is it right? {{feedback}}"},
}


async def dry_run(server: Served, file_id: str, **more: Any) -> str:
    """Return the text of a plan over a file."""
    asked = ARGUMENTS | more | {"input_data_file_path": file_id, "dry_run": True}
    return text_of(await server.call("create_evaluation", **asked))


async def test_a_plan_over_a_result_file_shows_no_verdict_that_waits(tmp_path: Path) -> None:
    provider = FakeProvider(jobs=planted.jobs(), contents=planted.contents())
    async with served(provider, configured=settings(tmp_path)) as server:
        assert "planted-reason-1-" in await dry_run(server, "file-1")
        await server.answer("label_rows", evaluation_id=planted.CLASSIFY)
        for more in ({}, {"sample": 3}, {"response_column": "nothing"}):
            assert planted.PLANTED.findall(await dry_run(server, "file-1", **more)) == []
        refusal = await dry_run(server, "file-1")
    assert "has the verdicts of eval-1" in refusal
    assert "--close" in refusal


async def test_other_data_sets_are_planned_while_rows_wait(tmp_path: Path) -> None:
    provider = FakeProvider(jobs=planted.jobs(), contents=planted.contents())
    judge = {"model": "org/judge", "system_template": "Is it right? {{question}}"}
    async with served(provider, configured=settings(tmp_path)) as server:
        await server.answer("label_rows", evaluation_id=planted.CLASSIFY)
        assert "How much is 1?" in await dry_run(server, "file-0", judge=judge)
