"""Anchors: rows of an older baseline that are judged again before new verdicts meet its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from evals_mcp.errors import InvalidRequestError
from evals_mcp.gate.drift import drift_of
from evals_mcp.gate.pairs import value_of
from evals_mcp.rendering.plan import cost_line
from evals_mcp.repository_runs.gates.baseline import Baseline, BaselineMetric
from evals_mcp.repository_runs.gates.demands import Demand, rules_of
from evals_mcp.repository_runs.gates.judged_again import AGE, JudgingAgain
from evals_mcp.repository_runs.gates.taken_over import TakenOver
from evals_mcp.repository_runs.judging import Planned
from evals_mcp.repository_runs.rows import RunRow, digest_of
from evals_mcp.repository_runs.run import Run
from evals_mcp.repository_runs.slices.parts import seed_of
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import JUDGED
from evals_schemas.digests import row_key
from evals_schemas.repository.results import DriftCheck
from evals_schemas.sequential.seeded_order import seeded_order

FRESH = timedelta(days=1)
"""A baseline whose verdicts are all younger needs no anchors."""

ANCHORS_ALONE = "Only the anchors were judged."


@dataclass(frozen=True)
class _Due:
    """The anchors of one metric."""

    demand: Demand
    source: BaselineMetric
    again: JudgingAgain
    rows: Sequence[RunRow]
    planned: Planned


@dataclass
class Anchors:
    """The anchors of one gate."""

    run: Run
    scratch: Path
    checks: list[DriftCheck] = field(default_factory=list[DriftCheck])
    """What they have shown, by metric."""
    plans: list[Planned] = field(default_factory=list[Planned])
    """What is judged besides the gate, in whose sum the file has to consent."""
    _due: list[_Due] = field(default_factory=list[_Due])

    async def plan(
        self, demands: Sequence[Demand], baseline: Baseline, taken: Mapping[str, TakenOver]
    ) -> None:
        """Plan the anchors of each metric that needs some, and say what they cost.

        Raises:
            EvalsMCPError: rows cannot be judged again.
        """
        for demand in demands:
            name = demand.metric.name
            if self._is_due(demand, baseline, taken[name]):
                await self._plan(demand, baseline.metrics[name])

    async def checked(
        self, baseline: Baseline, gate: Sequence[Planned], most_usd: float | None = None
    ) -> Baseline:
        """Judge the anchors, to whose cost the file has consented; return the baseline.

        Where the judge has moved, the baseline is judged anew.

        Args:
            baseline: with its own verdicts.
            gate: the plans of the gate, to which the file has to consent besides.
            most_usd: US dollars beyond which the gate starts nothing more; None without a limit.

        Raises:
            EvalsMCPError: rows cannot be judged again, or the file does not consent to it.
        """
        moved: list[tuple[_Due, DriftCheck]] = []
        for due in self._due:
            judged = await due.again.judged(due.planned, due.rows)
            name = due.demand.metric.name
            drift = drift_of(name, _values(due.demand, due.rows, judged), _latest(judged))
            self.checks.append(drift)
            if drift.moved:
                moved.append((due, drift))
        plans = [await self._plan_anew(due) for due, _ in moved]
        if moved:
            self._check_consent([drift for _, drift in moved], gate, most_usd)
        metrics = dict(baseline.metrics)
        for (due, drift), planned in zip(moved, plans, strict=True):
            metrics[due.demand.metric.name] = await _judged_anew(due, drift, planned)
        return replace(baseline, metrics=metrics) if moved else baseline

    def _is_due(self, demand: Demand, baseline: Baseline, taken: TakenOver) -> bool:
        """Return whether new verdicts would meet older ones that no anchor vouches for."""
        metric, now = demand.metric, self.run.session.clock.now()
        if metric.is_rule or not taken.missing or not rules_of(self.run.file).anchors:
            return False
        dates = [row.judged_at for row in baseline.metrics[metric.name].rows]
        if all(_is_within(date, now, FRESH) for date in dates):
            return False
        return not _is_within(baseline.checked_at.get(metric.name), now, AGE)

    async def _plan(self, demand: Demand, source: BaselineMetric) -> None:
        run = self.run
        again = JudgingAgain(run, demand.metric, source, self.scratch)
        rows = anchor_rows(source.rows, rules_of(run.file).anchors)
        if not rows:
            return
        planned = await again.plan(rows, "anchors of the baseline")
        self._due.append(_Due(demand, source, again, rows, planned))
        if await again.is_judged(planned, rows):
            run.progress.say(
                f"Anchors: {counted(len(rows), 'row')} of the baseline were judged again in the "
                "last seven days; those verdicts are taken and cost nothing."
            )
            return
        cost = cost_line(planned.plan.calls, planned.plan.cost_usd) or "calls and cost unknown"
        run.progress.say(
            f"Anchors: {counted(len(rows), 'row')} of the baseline are judged again, once a week, "
            f"to see whether the judge has moved: {cost}."
        )
        self.plans.append(planned)

    async def _plan_anew(self, due: _Due) -> Planned:
        planned = await due.again.plan(due.source.rows, "baseline, judged anew")
        if not await due.again.is_judged(planned, due.source.rows):
            self.plans.append(planned)
        return planned

    def _check_consent(
        self, drifts: Sequence[DriftCheck], gate: Sequence[Planned], most_usd: float | None
    ) -> None:
        """Refuse to judge the baseline anew without a consent to that and to the gate."""
        text = " ".join(map(_moved, drifts))
        try:
            self.run.judging.check_consent(gate, most_usd, besides=self.plans, so_far=ANCHORS_ALONE)
        except InvalidRequestError as error:
            raise InvalidRequestError(
                f"{text} The baseline has to be judged anew, and the consent of the file does not "
                f"cover anchors, baseline and gate together. {error} Or make a new baseline with "
                "`evals-mcp run` on the branch to compare with."
            ) from None
        self.run.progress.say(f"{text} The baseline is judged anew.")


async def _judged_anew(due: _Due, drift: DriftCheck, planned: Planned) -> BaselineMetric:
    """Return the baseline of a metric with the verdicts that its rows get now."""
    judged = await due.again.judged(planned, due.source.rows)
    rows = [row for row in judged if row is not None]
    if len(rows) < len(judged):
        missing = len(judged) - len(rows)
        raise InvalidRequestError(
            f"{_moved(drift)} The baseline could not be judged anew: {missing} of "
            f"{counted(len(judged), 'row')} came back without a line."
        )
    return replace(due.source, rows=rows)


def anchor_rows(rows: Sequence[RunRow], number: int) -> list[RunRow]:
    """Return rows with a verdict, drawn by a seed that follows from all rows."""
    with_verdict = [row for row in rows if row.verdict.state == JUDGED]
    digest = digest_of(row_key(row.cells) for row in rows)
    order = seeded_order(seed_of(digest), len(with_verdict)).rows
    return [with_verdict[index] for index in sorted(order[:number])]


def _values(
    demand: Demand, rows: Sequence[RunRow], judged: Sequence[RunRow | None]
) -> list[tuple[float, float]]:
    values: list[tuple[float, float]] = []
    for before, after in zip(rows, judged, strict=True):
        then = value_of(before.verdict, demand.figure)
        now = None if after is None else value_of(after.verdict, demand.figure)
        if then is not None and now is not None:
            values.append((then, now))
    return values


def _latest(rows: Sequence[RunRow | None]) -> str | None:
    return max((row.judged_at for row in rows if row and row.judged_at), default=None)


def _is_within(date: str | None, now: datetime, age: timedelta) -> bool:
    if date is None:
        return False
    try:
        made_at = datetime.fromisoformat(date)
    except ValueError:
        return False
    return made_at.tzinfo is not None and now - made_at <= age


def _moved(drift: DriftCheck) -> str:
    return (
        f"The judge moved: of {drift.anchors} answers of the baseline, it now judges "
        f"{drift.worse} worse and {drift.better} better (exact p = {drift.p or 0:.2g})."
    )
