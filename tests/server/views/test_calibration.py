"""What labels say of a judge, as the page has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.views.evaluation import evaluation_page
from evals_mcp.views.marks import marked_rows_page
from evals_schemas.tools.page import RowQuery, RowsPage
from tests.server.tools.test_judge_calibration import labelled, provider
from tests.server.views.sessions import session_of


async def test_the_page_has_the_calibration_and_the_wrong_calls_as_rows(tmp_path: Path) -> None:
    async with session_of(provider(), tmp_path) as session:
        with pytest.raises(InvalidRequestError, match="needs labels of people"):
            await _wrong(session)
    await labelled(tmp_path, 30)

    async with session_of(provider(), tmp_path) as session:
        page = await evaluation_page(session, "eval-1")
        rows = await _wrong(session)

    assert page.answer.summary is not None
    assert page.answer.summary.calibration is not None
    assert page.answer.summary.calibration.labels == 30
    assert {row.verdict for row in rows.rows} == {"good"}
    assert 0 < rows.matching < 30


async def _wrong(session: ToolSession) -> RowsPage:
    job = await session.evaluation("eval-1")
    async with session.result_rows(job) as index:
        return await marked_rows_page(session, job, index, RowQuery(show="misjudged"), None)
