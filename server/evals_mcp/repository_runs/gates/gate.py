"""The way of `evals-mcp gate`: a run whose verdicts are compared with those of a baseline."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evals_mcp.gate.decision import decide
from evals_mcp.repository_runs.gates.batches import batches_by_metric
from evals_mcp.repository_runs.gates.demands import rules_of
from evals_mcp.repository_runs.gates.joining import JoinedMetric, Joining
from evals_mcp.repository_runs.gates.pairs import (
    PairedRows,
    baseline_rows,
    measured_metric,
    paired_rows,
)
from evals_mcp.repository_runs.gates.pinned import PinnedJudging
from evals_mcp.repository_runs.gates.preparation import BASELINE_JUDGED, PreparedGate, prepared
from evals_mcp.repository_runs.gates.reports import with_decision, with_drift
from evals_mcp.repository_runs.gates.taken_over import TakenOver
from evals_mcp.repository_runs.judging import Batch, Planned
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.outputs import files_of
from evals_mcp.repository_runs.rows import Cells
from evals_mcp.repository_runs.run import Run
from evals_schemas.repository.results import GateReport, MetricResult, RunResults


@dataclass
class Gate:
    """One run of a file, compared with a baseline."""

    run: Run
    baseline_text: str
    """The option that names the baseline."""
    plans: list[Planned] = field(default_factory=list[Planned])
    """What was planned so far, in whose sum the file has to consent."""

    async def results(self) -> RunResults | None:
        """Run the file, decide, and return the results; None after a dry run.

        Raises:
            EvalsMCPError: it cannot run, or not to its end.
        """
        with tempfile.TemporaryDirectory(prefix="evals-mcp-") as folder:
            return await self._results(Path(folder))

    async def _results(self, scratch: Path) -> RunResults | None:
        run = self.run
        ready = await prepared(run, self.baseline_text, scratch)
        await self._plan(ready)
        run.judging.check_consent([*ready.anchors.plans, *self.plans])
        if run.options.dry_run:
            run.progress.say("Dry run: nothing was started.")
            return None
        checked = await ready.checked(run, self.plans)
        if checked is not ready:
            await self._plan(checked)
            plans = [*ready.anchors.plans, *self.plans]
            run.judging.check_consent(plans, so_far=BASELINE_JUDGED)
        return await self._judged(checked, scratch)

    async def _plan(self, ready: PreparedGate) -> None:
        """Plan what the baseline leaves to judge."""
        run = self.run
        batches = self._batches(run.metrics(), ready.taken, ready.rows.data)
        self.plans = [await run.judging.plan(batch) for batch in batches]
        self._say()

    async def _judged(self, ready: PreparedGate, scratch: Path) -> RunResults:
        run, demands, rows = self.run, ready.demands, ready.rows
        for planned in self.plans:
            await run.judging.judge(planned)
        jobs = {name: job for planned in self.plans for name, job in planned.jobs.items()}
        run.folder.clear()
        joining = Joining(run, scratch)
        joined: list[JoinedMetric] = []
        lines: list[MetricResult] = []
        for demand in demands:
            name = demand.metric.name
            files = files_of(name, [line.files.rows or "" for line in lines])
            source = rows.source_of(demand.metric, ready.taken[name])
            each = await joining.joined(demand.metric, source, jobs.get(name), files)
            joined.append(each)
            lines.append(each.line)
        results = run.whole(self.plans, lines)
        if results.error is not None:
            return results
        report = await self._report(ready, joined, scratch)
        results = run.whole(self.plans, lines)
        decided = with_decision(results, report, joined, rows.baseline.label)
        return with_drift(decided, ready.anchors.checks)

    async def _report(
        self, ready: PreparedGate, joined: Sequence[JoinedMetric], scratch: Path
    ) -> GateReport:
        rules, demands, rows = rules_of(self.run.file), ready.demands, ready.rows
        pairs: list[PairedRows] = []
        for demand, each in zip(demands, joined, strict=True):
            source = rows.baseline.metrics[demand.metric.name]
            before = baseline_rows(source, [row.cells for row in each.rows], rows.keys)
            both = list(zip(before, each.rows, strict=True))
            pairs.append(paired_rows(demand.metric, source, both, rows.keys))
        pinned = None
        if rows.pinned:
            judging = PinnedJudging(self.run, [*ready.anchors.plans, *self.plans], scratch)
            pinned = await judging.failed(demands, pairs, rows.pinned)
        measured = [
            measured_metric(demand, pair, rules.cluster_column)
            for demand, pair in zip(demands, pairs, strict=True)
        ]
        return decide(measured, rules, pinned)

    def _batches(
        self, metrics: Sequence[Metric], taken: Mapping[str, TakenOver], data: Sequence[Cells]
    ) -> list[Batch]:
        """Return the creates that judge what is not taken over."""
        missing = {metric.name: taken[metric.name].missing for metric in metrics}
        if all(len(rows) == len(data) for rows in missing.values()):
            return [self.run.whole_batch(metrics)]
        return batches_by_metric(metrics, missing, data)

    def _say(self) -> None:
        for planned in self.plans:
            known = self.run.warnings
            known += [text for text in planned.plan.warnings if text not in known]
            self.run.judging.say_warnings(planned)
        if self.plans:
            self.run.say_plan(self.plans)
