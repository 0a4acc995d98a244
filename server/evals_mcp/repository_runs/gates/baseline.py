"""The results that a gate compares with: a file of an earlier run, or evaluations by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError, NotFoundError
from evals_mcp.exports.manifest import without_secrets
from evals_mcp.providers.rest.ids import noun_of
from evals_mcp.repository_runs.exporting import (
    export_rows,
    has_rows,
    judged_rows,
    read_manifest,
)
from evals_mcp.repository_runs.metrics import Metric, identity_of
from evals_mcp.repository_runs.outputs import read_results, results_file
from evals_mcp.repository_runs.rows import RunRow, read_rows
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import answer_columns_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.repository.results import Identity, MetricResult, RunResults

_NAME = 60
_SEPARATOR = ","

_ANEW = "Make a new baseline: `evals-mcp run` on the branch to compare with, and keep its folder."


@dataclass(frozen=True)
class BaselineMetric:
    """One metric of the baseline."""

    rows: Sequence[RunRow]
    identity: Identity
    manifest: Mapping[str, Any]
    answer_columns: Sequence[str] = ()
    """The columns of the answers that were judged, in their order."""
    report: Path | None = None
    """Its page; None without one."""


@dataclass(frozen=True)
class Baseline:
    """The results to compare with."""

    label: str
    """What reports call it."""
    metrics: Mapping[str, BaselineMetric]
    """By the names of the candidate's metrics."""
    candidate_version: str | None = None
    program: str | None = None
    """The version of evals-mcp that judged; None if unknown."""
    checked_at: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    """By metric, when anchors were last judged to see whether its judge has moved."""


async def read_baseline(
    text: str, metrics: Sequence[Metric], session: ToolSession, scratch: Path
) -> Baseline:
    """Return the results that an option names.

    Args:
        text: a file `results.json`, its folder, or the ids of evaluations with commas between them.
        metrics: the candidate's metrics.
        session: the collaborators of the tools.
        scratch: a folder for result files.

    Raises:
        InvalidRequestError: there are no such results, or they are of something else.
        EvalsMCPError: an evaluation does not exist, or cannot be read.
    """
    if (path := results_file(text)) is not None:
        return _from_file(path, metrics)
    return await _from_evaluations(text, metrics, session, scratch)


def check_same_judging(metric: Metric, baseline: BaselineMetric) -> None:
    """Refuse a baseline that was judged by another judge, or by another rubric.

    Raises:
        InvalidRequestError: the difference would say nothing about the answers.
    """
    name = quoted(metric.name, _NAME)
    if metric.identity.judge != baseline.identity.judge:
        raise InvalidRequestError(
            f"{name}: the baseline has another judge (its model, settings or service), so a "
            f"difference would say nothing about the answers. {_ANEW}"
        )
    if metric.identity.rubric != baseline.identity.rubric:
        raise InvalidRequestError(
            f"{name}: the baseline was judged by another rubric, other labels or another scale. "
            f"{_ANEW}"
        )


def _from_file(path: Path, metrics: Sequence[Metric]) -> Baseline:
    try:
        results = read_results(path)
    except OSError as error:
        raise InvalidRequestError(
            f"--baseline: {path} cannot be read ({error.strerror or error}). {_ANEW}"
        ) from None
    except ValueError:
        raise InvalidRequestError(
            f"--baseline: {path} is not a results.json of `evals-mcp run` or `gate`. {_ANEW}"
        ) from None
    if results.outcome in {"could_not_run", "failed"} or not results.metrics:
        raise InvalidRequestError(f"--baseline: {path} is of a run that could not run. {_ANEW}")
    stopping = results.gate.stopping if results.gate else None
    if stopping is not None and stopping.rows_not_judged:
        raise InvalidRequestError(
            f"--baseline: {path} is of a gate that stopped, with {stopping.rows_not_judged:,} of "
            f"{counted(stopping.of_rows, 'row')} not judged; a baseline needs every row. Make it "
            "with `evals-mcp run`, or with `evals-mcp gate --all-rows`."
        )
    baselines: dict[str, BaselineMetric] = {}
    for metric in metrics:
        line = _line_of(metric, metrics, results, path)
        baselines[metric.name] = _metric_of(metric, line, path.parent)
    checks = results.gate.drift if results.gate else []
    checked_at = {each.metric: each.checked_at for each in checks}
    return Baseline(str(path), baselines, results.candidate_version, results.evals_mcp, checked_at)


def _line_of(
    metric: Metric, metrics: Sequence[Metric], results: RunResults, path: Path
) -> MetricResult:
    for line in results.metrics:
        if line.name == metric.name or len(results.metrics) == len(metrics) == 1:
            if line.type != metric.type:
                raise InvalidRequestError(
                    f"{quoted(metric.name, _NAME)} is a {metric.type} evaluation, and in the "
                    f"baseline {quoted(line.type, 20)}. {_ANEW}"
                )
            return line
    names = ", ".join(quoted(line.name, _NAME) for line in results.metrics[:10])
    raise InvalidRequestError(
        f"--baseline: {path} has no metric {quoted(metric.name, _NAME)}; it has {names}. {_ANEW}"
    )


def _metric_of(metric: Metric, line: MetricResult, folder: Path) -> BaselineMetric:
    name = line.files.rows
    if not name or Path(name).name != name:
        raise InvalidRequestError(
            f"The baseline of {quoted(metric.name, _NAME)} has no result file. {_ANEW}"
        )
    path = folder / name
    rows = read_rows(path, metric.read, line.verdicts.oldest)
    if len(rows) != line.rows:
        raise InvalidRequestError(
            f"{path} has {counted(len(rows), 'row')}, and results.json beside it speaks of "
            f"{line.rows}: the files are of two runs. {_ANEW}"
        )
    report = folder / Path(line.files.report).name if line.files.report else None
    columns = answer_columns_of(line.parameters)
    return BaselineMetric(rows, line.identity, read_manifest(path), columns, report)


async def _from_evaluations(
    text: str, metrics: Sequence[Metric], session: ToolSession, scratch: Path
) -> Baseline:
    ids = [part.strip() for part in text.split(_SEPARATOR) if part.strip()]
    if len(ids) != len(metrics):
        raise InvalidRequestError(
            f"--baseline: {counted(len(ids), 'id')}, and the file has "
            f"{counted(len(metrics), 'metric')}: name one evaluation for each, in their order, "
            "with commas between them, or the results.json of an earlier run."
        )
    baselines: dict[str, BaselineMetric] = {}
    for number, (metric, evaluation_id) in enumerate(zip(metrics, ids, strict=True)):
        try:
            complete = await session.evaluation_id(evaluation_id, "--baseline")
            job = await session.evaluation(complete)
        except NotFoundError:
            if noun_of(evaluation_id) is not None:
                raise
            raise NotFoundError(
                f"--baseline: there is no file, folder or evaluation {quoted(evaluation_id, _NAME)}"
                f". {_ANEW}"
            ) from None
        if job.status != "completed" or not has_rows(job):
            raise InvalidRequestError(
                f"--baseline: {complete} is {quoted(job.status, 40)}; only a completed evaluation "
                "is compared with."
            )
        if job.type != metric.type:
            raise InvalidRequestError(
                f"--baseline: {complete} is a {job.type} evaluation, and "
                f"{quoted(metric.name, _NAME)} is {metric.type}."
            )
        path = scratch / f"baseline-{number}.jsonl"
        await export_rows(job, path, session)
        rows = await judged_rows(job, metric, path)
        parameters = cast("dict[str, Any]", without_secrets(job.parameters))
        service = session.provider.service_of(complete).name
        identity = identity_of(job.type or "", parameters, service)
        endpoint = {"endpoint": metric.identity.endpoint}  # where it was at is not recorded
        baselines[metric.name] = BaselineMetric(
            rows,
            identity.model_copy(update=endpoint),
            read_manifest(path),
            answer_columns_of(parameters),
        )
    return Baseline(_SEPARATOR.join(ids), baselines)
