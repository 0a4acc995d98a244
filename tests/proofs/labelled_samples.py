"""How often the interval that 60 labels give for 300 rows of a lenient judge holds the truth.

python -m tests.proofs.labelled_samples [people]

Each person has another sample, drawn, stored, labelled and counted by the code of the product:
the seed follows from the principal. The figures are those of `get_evaluation`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import anyio

from evals_mcp.labels.labelling import LABELLER, Said
from evals_mcp.labels.store import LabelStore
from evals_mcp.state.records import State
from evals_mcp.tools.calls.session import Clock, ToolSession
from evals_mcp.tools.get_evaluation import get_evaluation
from evals_mcp.tools.labelling.label_rows import opened_labelling
from evals_schemas.tools.inputs import GetEvaluationInput
from tests.journeys import labelled
from tests.server.fake_provider import jsonl
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider

PEOPLE = 200
LEAST = 0.92
"""The share of intervals that hold the truth, at least."""


@dataclass(frozen=True)
class Held:
    """The corrected rates of some people, each with another sample of the same rows."""

    figures: Sequence[Sequence[float]]
    """The rate and the ends of its interval, in percent."""
    judge_alone: float
    """Percent that the judge passes."""

    @property
    def holding(self) -> int:
        """The intervals that hold the truth."""
        return sum(low <= labelled.TRUTH <= high for _, low, high in self.figures)

    def text(self) -> str:
        """Return the figures as a line."""
        rates, widths = zip(
            *((value, high - low) for value, low, high in self.figures), strict=True
        )
        return (
            f"{self.holding} of {len(self.figures)} intervals hold the truth, "
            f"{labelled.TRUTH:.0f} % ({100 * self.holding / len(self.figures):.1f} %; at least "
            f"{100 * LEAST:.0f} %). Mean corrected rate {fmean(rates):.1f} %, mean width "
            f"{fmean(widths):.1f} points; the judge alone says {self.judge_alone:.0f} %."
        )


async def held(people: int, folder: Path) -> Held:
    """Let people label samples of the same rows, and return what each is told."""
    rows = [
        {
            **row,
            "label": "right" if labelled.judge_passes(number) else "wrong",
        }
        for number, row in enumerate(labelled.rows())
    ]
    evaluation = job(
        parameters={
            **labelled.PASSES,
            "model_to_evaluate": "answer",
            "judge": {"model": "m", "system_template": "Is it right?"},
        }
    )
    figures = list[Sequence[float]]()
    judge_alone = 0.0
    async with session_of(provider(evaluation, file_1=jsonl(*rows)), folder) as opened:
        state = State(folder / "people", 10**9, Clock().now)
        for person in range(people):
            session = replace(opened, labels=LabelStore(state.of(f"person {person}")))
            figure, judge_alone = await _labelled(session)
            figures.append(figure)
    return Held(figures, judge_alone)


async def _labelled(session: ToolSession) -> tuple[Sequence[float], float]:
    async with opened_labelling(session, "eval-1") as labelling:
        sample = await labelling.sample("random")
        for position in range(1, labelled.LABELS + 1):
            number = sample.rows[position - 1] - 1
            value = "right" if labelled.is_right(number) else "wrong"
            await labelling.say(sample, Said(position, value, LABELLER, "page", 3.0))
    answer = await get_evaluation(GetEvaluationInput(evaluation_id="eval-1"), session)
    assert answer.summary is not None
    assert answer.summary.calibration is not None
    (corrected,) = answer.summary.calibration.corrected
    return corrected.figure, corrected.judge_alone


def main() -> int:
    """Print the figures; return 1 if too few intervals hold the truth."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    with TemporaryDirectory() as folder:
        found = anyio.run(held, people, Path(folder))
    print(found.text())
    return 0 if found.holding >= LEAST * people else 1


if __name__ == "__main__":
    sys.exit(main())
