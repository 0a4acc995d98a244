"""A second labeller may have seen the verdict, so these labels correct nothing."""

from __future__ import annotations

from pathlib import Path

from evals_mcp.labels.sample import LabelSample
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.views.labels import LabelCall, labels_page
from evals_schemas.tools.exports import ExportFormat
from tests.server.fake_provider import jsonl
from tests.server.labels.labelling import ROWS, drawn_sample, gold, labels
from tests.server.labels.test_exported_labels import calibration
from tests.server.marks.test_exported_marks import exported
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider

FILE = jsonl(*ROWS)
OTHER = {"good": "bad", "bad": "good"}
JSONL: ExportFormat = "jsonl"


async def label(session: ToolSession, labeller: str, position: int, value: str | None) -> None:
    """Say something of one row as the page does."""
    call = LabelCall(evaluation_id="eval-1", labeller=labeller, position=position, value=value)
    await labels_page(session, call)


def right(sample: LabelSample, position: int) -> str:
    return gold(sample.rows[position - 1])


async def blind_positions(session: ToolSession, labeller: str) -> dict[bool, list[int]]:
    """Return the ranks of the rows of one labeller, by whether the verdict was hidden."""
    counted = await labels(session)
    assert counted is not None
    own = [each for each in counted.labels if each.labeller == labeller]
    return {
        blind: sorted(each.position or 0 for each in own if each.blind is blind)
        for blind in (True, False)
    }


async def test_labels_given_after_the_first_correct_nothing_and_show_how_far_two_agree(
    tmp_path: Path,
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        sample = await drawn_sample(session)
        for position in range(1, 31):
            await label(session, "Ana", position, right(sample, position))
        alone = await calibration(session)
        for position in range(1, 41):
            await label(session, "Ben", position, OTHER[right(sample, position)])
        both = await calibration(session)
        seen = await blind_positions(session, "Ben")
        rows, _ = await exported(session, JSONL)
    assert seen == {True: list(range(31, 41)), False: list(range(1, 31))}
    assert (both.labels, both.agreement) == (alone.labels, alone.agreement)
    assert both.ceiling is not None
    assert (both.ceiling.rows, both.ceiling.same) == (30, 0)
    said = " ".join(both.sentences)
    assert "When 30 of these rows were labelled again, the verdict could be seen" in said
    first = rows[sample.rows[0] - 1]
    assert (first["evals_label"], first["evals_label_by"]) == (right(sample, 1), "Ana")


async def test_a_row_that_one_skipped_counts_as_skipped_when_another_labels_it(
    tmp_path: Path,
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        sample = await drawn_sample(session)
        await label(session, "Ana", 1, None)
        for position in range(2, 25):
            await label(session, "Ana", position, right(sample, position))
        await label(session, "Ben", 1, right(sample, 1))
        counted = await labels(session)
        rows, _ = await exported(session, JSONL)
    assert counted is not None
    assert counted.sample is not None
    assert (counted.sample.counted, counted.sample.skipped) == (24, 1)
    assert rows[sample.rows[0] - 1]["evals_label_plan"] == "chosen"


async def test_who_goes_back_to_a_row_corrects_a_label_that_counts(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        await drawn_sample(session)
        for value in ("good", "bad"):
            await label(session, "Ana", 1, value)
        assert await blind_positions(session, "Ana") == {True: [1], False: []}


async def test_rows_that_stay_hidden_near_the_figures_take_two_blind_labels(
    tmp_path: Path,
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        sample = await drawn_sample(session)
        for position in range(1, 26):
            await label(session, "Ana", position, right(sample, position))
        await label(session, "Ben", 25, right(sample, 25))
        await label(session, "Ben", 1, right(sample, 1))
        assert await blind_positions(session, "Ben") == {True: [25], False: [1]}
