"""Evaluations with labels for tests: rows, samples, and what labellers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals_mcp.labels.sample import LabelSample, SamplePlan, SampleRequest, new_sample
from evals_mcp.labels.stored_label import StoredLabel
from evals_mcp.marks.subjects import subjects_of
from evals_mcp.results.calibration.labels import Labels, LabelValue
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.labels import labels_of_evaluation

ROWS = [
    {
        "question": f"How much is {n}?",
        "gold": "good" if n % 2 else "bad",
        "answer": f"It is {n}.",
        "label": "good" if n % 3 else "bad",
        "feedback": f"Reason {n}",
    }
    for n in range(90)
]
"""Two of three pass by the judge; a person passes every second one."""


async def drawn_sample(
    session: ToolSession, evaluation_id: str = "eval-1", plan: SamplePlan = "random"
) -> LabelSample:
    """Draw and store the sample of an evaluation."""
    job = await session.evaluation(evaluation_id)
    subjects, store = subjects_of(job), session.labels
    name = item_of(session.provider, evaluation_id).record
    request = SampleRequest(store.principal_id, name, "data", plan, store.now())
    async with session.result_rows(job) as index:
        sample = new_sample(index, subjects, request)
    return await store.first_sample(subjects.verdicts, sample)


async def say(
    session: ToolSession,
    sample: LabelSample,
    position: int,
    value: LabelValue | None,
    labeller: str = "Ana",
) -> None:
    """Store what a labeller says of one row of a sample of eval-1; None skips it."""
    job = await session.evaluation("eval-1")
    subjects, row = subjects_of(job), sample.rows[position - 1]
    async with session.result_rows(job) as index:
        (entry,) = index.by_number([row])
        subject = subjects.of(index.read(entry))
    label = StoredLabel(
        value=value,
        labeller=labeller,
        source="page",
        at=session.labels.now(),
        seconds=4.0,
        evaluation=sample.evaluation,
        row=row,
        question=subjects.question,
        sample=sample.id,
        position=position,
    )
    await session.labels.add(subject, label)


async def labels(session: ToolSession, evaluation_id: str = "eval-1") -> Labels | None:
    """Return the labels of an evaluation that count."""
    job = await session.evaluation(evaluation_id)
    async with session.result_rows(job) as index:
        return await labels_of_evaluation(session, job, index)


def positions(counted: Labels | None) -> list[int | None]:
    """Return the rank of each label in the order of the sample."""
    assert counted is not None
    return sorted((label.position for label in counted.labels), key=lambda rank: rank or 0)


def gold(row: int) -> str:
    """Return what a person says of a row."""
    return str(ROWS[row - 1]["gold"])


def changed(rows: Sequence[dict[str, Any]], *numbers: int) -> list[dict[str, Any]]:
    """Return the rows with other answers to some of them."""
    return [
        {**row, "answer": "Another one."} if number in numbers else row
        for number, row in enumerate(rows, 1)
    ]
