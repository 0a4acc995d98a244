"""Labels and verdicts for tests of what they say."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from evals_mcp.results.calibration.calibration import calibration_of
from evals_mcp.results.calibration.counted import count_labels
from evals_mcp.results.calibration.judged import JudgedRows
from evals_mcp.results.calibration.labels import Labels, LabelSample, LabelValue, Plan, RowLabel
from evals_mcp.results.types.marking import CHOICES, LABELS, SCORES, Marking
from evals_schemas.tools.summaries import Calibration

PASSES = {"labels": ["good", "bad"], "pass_labels": ["good"]}
SCALE = {"min_score": 1, "max_score": 5, "pass_threshold": 4}
KINDS: Mapping[str, tuple[Marking, Mapping[str, Any]]] = {
    "passes": (LABELS, PASSES),
    "labels": (LABELS, {"labels": ["good", "bad", "mixed"]}),
    "scores": (SCORES, SCALE),
    "choices": (CHOICES, {}),
}

Table = Mapping[Any, int]
"""Labelled rows by verdict and label."""

FAIR: Table = {("good", "good"): 43, ("bad", "good"): 4, ("good", "bad"): 5, ("bad", "bad"): 8}
"""60 labelled rows."""


def labels_of(table: Table, plan: Plan = "random", **fields: Any) -> Labels:
    """Return labels for the first rows, in a random order of their cells."""
    pairs = _pairs(table)
    given = [
        RowLabel(
            row=row,
            value=label,
            labeller="Ana",
            kind=fields.get("kind", "human"),
            source="page",
            blind=fields.get("blind", True),
            position=row,
            seconds=20.0,
        )
        for row, (_, label) in enumerate(pairs, 1)
    ]
    skipped = fields.get("skipped", 0)
    sample = LabelSample(plan, 7, 500, len(given) + skipped, skipped)
    return Labels(
        given,
        fields.get("sample", sample),
        fields.get("of_other_answers", 0),
        fields.get("column"),
        fields.get("origin_unknown", False),
    )


def calibrated(
    table: Table, every: Mapping[LabelValue, int], of: str = "passes", **fields: Any
) -> Calibration:
    """Return the calibration of so many rows by verdict, with labels for some of them."""
    marking, parameters = KINDS[of]
    rows = JudgedRows(every, marking, parameters)
    labels = fields.pop("labels", None) or labels_of(table, fields.pop("plan", "random"), **fields)
    verdicts = {row: verdict for row, (verdict, _) in enumerate(_pairs(table), 1)}
    counted = count_labels(labels, verdicts, rows.total, fields.get("refusal"))
    return calibration_of(rows, labels, counted)


def _pairs(table: Table) -> list[tuple[LabelValue, LabelValue]]:
    pairs = [pair for pair, number in table.items() for _ in range(number)]
    random.Random(1).shuffle(pairs)
    return pairs
