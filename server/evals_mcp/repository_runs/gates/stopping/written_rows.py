"""Writes the rows of a gate that stopped: those that were judged or compared, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals_mcp.errors import OperatorError
from evals_mcp.repository_runs.exporting import write_joined_manifest
from evals_mcp.repository_runs.figures import sentence
from evals_mcp.repository_runs.gates.gate_rows import GateRows
from evals_mcp.repository_runs.gates.joining import JoinedMetric
from evals_mcp.repository_runs.gates.pages import write_page
from evals_mcp.repository_runs.gates.stopping.judged_parts import JudgedParts, total
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.outputs import files_of
from evals_mcp.repository_runs.rows import RunRow, digest_of, write_rows
from evals_mcp.repository_runs.run import Run


@dataclass
class WrittenRows:
    """The result files of one gate."""

    run: Run
    rows: GateRows
    judged: JudgedParts
    _names: list[str] = field(default_factory=list[str])

    async def joined(
        self,
        metric: Metric,
        verdicts: Mapping[int, RunRow],
        indexes: Sequence[int],
        *,
        is_whole: bool,
    ) -> JoinedMetric:
        """Write the rows of one metric, and return its results.

        Args:
            metric: the metric.
            verdicts: its rows by their index in the data.
            indexes: of the rows to write.
            is_whole: whether all rows were looked at once, so that usual intervals hold.

        Raises:
            OperatorError: the folder does not take the file.
        """
        run, files = self.run, files_of(metric.name, self._names)
        self._names.append(files.rows or "")
        rows = [verdicts[index] for index in indexes]
        path = run.folder.file(files.rows or "")
        try:
            write_rows(path, rows)
        except OSError as error:
            raise OperatorError(f"{path} cannot be written ({error.strerror or error}).") from None
        source = self.rows.baseline.metrics[metric.name]
        manifest = self.judged.manifests.get(metric.name, source.manifest)
        digest = digest_of(self.rows.keys.row(row.cells) for row in rows)
        write_joined_manifest(path, rows, manifest, self.rows.baseline.label, digest)
        jobs = self.judged.jobs.get(metric.name, [])
        files = await write_page(run, source, jobs, files)
        line = run.line(metric, jobs, rows, files)
        cost = total(self.judged.costs.get(metric.name, []))
        update: dict[str, Any] = {"status": "completed", "cost_usd": cost}
        if line.figure is not None and not is_whole:
            # Where looking has decided when to stop, an interval for a fixed number is wrong.
            figure = line.figure.model_copy(update={"interval": None})
            update["figure"] = figure
            update["headline"] = sentence(figure, line.rows, line.verdicts.failed)
        return JoinedMetric(line.model_copy(update=update), rows, None)
