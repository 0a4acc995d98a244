"""A lenient judge of 300 rows, 60 labels, and how often the corrected interval has the truth."""

from __future__ import annotations

import random
from collections import Counter

from evals_mcp.marks.sample import drawn
from evals_mcp.results.calibration.calibration import calibration_of
from evals_mcp.results.calibration.counted import count_labels
from evals_mcp.results.calibration.judged import JudgedRows
from evals_mcp.results.calibration.labels import Labels, LabelSample, LabelValue, RowLabel
from tests.server.results.calibration.examples import KINDS
from tests.volume import amount

SEEDS = amount(gate=30, proofs=200)
ROWS, LABELLED = 300, 60
TRUE_RATE = 0.6


def test_the_corrected_interval_has_the_truth_that_the_judge_alone_misses() -> None:
    covered = alone = 0
    for seed in range(SEEDS):
        numbers = random.Random(SEEDS + seed)  # Another stream than that of the order.
        people: list[LabelValue] = [
            "good" if numbers.random() < TRUE_RATE else "bad" for _ in range(ROWS)
        ]
        judge: list[LabelValue] = [
            "good" if label == "good" or numbers.random() < 0.45 else "bad" for label in people
        ]
        order = drawn(range(1, ROWS + 1), seed, LABELLED)
        labels = [
            RowLabel(row, people[row - 1], "Ana", "human", "page", True, position)
            for position, row in enumerate(order, 1)
        ]
        marking, parameters = KINDS["passes"]
        rows = JudgedRows(Counter(judge), marking, parameters)
        every = Labels(labels, LabelSample("random", seed, ROWS, LABELLED, 0))
        verdicts = dict(enumerate(judge, 1))

        found = calibration_of(rows, every, count_labels(every, verdicts, ROWS))

        figure = found.corrected[0]
        covered += figure.figure[1] <= 100 * TRUE_RATE <= figure.figure[2]
        alone += abs(figure.judge_alone - 100 * TRUE_RATE) < 6

    assert covered >= 0.92 * SEEDS
    assert alone < 0.1 * SEEDS
