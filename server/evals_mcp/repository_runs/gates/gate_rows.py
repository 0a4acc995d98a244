"""The rows of a gate, and those that it compares them with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.repository_runs.gates.baseline import Baseline
from evals_mcp.repository_runs.gates.joining import Source
from evals_mcp.repository_runs.gates.taken_over import TakenOver
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import Cells, RowKeys


@dataclass(frozen=True)
class GateRows:
    """The rows of a gate."""

    data: Sequence[Cells]
    pinned: Sequence[int]
    """Indexes of the pinned rows."""
    baseline: Baseline
    keys: RowKeys

    def source_of(self, metric: Metric, taken: TakenOver) -> Source:
        """Return where the verdicts of a metric come from."""
        baseline = self.baseline.metrics[metric.name]
        return Source(self.data, taken, baseline, self.baseline.label, self.keys)
