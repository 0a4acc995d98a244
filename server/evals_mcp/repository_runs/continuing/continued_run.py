"""Goes on with a run that stopped early, at a service that keeps the order of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals_mcp.errors import InvalidRequestError
from evals_mcp.providers.same_request import RETRY_OF, SAMPLE
from evals_mcp.repository_runs.continuing.stopped_run import StoppedRun
from evals_mcp.repository_runs.judging import Batch
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.outputs import files_of
from evals_mcp.repository_runs.run import Run
from evals_mcp.results.sequential import judged_rows
from evals_schemas.repository.results import RunResults
from evals_schemas.sequential.stop_when import STOP_WHEN


@dataclass
class ContinuedRun:
    """One evaluation of the rows that are left, with the verdicts of the stopped one."""

    run: Run
    stopped: StoppedRun

    async def results(self) -> RunResults | None:
        """Judge the rows that are left and return the results of all; None after a dry run.

        Raises:
            EvalsMCPError: it cannot run, or not to its end.
        """
        run, metric = self.run, only_metric(self.run)
        self.stopped.check(metric)
        planned = await run.judging.plan(self._batch(metric))
        run.warnings += planned.plan.warnings
        plan = planned.plan.plan
        rows = self.stopped.record.rows_not_judged if plan is None else plan.rows or 0
        taken_over = _total(self.stopped) - rows
        run.progress.say(
            f"Continued: {', '.join(self.stopped.evaluation_ids)}. {taken_over:,} verdicts are "
            f"taken over and cost nothing; {rows:,} rows are left."
        )
        run.say_plan([planned], rows)
        run.judging.check_consent([planned])
        if run.options.dry_run:
            run.judging.say_warnings(planned)
            run.progress.say("Dry run: nothing was started.")
            return None
        await run.judging.judge(planned)
        run.folder.clear()
        line = await run.metric_result(metric, planned.jobs[metric.name], files_of(metric.name))
        return run.whole([planned], [line])

    def _batch(self, metric: Metric) -> Batch:
        rules = self.stopped.further_rules(metric.arguments.stop_when)
        request = metric.arguments.model_dump(exclude_unset=True, exclude_none=True)
        beside = {STOP_WHEN, SAMPLE}
        arguments: Mapping[str, Any] = {k: v for k, v in request.items() if k not in beside}
        further = {} if rules is None else {STOP_WHEN: rules.model_dump(exclude_unset=True)}
        retry = {RETRY_OF: self.stopped.evaluation_ids[-1]}
        return Batch({metric.name: metric.arguments}, {**arguments, **further, **retry})


def only_metric(run: Run) -> Metric:
    """Return the metric of a file that has one.

    Raises:
        InvalidRequestError: it has several.
    """
    metric, *others = run.metrics()
    if others:
        raise InvalidRequestError(
            "--continue: the file has several metrics, and none of them stops early. Run it "
            "without --continue."
        )
    return metric


def _total(stopped: StoppedRun) -> int:
    return judged_rows(stopped.record) + stopped.record.rows_not_judged
