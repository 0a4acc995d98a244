"""The way of `evals-mcp gate`: a run whose verdicts are compared with those of a baseline."""

from __future__ import annotations

import tempfile
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evals_mcp.errors import InvalidRequestError
from evals_mcp.gate.decision import decide
from evals_mcp.repository_runs.gates.baseline import Baseline, check_same_judging, read_baseline
from evals_mcp.repository_runs.gates.demands import (
    Demand,
    check_columns,
    demands_of,
    pinned_rows,
    rules_of,
)
from evals_mcp.repository_runs.gates.joining import JoinedMetric, Joining, Source
from evals_mcp.repository_runs.gates.pairs import PairedRows, measured_metric, paired_rows
from evals_mcp.repository_runs.gates.pinned import PinnedJudging
from evals_mcp.repository_runs.gates.taken_over import Candidate, TakenOver, none_of, take_over
from evals_mcp.repository_runs.judging import Batch, Planned
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.outputs import files_of
from evals_mcp.repository_runs.rows import Cells, RowKeys, digest_of
from evals_mcp.repository_runs.run import Run
from evals_mcp.results.number_text import counted
from evals_schemas.repository.results import (
    CacheUse,
    GateReport,
    MetricResult,
    RunResults,
)

_ALL_ROWS = "all rows are judged again, as `--again` asks"


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
        run, metrics = self.run, self.run.metrics()
        data = await self.run.data(scratch)
        demands = demands_of(run.file, metrics, len(data))
        rules = rules_of(run.file)
        check_columns(rules, data)
        pinned = pinned_rows(rules, data)
        baseline = await read_baseline(self.baseline_text, metrics, run.session, scratch)
        keys = _keys(run.keys(), baseline)
        for metric in metrics:
            check_same_judging(metric, baseline.metrics[metric.name])
        _check_same_rows(data, baseline, metrics, keys)
        taken = {each.name: self._taken_over(each, baseline, data, keys) for each in metrics}
        for batch in self._batches(metrics, taken, data):
            self.plans.append(await run.judging.plan(batch))
        self._say(demands, taken, len(data))
        run.judging.check_consent(self.plans)
        if run.options.dry_run:
            run.progress.say("Dry run: nothing was started.")
            return None
        return await self._judged(demands, taken, _Rows(data, pinned, baseline, keys), scratch)

    async def _judged(
        self, demands: Sequence[Demand], taken: dict[str, TakenOver], rows: _Rows, scratch: Path
    ) -> RunResults:
        run = self.run
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
            source = rows.source_of(demand.metric, taken[name])
            each = await joining.joined(demand.metric, source, jobs.get(name), files)
            joined.append(each)
            lines.append(each.line)
        results = run.whole(self.plans, lines)
        if results.error is not None:
            return results
        return await self._decided(results, demands, joined, rows, scratch)

    async def _decided(
        self,
        results: RunResults,
        demands: Sequence[Demand],
        joined: Sequence[JoinedMetric],
        rows: _Rows,
        scratch: Path,
    ) -> RunResults:
        rules = rules_of(self.run.file)
        pairs: list[PairedRows] = []
        for demand, each in zip(demands, joined, strict=True):
            source = rows.baseline.metrics[demand.metric.name]
            pairs.append(paired_rows(demand.metric, source, each.rows, rows.keys))
        pinned = None
        if rows.pinned:
            judging = PinnedJudging(self.run, self.plans, scratch)
            pinned = await judging.failed(demands, pairs, rows.pinned)
        measured = [
            measured_metric(demand, pair, rules.cluster_column)
            for demand, pair in zip(demands, pairs, strict=True)
        ]
        report = decide(measured, rules, pinned)
        report = self._with_origin(report, joined, rows)
        outcome = report.outcome
        return results.model_copy(
            update={
                "gate": report,
                "outcome": outcome,
                "exit_code": report.exit_code,
                "error": report.sentence if outcome == "could_not_run" else None,
            }
        )

    def _with_origin(
        self, report: GateReport, joined: Sequence[JoinedMetric], rows: _Rows
    ) -> GateReport:
        """Return the report with the baseline and the verdicts that were taken over."""
        hits = sum(each.line.verdicts.taken_over for each in joined)
        misses = sum(each.line.verdicts.judged for each in joined)
        dates = [
            row.judged_at
            for each in joined
            for row in each.rows
            if row.taken_over and row.judged_at
        ]
        reasons = [each.reason for each in joined if each.reason]
        cache = CacheUse(
            hits=hits,
            misses=misses,
            oldest=min(dates, default=None),
            reason=None if hits else next(iter(reasons), "no row is as it was"),
        )
        return report.model_copy(update={"cache": cache, "baseline": rows.baseline.label})

    def _taken_over(
        self, metric: Metric, baseline: Baseline, data: Sequence[Cells], keys: RowKeys
    ) -> TakenOver:
        if self.run.options.again:
            return none_of(data, _ALL_ROWS)
        candidate = Candidate(data, keys, self.run.file.content.candidate_version)
        return take_over(metric, baseline, candidate, self.run.session.clock.now())

    def _batches(
        self, metrics: Sequence[Metric], taken: dict[str, TakenOver], data: Sequence[Cells]
    ) -> list[Batch]:
        """Return the creates that judge what is not taken over."""
        missing = {metric.name: taken[metric.name].missing for metric in metrics}
        if all(len(rows) == len(data) for rows in missing.values()):
            return [self.run.whole_batch(metrics)]
        return [
            Batch(
                {metric.name: metric.arguments},
                metric.arguments.model_dump(exclude_unset=True, exclude_none=True),
                [data[index] for index in missing[metric.name]],
            )
            for metric in metrics
            if missing[metric.name]
        ]

    def _say(self, demands: Sequence[Demand], taken: dict[str, TakenOver], rows: int) -> None:
        certainty = rules_of(self.run.file).certainty
        for demand in demands:
            self.run.progress.say(demand.sentence(rows, certainty))
            verdicts = taken[demand.metric.name]
            hits = rows - len(verdicts.missing)
            reason = f" ({verdicts.reason})" if verdicts.reason else ""
            self.run.progress.say(
                f"Verdicts taken from the baseline: {hits:,} of {counted(rows, 'row')}{reason}."
            )
        for planned in self.plans:
            self.run.warnings += planned.plan.warnings
            self.run.judging.say_warnings(planned)
        if self.plans:
            self.run.say_plan(self.plans)


@dataclass(frozen=True)
class _Rows:
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


def _keys(keys: RowKeys, baseline: Baseline) -> RowKeys:
    """Return how rows are recognised in both: the answers of neither say which row it is."""
    judged = {name for each in baseline.metrics.values() for name in each.answer_columns}
    return replace(keys, answers=sorted({*keys.answers, *judged}))


def _check_same_rows(
    data: Sequence[Cells], baseline: Baseline, metrics: Sequence[Metric], keys: RowKeys
) -> None:
    """Refuse a baseline of other rows.

    Raises:
        InvalidRequestError: the rows, without their answers, are not the same.
    """
    expected = digest_of(map(keys.row, data))
    for metric in metrics:
        rows = baseline.metrics[metric.name].rows
        if digest_of(keys.row(row.cells) for row in rows) == expected:
            continue
        waiting: dict[bytes, deque[None]] = defaultdict(deque)
        for row in rows:
            waiting[keys.row(row.cells)].append(None)
        new = 0
        for cells in data:
            same = waiting.get(keys.row(cells))
            if same:
                same.popleft()
            else:
                new += 1
        gone = sum(map(len, waiting.values()))
        raise InvalidRequestError(
            f"The baseline has other rows: {counted(new, 'row')} of the data "
            f"{'is' if new == 1 else 'are'} not in it, and {gone} of its own "
            f"{'is' if gone == 1 else 'are'} not in the data. Answers may differ, everything else "
            "of a row may not, unless `gate.key` names the columns that identify it. Make a new "
            "baseline with `evals-mcp run` on the branch to compare with."
        )
