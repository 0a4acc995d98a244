"""The way of a gate that stops: a part is judged, all rows so far are looked at, and again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from evals_mcp.errors import InvalidRequestError
from evals_mcp.gate import words
from evals_mcp.gate.decision import MOST_FAILED, Look, decide
from evals_mcp.gate.stop_rules import StopRules
from evals_mcp.repository_runs.consent import NOT_STARTED
from evals_mcp.repository_runs.gates.demands import rules_of
from evals_mcp.repository_runs.gates.pairs import (
    PairedRows,
    baseline_rows,
    measured_metric,
    paired_rows,
)
from evals_mcp.repository_runs.gates.pinned import KEPT, PinnedJudging
from evals_mcp.repository_runs.gates.preparation import BASELINE_JUDGED, PreparedGate, prepared
from evals_mcp.repository_runs.gates.reports import with_decision, with_drift
from evals_mcp.repository_runs.gates.stopping.judged_parts import JudgedParts, batches_of, total
from evals_mcp.repository_runs.gates.stopping.parts import GateOrder, GatePart, gate_order
from evals_mcp.repository_runs.gates.stopping.written_rows import WrittenRows
from evals_mcp.repository_runs.judging import Planned, total_cost
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import RunRow
from evals_mcp.repository_runs.run import Run
from evals_mcp.repository_runs.slices.parts import seed_of
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import JUDGED
from evals_mcp.spending.dollars import usd
from evals_schemas.digests import dataset_digest
from evals_schemas.repository.results import GateReport, GateStopping, PinnedRows, RunResults

Ended = Literal["decided", "all_rows", "max_rows", "max_usd", "no_verdicts"]


@dataclass
class _Course:
    """What was looked at so far."""

    looks: list[int] = field(default_factory=list[int])
    report: GateReport | None = None
    ended: Ended = "all_rows"
    pinned: PinnedRows | None = None


@dataclass
class StoppingGate:
    """One run of a file whose gate stops when it is decided."""

    run: Run
    baseline_text: str
    """The option that names the baseline."""

    async def results(self) -> RunResults | None:
        """Judge part after part, decide, and return the results; None after a dry run.

        Raises:
            EvalsMCPError: it cannot run, or a part lacks rows.
        """
        with tempfile.TemporaryDirectory(prefix="evals-mcp-parts-") as folder:
            scratch = Path(folder)
            run, ready = self.run, await prepared(self.run, self.baseline_text, scratch)
            parts = _Parts(run, ready, scratch)
            worst = await parts.worst_case(NOT_STARTED)
            if run.options.dry_run:
                run.progress.say("Dry run: nothing was started.")
                return None
            most_usd = run.file.stop_rules.max_usd if run.file.stop_rules else None
            checked = await ready.checked(run, worst, most_usd)
            if checked is not ready:
                parts = _Parts(run, checked, scratch)
                await parts.worst_case(BASELINE_JUDGED)
            return await parts.results()


@dataclass
class _Parts:
    """The parts of a gate, and what was judged of them."""

    run: Run
    ready: PreparedGate
    scratch: Path

    def __post_init__(self) -> None:
        """Draw the order of the rows, which follows from them."""
        self.demands, self.rows = self.ready.demands, self.ready.rows
        taken = self.ready.taken
        assert self.run.file.stop_rules is not None, "the caller has checked it"
        self._rules: StopRules = self.run.file.stop_rules
        self._metrics: list[Metric] = [demand.metric for demand in self.demands]
        self._missing = {name: set(each.missing) for name, each in taken.items()}
        data = self.rows.data
        self._order: GateOrder = gate_order(
            seed_of(dataset_digest(data)),
            len(data),
            set[int]().union(*self._missing.values()),
            self._rules,
            self.rows.pinned,
        )
        self._verdicts: dict[str, dict[int, RunRow]] = {
            name: {index: row for index, row in enumerate(each.rows) if row is not None}
            for name, each in taken.items()
        }
        self._baseline = {
            name: baseline_rows(self.rows.baseline.metrics[name], data, self.rows.keys)
            for name in taken
        }
        metrics = {metric.name: metric for metric in self._metrics}
        keys, seed = self.rows.keys, self._order.seed
        self._judged = JudgedParts(self.run, metrics, keys, seed, self.scratch)

    async def worst_case(self, so_far: str) -> list[Planned]:
        """Plan all parts, and check that the file consents to them and to the anchors.

        Args:
            so_far: a sentence that says what was started before.

        Raises:
            EvalsMCPError: rows cannot be used, or the file does not consent.
        """
        worst = await self._plans(self._order.to_judge)
        self._say(worst)
        self.run.judging.check_consent(
            worst, self._rules.max_usd, besides=self.ready.anchors.plans, so_far=so_far
        )
        return worst

    async def results(self) -> RunResults:
        """Judge part after part, decide, and return the results."""
        course = _Course()
        for part in self._order.parts:
            if not await self._judge(part, course):
                course.ended = "max_usd"
                break
            if self._is_ended(part, course):
                break
        return await self._results(course)

    async def _judge(self, part: GatePart, course: _Course) -> bool:
        """Judge the rows of a part; return whether what is left of the dollars allows it."""
        plans = await self._plans(part.to_judge)
        if self._is_too_dear(part, plans):
            return False
        for planned in plans:
            rows = await self._judged.judged(part.number, planned)
            for name, judged in rows.items():
                indexes = self._to_judge(name, part.to_judge)
                self._verdicts[name].update(zip(indexes, judged, strict=True))
        if part.number == 1 and self.rows.pinned:
            course.pinned = await self._pinned(plans)
        return True

    def _is_ended(self, part: GatePart, course: _Course) -> bool:
        """Look at all rows so far; return whether the gate ends here."""
        is_last = part is self._order.parts[-1]
        look: Look = "last" if is_last else "early"
        if len(self._order.parts) == 1:
            look = "only"
        report = self._report(part.end, look, course.pinned)
        course.looks.append(part.end)
        course.report = report
        if is_last:
            at_the_limit = part.end < len(self.rows.data)
            course.ended = "max_rows" if at_the_limit else "all_rows"
        elif report.outcome in {"passed", "regressed"}:
            course.ended = "decided"
        elif self._has_too_many_failures(part.end):
            course.report = self._report(part.end, "last", course.pinned)
            course.ended = "no_verdicts"
        else:
            self.run.progress.say(f"After {counted(part.end, 'row')}: not decided.")
            return False
        return True

    def _report(self, end: int, look: Look, pinned: PinnedRows | None) -> GateReport:
        measured = [
            measured_metric(demand, self._pairs(demand.metric, end, look), None)
            for demand in self.demands
        ]
        return decide(measured, rules_of(self.run.file), pinned, look)

    def _pairs(self, metric: Metric, end: int, look: Look) -> PairedRows:
        """Return the first rows of the order; only all of them may all have the same answers."""
        verdicts, baseline = self._verdicts[metric.name], self._baseline[metric.name]
        pairs = [(baseline[row], verdicts[row]) for row in self._order.rows[:end]]
        source, keys = self.rows.baseline.metrics[metric.name], self.rows.keys
        paired = paired_rows(metric, source, pairs, keys)
        is_whole = end == len(self.rows.data)
        return paired if is_whole and look != "early" else replace(paired, same_answers=False)

    def _has_too_many_failures(self, end: int) -> bool:
        """Return whether nothing can be decided, whatever the other rows bring."""
        most = MOST_FAILED * len(self._order.rows)
        return any(
            sum(self._verdicts[name][row].verdict.state != JUDGED for row in self._order.rows[:end])
            > most
            for name in self._verdicts
        )

    async def _pinned(self, plans: Sequence[Planned]) -> PinnedRows:
        """Return the pinned rows that failed three times; all were judged in the first part."""
        pinned = list(self.rows.pinned)
        pairs = [
            PairedRows(
                metric,
                [
                    (self._baseline[metric.name][row], self._verdicts[metric.name][row])
                    for row in pinned
                ],
                same_answers=False,
            )
            for metric in self._metrics
        ]
        judging = PinnedJudging(self.run, [*self.ready.anchors.plans, *plans], self.scratch)
        report = await judging.failed(self.demands, pairs, range(len(pinned)))
        failed = [pinned[number - 1] + 1 for number in report.failed]
        return report.model_copy(update={"failed": failed})

    async def _plans(self, rows: Sequence[int]) -> list[Planned]:
        missing = {metric.name: self._to_judge(metric.name, rows) for metric in self._metrics}
        batches = batches_of(self.run, self._metrics, missing, self.rows.data)
        return [await self.run.judging.plan(batch) for batch in batches]

    def _to_judge(self, metric: str, rows: Sequence[int]) -> list[int]:
        return [row for row in rows if row in self._missing[metric]]

    def _is_too_dear(self, part: GatePart, plans: Sequence[Planned]) -> bool:
        """Return whether a part may cost more than is left of `stop_when.max_usd`.

        Raises:
            InvalidRequestError: what it costs is unknown, or already the first part is too dear.
        """
        limit = self._rules.max_usd
        if limit is None or all(planned.plan.calls == 0 for planned in plans):
            return False
        spent, cost = total([self._judged.spent_usd, *self.run.costs_again]), total_cost(plans)
        if spent is None or cost is None:
            raise InvalidRequestError(
                "`stop_when`: max_usd cannot be counted, because a price is unknown: leave it out."
            )
        if spent + cost.high <= limit:
            return False
        if part.number == 1:
            so_far = KEPT if self.run.costs_again else NOT_STARTED
            raise InvalidRequestError(
                f"`stop_when`: max_usd is {usd(limit)}, and the first part alone may cost "
                f"{usd(cost.high)}: raise it, or begin with fewer rows by `sample`. {so_far}"
            )
        return True

    def _say(self, worst: Sequence[Planned]) -> None:
        run = self.run
        for planned in worst:
            run.warnings += [text for text in planned.plan.warnings if text not in run.warnings]
            run.judging.say_warnings(planned)
        if not worst:
            return
        run.say_plan(worst)
        sizes = [len(part.to_judge) for part in self._order.parts]
        if len(sizes) == 1:
            run.progress.say(f"The gate looks once: {counted(sizes[0], 'row')} to judge.")
            return
        run.progress.say(
            f"The gate stops when it is decided: {', '.join(f'{size:,}' for size in sizes)} rows "
            "are judged in random order, the next only while nothing is decided. The plan above is "
            "the worst case."
        )

    async def _results(self, course: _Course) -> RunResults:
        report = course.report
        assert report is not None, "the first part was looked at"
        self.run.folder.clear()
        stopping = self._stopping(course)
        writing = WrittenRows(self.run, self.rows, self._judged)
        is_whole = len(self._order.parts) == 1 and course.looks == [stopping.of_rows]
        joined = [
            await writing.joined(
                metric, self._verdicts[metric.name], self._seen(metric, course), is_whole=is_whole
            )
            for metric in self._metrics
        ]
        results = self.run.whole(self._judged.started, [each.line for each in joined])
        if results.error is not None:
            return results
        if not is_whole:
            sentence = f"{report.sentence} {words.stopped(stopping)}"
            report = report.model_copy(update={"sentence": sentence, "stopping": stopping})
        decided = with_decision(results, report, joined, self.rows.baseline.label)
        return with_drift(decided, self.ready.anchors.checks)

    def _seen(self, metric: Metric, course: _Course) -> list[int]:
        """Return the indexes of the rows to write, in the order of the data."""
        compared = self._order.rows[: course.looks[-1]]
        judged = self._verdicts[metric.name].keys() & self._missing[metric.name]
        return sorted(judged.union(compared))

    def _stopping(self, course: _Course) -> GateStopping:
        judged = {row for name in self._missing for row in self._judged_rows(name)}
        missing = set[int]().union(*self._missing.values())
        not_judged = len(missing - judged)
        spent = self._judged.spent_usd
        not_spent = spent * not_judged / len(judged) if spent and judged else None
        return GateStopping(
            ended=course.ended,
            rows=course.looks[-1],
            of_rows=len(self.rows.data),
            rows_not_judged=not_judged,
            looks=course.looks,
            order_seed=self._order.seed,
            not_spent_usd=float(f"{not_spent:.2g}") if not_spent and not_judged else None,
        )

    def _judged_rows(self, metric: str) -> set[int]:
        return self._verdicts[metric].keys() & self._missing[metric]
