"""One evaluation as the page shows it: the answer of `get_evaluation`, and what it draws."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread

from evals_mcp.errors import EvalsMCPError
from evals_mcp.results.rows import JUDGED
from evals_mcp.results.sides import side_names
from evals_mcp.results.statistics.estimate import rounded
from evals_mcp.results.statistics.scores import bin_counts
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.get_evaluation import get_evaluation
from evals_mcp.tools.read_results import shown_where
from evals_mcp.views.marks import marks_page, sample_filter
from evals_mcp.views.matrix import matrix_of
from evals_mcp.views.settings import settings_page
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.inputs import GetEvaluationInput
from evals_schemas.tools.outputs import GetEvaluationOutput
from evals_schemas.tools.page import Bin, EvaluationPage, Filter, Matrix, RowQuery, Share, WinRate
from evals_schemas.tools.result_pages import Show
from evals_schemas.tools.summaries import Failures, Interval, Rate, Summary, Wins

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

_SHOWS: Mapping[Show, str] = {
    "failing": "failing",
    "passing": "passing",
    "disagreements": "orders differ",
    "one_order": "one order only",
    "invalid": "verdict unreadable",
    "failed": "failed",
    "all": "all",
}
"""The filters of rows and what the page calls them, in their order."""

_ALWAYS = frozenset({"failing", "all"})
"""Filters that are offered without any row."""

_CHOICES = ("A", "Tie", "B")


async def evaluation_page(
    session: ToolSession,
    evaluation_id: str,
    by: str | None = None,
    cluster_column: str | None = None,
) -> EvaluationPage:
    """Return one evaluation.

    Raises:
        InvalidRequestError: it still runs, or a column cannot be used that is given.
        EvalsMCPError: it does not exist, or cannot be read.
    """
    complete_id = await session.evaluation_id(evaluation_id)
    arguments = GetEvaluationInput(evaluation_id=complete_id, by=by, cluster_column=cluster_column)
    answer = await get_evaluation(arguments, session)
    job = await session.evaluation(answer.evaluation_id)
    async with AsyncExitStack() as stack:
        index = await opened_rows(job, session, stack)
        page = await to_thread.run_sync(_page, job, answer, index)
        if index is not None:
            page.marks = await marks_page(session, job, index)
            _add_sample(page, index)
    page.may_stop = may_stop(session, job.workflow_id, job.status)
    return page


async def opened_rows(
    job: EvaluationJob, session: ToolSession, stack: AsyncExitStack
) -> ResultIndex | None:
    """Open the rows of an ended evaluation; None if there are none that can be read."""
    if job.status not in ENDED:
        return None
    try:
        return await stack.enter_async_context(session.result_rows(job))
    except EvalsMCPError:
        return None


def may_stop(session: ToolSession, evaluation_id: str, status: str) -> bool:
    """Return whether the evaluation runs, and this principal and the service may stop it."""
    can_cancel = session.provider.service_of(evaluation_id).capabilities.can_cancel
    return can_cancel and status not in ENDED and session.may_write


def _page(
    job: EvaluationJob, answer: GetEvaluationOutput, index: ResultIndex | None
) -> EvaluationPage:
    summary = answer.summary
    shares = list(_shares(summary)) if summary else []
    page = EvaluationPage(
        answer=answer,
        judge=_judge(job, summary),
        sides=_sides(job) if summary and summary.wins else None,
        win_rate=_win_rate(summary.wins) if summary and summary.wins else None,
        shares=_with_percent(shares),
        shares_total=sum(share.count for share in shares),
        settings=settings_page(job.parameters),
    )
    if index is not None:
        _add_rows(page, job, index)
    return page


def _add_rows(page: EvaluationPage, job: EvaluationJob, index: ResultIndex) -> None:
    """Add what needs the rows."""
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.column_values import few_valued_columns  # noqa: PLC0415

    page.filters = list(_filters(job, index))
    page.default_query = page.filters[0].query if page.filters else None
    page.by_columns = few_valued_columns(index)
    page.orders = _orders(index)
    if page.answer.summary and page.answer.summary.scores:
        page.bins, page.outside = _bins(job.parameters, index.scores())


def _add_sample(page: EvaluationPage, index: ResultIndex) -> None:
    """Add the filter for rows drawn at random before that for all rows, if they can be marked."""
    rows = sum(count.rows for count in index.counts if count.verdict.state == JUDGED)
    if (drawn := sample_filter(page.marks, rows)) is not None:
        after = next((n for n, each in enumerate(page.filters) if each.name == "all"), 0)
        page.filters.insert(max(after, 1), drawn)


def _sides(job: EvaluationJob) -> tuple[str, str]:
    a, b = side_names(job.parameters)
    return bare(a), bare(b)


def bare(name: str) -> str:
    """Return a name without the quotation marks that it has in a sentence."""
    inner = name[1:-1]
    return inner if name == f"'{inner}'" else name


def _win_rate(wins: Wins) -> WinRate | None:
    """Return the win rate of the side that wins more often, as the headline has it."""
    if wins.a_percent is None:
        return None
    interval = wins.a_interval
    if wins.a_percent >= 50:
        return WinRate(side="A", rate=Rate(percent=wins.a_percent, interval=interval))
    if interval:
        low, high = rounded(100 - interval.high), rounded(100 - interval.low)
        interval = Interval(low=low, high=high, method=interval.method)
    return WinRate(side="B", rate=Rate(percent=rounded(100 - wins.a_percent), interval=interval))


def _judge(job: EvaluationJob, summary: Summary | None) -> str | None:
    judge = job.parameters.get("judge")
    if isinstance(judge, Mapping):
        model = cast("Mapping[str, object]", judge).get("model")
        return model if isinstance(model, str) else None
    return summary.benchmark.judge if summary and summary.benchmark else None


def _shares(summary: Summary) -> Iterator[Share]:
    """Yield the outcomes of all rows; nothing for a type without one main outcome."""
    rate = summary.pass_rate
    if summary.wins:
        yield from _choices(summary.wins)
    elif rate and rate.count is not None and rate.of is not None:
        passing, failing = RowQuery(show="passing"), RowQuery(show="failing")
        yield Share(name="pass", count=rate.count, percent=0, tone="good", query=passing)
        failed = rate.of - rate.count
        yield Share(name="fail", count=failed, percent=0, tone="bad", query=failing)
    else:
        return
    yield from _no_verdict(summary.failures)


def _choices(wins: Wins) -> Iterator[Share]:
    a, b, tie = (RowQuery(decision=choice) for choice in ("A", "B", "Tie"))
    yield Share(name="A better", count=wins.a, percent=0, tone="a", query=a)
    yield Share(name="tie", count=wins.ties, percent=0, tone="none", query=tie)
    yield Share(name="B better", count=wins.b, percent=0, tone="b", query=b)
    if wins.one_order:
        query = RowQuery(show="one_order")
        yield Share(
            name="one order only", count=wins.one_order, percent=0, tone="empty", query=query
        )


def _no_verdict(failures: Failures | None) -> Iterator[Share]:
    if failures is None:
        return
    if failures.invalid:
        query = RowQuery(show="invalid")
        yield Share(
            name="verdict unreadable", count=failures.invalid, percent=0, tone="empty", query=query
        )
    failed = (failures.generation or 0) + (failures.judge or 0)
    if failed:
        query = RowQuery(show="failed")
        yield Share(name="failed", count=failed, percent=0, tone="empty", query=query)


def _with_percent(shares: Sequence[Share]) -> list[Share]:
    total = sum(share.count for share in shares)
    for share in shares:
        share.percent = rounded(100 * share.count / total) if total else 0.0
    return [share for share in shares if share.count or share.tone != "empty"]


def _filters(job: EvaluationJob, index: ResultIndex) -> Iterator[Filter]:
    """Yield the filters that suit the type, the one that is used first at the beginning."""
    spec = type_spec(job.type)
    if "decision" in spec.filters:
        yield Filter(name="all", count=index.total(), query=RowQuery())
    for show, name in _SHOWS.items():
        if show not in spec.shows or (show == "all" and "decision" in spec.filters):
            continue
        if show in {"failing", "passing"} and not spec.can_fail(job.parameters):
            continue
        count = index.matching(shown_where(show))
        if count or show in _ALWAYS:
            yield Filter(name=name, count=count, query=RowQuery(show=show))


def _orders(index: ResultIndex) -> Matrix | None:
    """Return the pairs by the choices in both orders; None if one order was judged."""
    counts = Counter[tuple[str, str]]()
    for count in index.counts:
        verdict = count.verdict
        if verdict.original and verdict.flipped:
            counts[verdict.original, verdict.flipped] += count.rows
    return matrix_of(counts, _CHOICES, {}) if counts else None


def _bins(parameters: Mapping[str, Any], scores: Sequence[float]) -> tuple[list[Bin] | None, int]:
    low, high = parameters.get("min_score"), parameters.get("max_score")
    if not (isinstance(low, int | float) and isinstance(high, int | float) and len(scores)):
        return None, 0
    edges, counts, outside = bin_counts(scores, low, high)
    threshold = parameters.get("pass_threshold")
    bins: list[Bin] = []
    for number, count in enumerate(counts):
        start, end = edges[number], edges[number + 1]
        # A score that is an end belongs to the bin above it, except at the very end.
        last = end if number == len(counts) - 1 else math.nextafter(end, -math.inf)
        passes = None
        if isinstance(threshold, int | float):
            passes = True if start >= threshold else False if last < threshold else None
        query = RowQuery(min_score=start, max_score=last)
        bins.append(Bin(low=start, high=end, count=count, passes=passes, query=query))
    return bins, outside
