"""A result file as a data set, which would show verdicts of rows that wait for a label."""

from __future__ import annotations

from evals_mcp.errors import InvalidRequestError, OperatorError
from evals_mcp.providers.protocol import AnyRequest
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.waiting import hidden_rows
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest

_MOST_LISTED = 100


async def refuse_open_result_file(request: AnyRequest, session: ToolSession) -> None:
    """Refuse a data set that is the result file of an evaluation with rows that wait for a label.

    A plan renders a row of it, and answers show its verdicts as columns of the data set. Whose
    principal has no label sample asks the service nothing.

    Raises:
        InvalidRequestError: rows of the file wait for a label.
        EvalsMCPError: the file cannot be read.
    """
    if isinstance(request, BenchmarkRequest):
        return
    file_id = request.parameters.input_data_file_path
    try:
        if not await session.labels.has_samples():
            return
    except OperatorError:
        return
    jobs, _ = await session.provider.evaluations_with_failures(limit=_MOST_LISTED)
    for job in jobs:
        if (job.results or {}).get("result_file_id") != file_id:
            continue
        async with session.result_rows(job) as index:
            hidden = await hidden_rows(session, job, index)
        if hidden.rows:
            raise InvalidRequestError(
                f"`input_data_file_path` has the verdicts of {job.workflow_id}. "
                f"{hidden.in_data_set[0]} Or give the data set that was judged."
            )
