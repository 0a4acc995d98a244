"""A person labels 60 of 300 rows of a lenient judge, and the corrected interval holds the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from evals_mcp.labels.labelling import LABELLER, Said
from evals_mcp.labels.store import LabelStore
from evals_mcp.state.records import State
from evals_mcp.tools.calls.session import Clock
from evals_mcp.tools.get_evaluation import get_evaluation
from evals_mcp.tools.labelling.label_rows import opened_labelling
from evals_schemas.tools.inputs import GetEvaluationInput
from tests.server.fake_provider import jsonl
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider
from tests.volume import amount

LABELS = 60
TRUTH = 70.0
"""Percent of the 300 answers that the person passes; of the rest the lenient judge passes half."""

_RANDOM = Random(7)
ROWS = [
    {
        "question": f"How much is {n}?",
        "answer": f"It is {n}.",
        "label": "good" if n % 10 < 7 or _RANDOM.random() < 0.5 else "bad",
    }
    for n in range(300)
]


@pytest.mark.usefixtures("lines_not_counted")
async def test_the_corrected_interval_holds_the_truth_for_most_people_who_label(
    tmp_path: Path,
) -> None:
    people, covered, judge = amount(gate=4, proofs=200), 0, list[float]()
    async with session_of(provider(job(), file_1=jsonl(*ROWS)), tmp_path) as opened:
        state = State(tmp_path / "state", 10**9, Clock().now)
        for person in range(people):
            # Each person has another sample: its seed follows from the principal.
            store = LabelStore(state.of(f"person {person}"))
            session = replace(opened, labels=store)
            async with opened_labelling(session, "eval-1") as labelling:
                sample = await labelling.sample("random")
                for position in range(1, LABELS + 1):
                    passes = (sample.rows[position - 1] - 1) % 10 < 7
                    value = "good" if passes else "bad"
                    await labelling.say(sample, Said(position, value, LABELLER, "page", 3.0))
            answer = await get_evaluation(GetEvaluationInput(evaluation_id="eval-1"), session)
            assert answer.summary is not None
            assert answer.summary.calibration is not None
            (corrected,) = answer.summary.calibration.corrected
            _, low, high = corrected.figure
            assert low is not None
            assert high is not None
            covered += low <= TRUTH <= high
            judge.append(corrected.judge_alone)
    assert min(judge) > 80, "the judge alone is far from the truth"
    # Four people may have one whose interval misses.
    assert covered >= (0.92 * people if people >= 200 else people - 1), covered
