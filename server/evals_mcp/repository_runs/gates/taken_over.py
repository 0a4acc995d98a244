"""Which verdicts of a baseline a gate takes over instead of judging again.

A verdict is taken over only where nothing that it depends on has changed: the whole row, the judged
answer, judge, rubric, labels, scale and parameters. What is applied to verdicts afterwards (labels
that pass, thresholds, margins) may change. Never taken over: a row without a verdict, pinned rows
that are judged again, anything with `--again`, and a model's verdict of more than `MAX_AGE`,
because no service reports which version of a model has answered.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version as version_of

from evals_mcp.repository_runs.gates.baseline import Baseline, BaselineMetric
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import Cells, RowKeys, RunRow
from evals_mcp.results.rows import JUDGED, OUTPUTS, RESULT_FIELDS

_HIDDEN = RESULT_FIELDS.union(OUTPUTS)
"""Names of columns that a result file does not keep as they were in the data."""

MAX_AGE = timedelta(days=7)
"""The oldest verdict of a model that is taken over."""


@dataclass(frozen=True)
class Candidate:
    """What is to be judged."""

    data: Sequence[Cells]
    """The rows, without generated answers."""
    keys: RowKeys
    """How rows are recognised."""
    version: str | None
    """The `candidate_version` of the file; None without one."""


@dataclass(frozen=True)
class TakenOver:
    """The verdicts of one metric that need no call."""

    rows: Sequence[RunRow | None]
    """For each row of the data, the row to take over; None for one to judge."""
    reason: str | None = None
    """Why none is taken over; None if some are, or if no row is as it was."""

    @property
    def missing(self) -> tuple[int, ...]:
        """The indexes of the rows to judge."""
        return tuple(index for index, row in enumerate(self.rows) if row is None)


def take_over(metric: Metric, baseline: Baseline, candidate: Candidate, now: datetime) -> TakenOver:
    """Return the verdicts of one metric that need no call."""
    data, keys = candidate.data, candidate.keys
    source = baseline.metrics[metric.name]
    reason = _reason_for_none(metric, baseline, source, candidate.version)
    if reason is None and any(_HIDDEN.intersection(cells) for cells in data):
        reason = "a column of the data has the name of a column of results"
    if reason is not None:
        return TakenOver([None] * len(data), reason)
    waiting: dict[bytes, deque[RunRow]] = defaultdict(deque)
    too_old = False
    for row in source.rows:
        if row.verdict.state != JUDGED:
            continue
        if not metric.is_rule and not is_recent(row.judged_at, now):
            too_old = True
            continue
        waiting[content_of(metric, keys, row.cells, source.answer_columns)].append(row)
    rows: list[RunRow | None] = []
    for cells in data:
        same = waiting.get(content_of(metric, keys, cells, metric.answer_columns))
        rows.append(replace(same.popleft(), taken_over=True) if same else None)
    if too_old and not any(rows):
        reason = (
            f"they are more than {MAX_AGE.days} days old, and a judge that has changed since looks "
            "like a change of the answers: make a new baseline"
        )
    return TakenOver(rows, reason)


def none_of(data: Sequence[Cells], reason: str) -> TakenOver:
    """Return that every row is judged, and why."""
    return TakenOver([None] * len(data), reason)


def _reason_for_none(
    metric: Metric, baseline: Baseline, source: BaselineMetric, version: str | None
) -> str | None:
    if baseline.program not in {None, version_of("evals-mcp")}:
        return "another version of evals-mcp has judged them"
    if metric.identity.endpoint != source.identity.endpoint:
        return "the judge is at another address"
    return _other_candidate(metric, baseline, source, version) if metric.generates else None


def _other_candidate(
    metric: Metric, baseline: Baseline, source: BaselineMetric, version: str | None
) -> str | None:
    """Return why the baseline's answers are not those of the candidate; None if they are."""
    if metric.identity.candidate != source.identity.candidate:
        return "the model that writes the answers is another one"
    if version is None:
        return "a model writes the answers anew, as the file names no `candidate_version`"
    if version != baseline.candidate_version:
        return "the answers are of another `candidate_version`"
    return None


def content_of(metric: Metric, keys: RowKeys, cells: Cells, judged: Sequence[str]) -> bytes:
    """Return what a verdict of a metric depends on, by which its rows are found again.

    A generated answer belongs to its row, so it is not part of it.

    Args:
        metric: the metric.
        keys: how rows are recognised.
        cells: the row.
        judged: the columns of the answers that are or were judged, in their order.
    """
    return keys.row(cells) if metric.generates else keys.content(cells, judged)


def is_recent(judged_at: str | None, now: datetime) -> bool:
    """Return whether a verdict of a model is young enough to be taken over."""
    if judged_at is None:
        return False
    try:
        made_at = datetime.fromisoformat(judged_at)
    except ValueError:
        return False
    if made_at.tzinfo is None:
        return False
    return now - MAX_AGE <= made_at <= now + timedelta(days=1)
