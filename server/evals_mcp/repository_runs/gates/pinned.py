"""Judges pinned rows that fail twice more, so that the noise of a judge is not called a failure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals_mcp.repository_runs.exporting import export_rows, has_rows, judged_rows
from evals_mcp.repository_runs.gates.demands import Demand
from evals_mcp.repository_runs.gates.pairs import PairedRows
from evals_mcp.repository_runs.judging import Batch, Judging, Planned
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import RunRow, without_verdict
from evals_mcp.repository_runs.run import Run
from evals_mcp.results.comparisons.joining import SIDES
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import OUTPUTS, input_columns
from evals_schemas.digests import row_key
from evals_schemas.repository.results import PinnedRows
from evals_schemas.tools.inputs import RESPONSE_COLUMNS

TRIES = 2
"""How often a pinned row that fails is judged again; it counts if every verdict is a failure."""

KEPT = "What was judged before is kept: the same command joins it."


@dataclass
class PinnedJudging:
    """The pinned rows of one gate."""

    run: Run
    plans: list[Planned]
    """What the file has to consent to besides; further plans are added."""
    scratch: Path
    _exports: int = 0

    async def failed(
        self,
        demands: Sequence[Demand],
        pairs: Sequence[PairedRows],
        pinned: Sequence[int],
    ) -> PinnedRows:
        """Return the pinned rows that passed in the baseline and failed each time now.

        Args:
            demands: what the gate demands of each metric.
            pairs: the rows of each metric, in the order of the data.
            pinned: the indexes of the pinned rows.

        Raises:
            EvalsMCPError: the rows cannot be judged again, or the file does not consent to it.
        """
        failed: set[int] = set()
        judged_again = 0
        for demand, paired in zip(demands, pairs, strict=True):
            if demand.figure != "pass_rate":
                continue
            suspects = {
                index: paired.pairs[index][1]
                for index in pinned
                if _passes(paired.pairs[index][0]) and not _passes(paired.pairs[index][1])
            }
            judged_again += len(suspects)
            if suspects:
                self.run.progress.say(
                    f"Pinned: {counted(len(suspects), 'row')} failed, judged again "
                    f"{TRIES} times at most."
                )
            for number in range(TRIES):
                if suspects:
                    suspects = await self._still_failing(demand.metric, suspects, number)
            failed |= suspects.keys()
        numbers = sorted(index + 1 for index in failed)
        return PinnedRows(count=len(pinned), failed=numbers, judged_again=judged_again)

    async def _still_failing(
        self, metric: Metric, suspects: Mapping[int, RunRow], number: int
    ) -> dict[int, RunRow]:
        """Return the rows that fail once more."""
        rows = {index: without_verdict(row.cells, OUTPUTS) for index, row in suspects.items()}
        arguments = _judging_ready_answers(metric, number)
        batch = Batch({metric.name: metric.arguments}, arguments, list(rows.values()))
        judging = Judging(self.run.file, self.run.session, self.run.progress, again=True)
        planned = await judging.plan(batch)
        judging.check_consent([*self.plans, planned], so_far=KEPT)
        self.plans.append(planned)
        await judging.judge(planned)
        await self.run.count_again(planned)
        job = planned.jobs[metric.name]
        if not has_rows(job):
            return dict(suspects)
        self._exports += 1
        path = self.scratch / f"pinned-{self._exports}.jsonl"
        await export_rows(job, path, self.run.session)
        passing: dict[bytes, deque[bool]] = defaultdict(deque)
        for row in await judged_rows(job, metric, path):
            passing[_content(row.cells)].append(_passes(row))
        return {
            index: suspects[index]
            for index, cells in rows.items()
            if not (verdicts := passing[_content(cells)]) or not verdicts.popleft()
        }


def _judging_ready_answers(metric: Metric, number: int) -> dict[str, Any]:
    """Return the arguments that judge the answers of a metric again, without generating any."""
    arguments = metric.arguments.model_dump(exclude_unset=True, exclude_none=True)
    for model, column in RESPONSE_COLUMNS.items():
        if model in arguments:
            del arguments[model]
            arguments[column] = SIDES[model]
    name = arguments.get("name") or metric.name
    return arguments | {"name": f"{str(name)[:70]}, pinned rows, try {number + 2}"}


def _content(cells: Mapping[str, Any]) -> bytes:
    names = [*input_columns(cells), *(name for name in OUTPUTS if name in cells)]
    return row_key({name: cells[name] for name in dict.fromkeys(names)})


def _passes(row: RunRow) -> bool:
    return bool(row.verdict.passed)
