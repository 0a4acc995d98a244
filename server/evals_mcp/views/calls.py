"""The calls that the page may make, and no others: they read, mark and label rows, stop a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError, NotFoundError, UnsupportedError
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.cancel_evaluation import cancel_evaluation
from evals_mcp.tools.get_status import get_status
from evals_mcp.tools.list_evaluations import list_evaluations
from evals_mcp.views.comparison import comparison_page, flips_page
from evals_mcp.views.evaluation import evaluation_page, may_stop
from evals_mcp.views.labels import LabelCall, labels_page
from evals_mcp.views.marks import MarkCall, mark_row, marked_rows_page
from evals_mcp.views.pace import Paces
from evals_schemas.contract import Request
from evals_schemas.tools.comparisons import CompareEvaluationsInput
from evals_schemas.tools.inputs import (
    CancelEvaluationInput,
    GetStatusInput,
    ListEvaluationsInput,
)
from evals_schemas.tools.page import FlipQuery, ListPage, RowQuery

Asked = TypeVar("Asked", bound=Request)

EVALUATIONS_AT_ONCE = 20


class ListCall(Request):
    """The newest evaluations."""

    cursor: str | None = None


class EvaluationCall(Request):
    """One evaluation, with figures by a column if one is named."""

    evaluation_id: str = Field(min_length=1)
    by: str | None = Field(default=None, min_length=1)
    cluster_column: str | None = Field(default=None, min_length=1)


class StatusCall(Request):
    """How far an evaluation is; also the arguments of a stop."""

    evaluation_id: str = Field(min_length=1)


class RowsCall(Request):
    """Rows of an evaluation."""

    evaluation_id: str = Field(min_length=1)
    query: RowQuery = Field(default_factory=RowQuery)
    cursor: str | None = None


class ComparisonCall(Request):
    """Two evaluations side by side."""

    evaluation_id_a: str = Field(min_length=1)
    evaluation_id_b: str = Field(min_length=1)
    by: str | None = Field(default=None, min_length=1)
    cluster_column: str | None = Field(default=None, min_length=1)
    key: str | None = Field(default=None, min_length=1)

    def arguments(self) -> CompareEvaluationsInput:
        """Return the arguments of `compare_evaluations`."""
        return CompareEvaluationsInput(
            evaluation_id_a=self.evaluation_id_a,
            evaluation_id_b=self.evaluation_id_b,
            by=self.by,
            cluster_column=self.cluster_column,
            key=self.key,
        )


class FlipsCall(ComparisonCall):
    """Changed pairs of a comparison."""

    query: FlipQuery = Field(default_factory=FlipQuery)
    cursor: str | None = None


@dataclass(frozen=True)
class _Call:
    takes: type[Request]
    run: Callable[[Any, ToolSession], Awaitable[BaseModel]]


def checked_call(takes: type[Asked], arguments: object) -> Asked:
    """Return the arguments of a call of the page.

    Raises:
        InvalidRequestError: they are not what the call takes.
    """
    try:
        return takes.model_validate(arguments)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, problem["loc"])) or "arguments"
        raise InvalidRequestError(
            f"The page's `options` do not fit: {quoted(field, 60)}: {problem['msg']}."
        ) from None


class PageCalls:
    """Answers the calls of the page."""

    def __init__(self, paces: Paces) -> None:
        """Begin; `paces` remembers what was seen of running evaluations."""
        self._paces = paces
        self._calls: Mapping[str, _Call] = {
            "list": _Call(ListCall, _list),
            "evaluation": _Call(EvaluationCall, _evaluation),
            "status": _Call(StatusCall, self._status),
            "rows": _Call(RowsCall, _rows),
            "comparison": _Call(ComparisonCall, _comparison),
            "flips": _Call(FlipsCall, _flips),
            "mark": _Call(MarkCall, _mark),
            "label": _Call(LabelCall, _label),
            "stop": _Call(StatusCall, _stop),
        }

    async def answer(self, name: object, arguments: object, session: ToolSession) -> BaseModel:
        """Return the answer of a call.

        Raises:
            NotFoundError: there is no such call.
            EvalsMCPError: the arguments are wrong, or the call failed.
        """
        call = self._calls.get(name) if isinstance(name, str) else None
        if call is None:
            raise NotFoundError(f"The page has no such call; it has {', '.join(self._calls)}.")
        return await call.run(checked_call(call.takes, arguments), session)

    async def _status(self, call: StatusCall, session: ToolSession) -> BaseModel:
        answer = await get_status(GetStatusInput(evaluation_id=call.evaluation_id), session)
        stoppable = may_stop(session, answer.evaluation_id, answer.status)
        return self._paces.page(answer, may_stop=stoppable)


async def _list(call: ListCall, session: ToolSession) -> BaseModel:
    wanted = ListEvaluationsInput(limit=EVALUATIONS_AT_ONCE, cursor=call.cursor)
    return ListPage(answer=await list_evaluations(wanted, session))


async def _evaluation(call: EvaluationCall, session: ToolSession) -> BaseModel:
    return await evaluation_page(session, call.evaluation_id, call.by, call.cluster_column)


async def _rows(call: RowsCall, session: ToolSession) -> BaseModel:
    evaluation_id = await session.evaluation_id(call.evaluation_id)
    job = await session.evaluation(evaluation_id)
    async with session.result_rows(job) as index:
        return await marked_rows_page(session, job, index, call.query, call.cursor)


async def _mark(call: MarkCall, session: ToolSession) -> BaseModel:
    return await mark_row(session, call, "page")


async def _label(call: LabelCall, session: ToolSession) -> BaseModel:
    return await labels_page(session, call)


async def _comparison(call: ComparisonCall, session: ToolSession) -> BaseModel:
    return await comparison_page(session, call.arguments())


async def _flips(call: FlipsCall, session: ToolSession) -> BaseModel:
    return await flips_page(session, call.arguments(), call.query, call.cursor)


async def _stop(call: StatusCall, session: ToolSession) -> BaseModel:
    if not session.may_write:
        raise UnsupportedError(
            "Nothing can be stopped here: the server sets server.read_only, or you lack the right "
            "to write."
        )
    return await cancel_evaluation(CancelEvaluationInput(evaluation_id=call.evaluation_id), session)
