"""What a gate knows before it spends anything: its demands, its baseline, and what is free."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals_mcp.errors import InvalidRequestError
from evals_mcp.repository_runs.gates.anchors import Anchors
from evals_mcp.repository_runs.gates.baseline import Baseline, check_same_judging, read_baseline
from evals_mcp.repository_runs.gates.demands import (
    Demand,
    check_arguments,
    check_columns,
    demands_of,
    pinned_rows,
    rules_of,
)
from evals_mcp.repository_runs.gates.gate_rows import GateRows
from evals_mcp.repository_runs.gates.taken_over import Candidate, TakenOver, none_of, take_over
from evals_mcp.repository_runs.judging import Planned
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import Cells, RowKeys, digest_of
from evals_mcp.repository_runs.run import Run
from evals_mcp.results.number_text import counted

_ALL_ROWS = "all rows are judged again, as `--again` asks"

BASELINE_JUDGED = "The baseline was judged anew, and nothing else was started."


@dataclass(frozen=True)
class PreparedGate:
    """A gate that may be planned."""

    demands: Sequence[Demand]
    """For each metric."""
    taken: Mapping[str, TakenOver]
    """By metric, the verdicts that need no call."""
    rows: GateRows
    anchors: Anchors
    """What is judged again to see whether the judge has moved."""

    async def checked(
        self, run: Run, gate: Sequence[Planned], most_usd: float | None = None
    ) -> PreparedGate:
        """Return this gate after its anchors; a new one if its baseline was judged anew.

        Args:
            run: the run.
            gate: the plans of the gate, to which the file has consented.
            most_usd: US dollars beyond which the gate starts nothing more; None without a limit.

        Raises:
            EvalsMCPError: rows cannot be judged again, or the file does not consent to it.
        """
        baseline, rows = self.rows.baseline, self.rows
        checked = await self.anchors.checked(baseline, gate, most_usd)
        if checked is baseline:
            return self
        taken = {
            each.metric.name: _taken_over(run, each.metric, checked, rows.data, rows.keys)
            for each in self.demands
        }
        return replace(self, taken=taken, rows=replace(rows, baseline=checked))


async def prepared(run: Run, baseline_text: str, scratch: Path) -> PreparedGate:
    """Read the data and the baseline of a gate, check both, and say what is demanded and free.

    Args:
        run: the run.
        baseline_text: the option that names the baseline.
        scratch: a folder for result files.

    Raises:
        EvalsMCPError: the gate could not run, or never pass.
    """
    check_arguments(run.file)
    metrics, rules = run.metrics(), rules_of(run.file)
    data = await run.data(scratch)
    demands = demands_of(run.file, metrics, len(data), stops_early=run.stops_early)
    check_columns(rules, data)
    pinned = pinned_rows(rules, data)
    baseline = await read_baseline(baseline_text, metrics, run.session, scratch)
    keys = _keys(run.keys(), baseline)
    for metric in metrics:
        check_same_judging(metric, baseline.metrics[metric.name])
    _check_same_rows(data, baseline, metrics, keys)
    taken = {each.name: _taken_over(run, each, baseline, data, keys) for each in metrics}
    _say(run, demands, taken, len(data))
    anchors = Anchors(run, scratch)
    await anchors.plan(demands, baseline, taken)
    return PreparedGate(demands, taken, GateRows(data, pinned, baseline, keys), anchors)


def _say(run: Run, demands: Sequence[Demand], taken: Mapping[str, TakenOver], rows: int) -> None:
    certainty = rules_of(run.file).certainty
    for demand in demands:
        run.progress.say(demand.sentence(rows, certainty))
        verdicts = taken[demand.metric.name]
        hits = rows - len(verdicts.missing)
        reason = f" ({verdicts.reason})" if verdicts.reason else ""
        run.progress.say(
            f"Verdicts taken from the baseline: {hits:,} of {counted(rows, 'row')}{reason}."
        )


def _taken_over(
    run: Run, metric: Metric, baseline: Baseline, data: Sequence[Cells], keys: RowKeys
) -> TakenOver:
    if run.options.again:
        return none_of(data, _ALL_ROWS)
    candidate = Candidate(data, keys, run.file.content.candidate_version)
    return take_over(metric, baseline, candidate, run.session.clock.now())


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
