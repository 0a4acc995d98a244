"""From the ledger to what an evaluation reports: the aggregates and the result file."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals_engine.store import FinishedRow
from evals_schemas.datasets import Row
from evals_schemas.evaluations import AnyParameters, ClassifyParameters, ScoreParameters

FAILURES_TOLD_APART = 1_000
"""Reasons that are counted each for itself; what comes after them is counted together."""

MAX_FAILED_SHARE = 0.30
"""Above this share of rows without a verdict the whole evaluation has failed; the vendor's rule."""

_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass
class Tally:
    """Counts and moments over the finished rows."""

    states: Counter[str] = field(default_factory=Counter[str])
    verdicts: Counter[str] = field(default_factory=Counter[str])
    """Labels or decisions of the rows with a verdict."""
    failures: Counter[str] = field(default_factory=Counter[str])
    """Reasons of the rows without one."""
    passed: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared distances from the mean (Welford 1962)."""
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, state: str, fields: dict[str, Any], parameters: AnyParameters) -> None:
        """Count one row."""
        self.states[state] += 1
        if state != "ok":
            self._add_failure(str(fields.get("evaluation_error"))[:200])
        elif isinstance(parameters, ScoreParameters):
            self._add_score(float(fields["score"]), parameters.pass_threshold)
        elif isinstance(parameters, ClassifyParameters):
            self.verdicts[fields["label"]] += 1
            self.passed += fields["label"] in parameters.pass_labels
        else:
            self.verdicts[fields["final_decision"]] += 1

    def _add_failure(self, reason: str) -> None:
        known = reason in self.failures or len(self.failures) < FAILURES_TOLD_APART
        self.failures[reason if known else "other reasons"] += 1

    def _add_score(self, score: float, threshold: float) -> None:
        self.passed += score >= threshold
        distance = score - self.mean
        self.mean += distance / self.states["ok"]
        self.squares += distance * (score - self.mean)

    @property
    def valid(self) -> int:
        """Rows with a verdict."""
        return self.states["ok"]

    @property
    def failed(self) -> int:
        """Rows without one."""
        return self.states.total() - self.valid

    @property
    def commonest_failure(self) -> str:
        """The reason that most rows without a verdict share."""
        return self.failures.most_common(1)[0][0] if self.failures else ""


def write_result_file(
    path: Path,
    rows: Iterable[Row],
    ledger: Iterator[FinishedRow],
    parameters: AnyParameters,
) -> Tally:
    """Write the judged rows, and count on the way. Both sides are streamed."""
    tally = Tally()
    with path.open("wb") as out:
        for state, row, outcome in judged_rows(rows, ledger):
            tally.input_tokens += outcome.pop("input_tokens", 0)
            tally.output_tokens += outcome.pop("output_tokens", 0)
            tally.add(state, outcome, parameters)
            out.write(_line(row, outcome))
    return tally


def rows_so_far(rows: Iterable[Row], ledger: Iterator[FinishedRow]) -> Iterator[bytes]:
    """The rows that are judged by now, as the result file will have them."""
    for _, row, outcome in judged_rows(rows, ledger):
        shown = {name: value for name, value in outcome.items() if name not in _TOKENS}
        yield _line(row, shown)


_TOKENS = frozenset({"input_tokens", "output_tokens"})


def judged_rows(
    rows: Iterable[Row], ledger: Iterator[FinishedRow]
) -> Iterator[tuple[str, Row, dict[str, Any]]]:
    """State, columns and outcome of each row in the ledger, in the data set's order.

    Rows that the ledger lacks (a cancelled evaluation's, those not judged yet) are left out.
    """
    finished = next(ledger, None)
    for number, row in enumerate(rows):
        if finished is None:
            return
        if finished.row_number == number:
            yield finished.state, row, json.loads(finished.outcome)
            finished = next(ledger, None)


def _line(row: Row, outcome: dict[str, Any]) -> bytes:
    """One line. A column that a verdict's field takes the place of is kept as `input_…`."""
    if not row.keys().isdisjoint(outcome):
        row = {f"input_{name}" if name in outcome else name: row[name] for name in row}
    joined = {**row, **outcome}
    try:
        return _encode(joined).encode() + b"\n"
    except UnicodeEncodeError:
        # A cut emoji in the data set: JSON can escape it, UTF-8 cannot hold it.
        return json.dumps(joined).encode() + b"\n"


def aggregate(tally: Tally, parameters: AnyParameters) -> dict[str, Any]:
    """The `results` of an evaluation, under the vendor's names, without the result file's id.

    Percentages are over the rows with a verdict; absent (null) when there is none.
    """
    counts = {
        "generation_fail_count": tally.states["generation_failed"],
        "judge_fail_count": tally.states["judge_failed"],
    }
    usage = {"input_tokens": tally.input_tokens, "output_tokens": tally.output_tokens}
    if isinstance(parameters, ClassifyParameters):
        own: dict[str, Any] = {
            "label_counts": {label: tally.verdicts[label] for label in parameters.labels},
            "pass_percentage": _percentage(tally.passed, tally.valid),
            "invalid_label_count": tally.states["invalid"],
        }
    elif isinstance(parameters, ScoreParameters):
        own = {
            "aggregated_scores": _scores(tally),
            "failed_samples": tally.failed,
            "invalid_score_count": tally.states["invalid"],
        }
    else:
        own = {
            "num_samples": tally.valid,
            "A_wins": tally.verdicts["A"],
            "B_wins": tally.verdicts["B"],
            "Ties": tally.verdicts["Tie"],
            "invalid_choice_count": tally.states["invalid"],
        }
    return own | counts | {"usage": usage}


def _scores(tally: Tally) -> dict[str, Any] | None:
    if not tally.valid:
        return None
    deviation = math.sqrt(tally.squares / (tally.valid - 1)) if tally.valid > 1 else None
    return {
        "mean_score": tally.mean,
        "std_score": deviation,
        "pass_percentage": _percentage(tally.passed, tally.valid),
    }


def _percentage(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None
