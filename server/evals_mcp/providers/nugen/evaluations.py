"""Reads evaluations from the benchmark service, which spreads each over three answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from evals_mcp.errors import EvalsMCPError, InvalidRequestError, NotFoundError, UnavailableError
from evals_mcp.providers.nugen.generations import Generations
from evals_mcp.providers.nugen.jobs import (
    failure_of,
    fits,
    has_figures,
    job_of,
    listed_job,
    with_results,
)
from evals_mcp.providers.nugen.listing import EvaluationFacts, facts_of_line, is_newest_first, pages
from evals_mcp.providers.nugen.results import model_ids
from evals_mcp.providers.nugen.rows import row_lines
from evals_mcp.providers.nugen.statuses import (
    Deadline,
    EvaluationState,
    evaluation_state,
    progress_of,
    waits_for_results,
)
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.replies import RequestContext
from evals_mcp.providers.times import created_at, parse_time
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkEvaluationLine,
    BenchmarkStatus,
    BenchmarkWireResults,
)
from evals_schemas.evaluation_api.evaluations import EvaluationJob, EvaluationStatus

DEFAULT_LIMIT = 10
"""Evaluations in a list without a limit."""
MOST_LISTED = 100
"""Most evaluations in a list."""


class Evaluations:
    """The evaluations of one account."""

    def __init__(self, rest: RestClient, generations: Generations, deadline: Deadline) -> None:
        self._rest = rest
        self._generations = generations
        self._deadline = deadline
        self._facts: dict[str, EvaluationFacts] = {}
        self._models: dict[str, list[str]] = {}
        """The models of ended evaluations, as their results name them."""

    def remember(self, evaluation_id: str, facts: EvaluationFacts) -> None:
        """Keep facts that later answers of the service do not repeat."""
        self._facts[evaluation_id] = facts

    @property
    def ids_seen(self) -> frozenset[str]:
        """Ids of all evaluations that were created or listed so far."""
        return frozenset(self._facts)

    @property
    def ids_created(self) -> frozenset[str]:
        """Ids of the evaluations that this process created."""
        created = (item_id for item_id, facts in self._facts.items() if facts.sent_at)
        return frozenset(created)

    async def status(self, evaluation_id: str) -> EvaluationStatus:
        """Return the status; the results of a failed evaluation contain only the reason."""
        status = await self._status(evaluation_id)
        state = _state(status)
        if waits_for_results(status.status) and has_figures(await self._results(evaluation_id)):
            state = EvaluationState("completed")
        state = await self._with_deadline(evaluation_id, status, state)
        return EvaluationStatus(
            status=state.status, results=failure_of(state), progress=progress_of(status)
        )

    async def job(self, evaluation_id: str) -> EvaluationJob:
        """Return everything that the service reports about an evaluation."""
        status = await self._status(evaluation_id)
        state = _state(status)
        facts = await self._facts_of(evaluation_id) or EvaluationFacts()
        wire = None
        if state.ended or waits_for_results(status.status):
            wire = await self._results_after(evaluation_id, state)
            if state.error is None:
                has_results = wire and (state.ended or has_figures(wire))
                state = EvaluationState("completed" if has_results else "running")
        if wire and state.ended:
            facts = with_results(facts, wire)
            self._models[evaluation_id] = model_ids(wire)
        state = await self._with_deadline(evaluation_id, status, state)
        return job_of(evaluation_id, facts, status, state, wire)

    async def listed(self, status: str | None, limit: int | None) -> list[EvaluationJob]:
        """Return the newest evaluations; those without a date come last."""
        most = min(limit or DEFAULT_LIMIT, MOST_LISTED)
        operations = await self._generations.operations()
        lines, jobs = list[BenchmarkEvaluationLine](), list[EvaluationJob]()
        async with aclosing(pages(self._rest, operations.list_evaluations)) as all_pages:
            async for page in all_pages:
                lines += page
                jobs += [job for line in page if fits(job := self._listed(line), status)]
                if len(jobs) >= most and is_newest_first(lines):
                    break
        return sorted(jobs, key=created_at, reverse=True)[:most]

    async def lines(self) -> list[BenchmarkEvaluationLine]:
        """Return all lines of the service's list."""
        operations = await self._generations.operations()
        async with aclosing(pages(self._rest, operations.list_evaluations)) as all_pages:
            return [line async for page in all_pages for line in page]

    @asynccontextmanager
    async def rows(
        self, evaluation_id: str, *, named: bool
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Stream the rows as JSON Lines; `named` means that each row names its model."""
        operations = await self._generations.operations()
        only_model = None if named else await self._only_model(evaluation_id)
        context = RequestContext(self._rest.service, operations.rows, evaluation_id)
        async with (
            self._rest.stream(operations.rows, evaluation_id) as blocks,
            aclosing(row_lines(blocks, only_model, context)) as lines,
        ):
            yield lines

    async def _status(self, evaluation_id: str) -> BenchmarkStatus:
        operations = await self._generations.operations()
        try:
            status: BenchmarkStatus = await self._rest.call(
                operations.status, item_id=evaluation_id
            )
        except UnavailableError as error:
            problem = str(error)
        else:
            return status
        raise UnavailableError(
            f"{problem} The evaluation itself may be running: do not create it again for this."
        )

    async def _results(self, evaluation_id: str) -> BenchmarkWireResults | None:
        """Return the results; None if it is too early for them."""
        operations = await self._generations.operations()
        try:
            wire: BenchmarkWireResults = await self._rest.call(
                operations.results, item_id=evaluation_id
            )
        except (InvalidRequestError, NotFoundError):
            return None
        return wire

    async def _results_after(
        self, evaluation_id: str, state: EvaluationState
    ) -> BenchmarkWireResults | None:
        """Return the results; for a failed evaluation, None if they cannot be read."""
        try:
            return await self._results(evaluation_id)
        except EvalsMCPError:
            if state.error is None:
                raise
            return None

    async def _facts_of(self, evaluation_id: str) -> EvaluationFacts | None:
        """Return the facts in the list; None if they are not listed or the list is unreadable."""
        if evaluation_id not in self._facts:
            operations = await self._generations.operations()
            try:
                async with aclosing(pages(self._rest, operations.list_evaluations)) as all_pages:
                    async for page in all_pages:
                        for line in page:
                            self._facts.setdefault(line.evaluation_id, facts_of_line(line))
                        if evaluation_id in self._facts:
                            break
            except EvalsMCPError:
                return None
        return self._facts.get(evaluation_id)

    async def _with_deadline(
        self, evaluation_id: str, status: BenchmarkStatus, state: EvaluationState
    ) -> EvaluationState:
        if state.ended or not self._deadline.exists:
            return state
        started_at = parse_time(status.start_time)
        if started_at is None or evaluation_id in self._facts:
            facts = await self._facts_of(evaluation_id)
            started_at = (facts and facts.started_at) or started_at
        return self._deadline.applied(state, status.status, started_at)

    async def _only_model(self, evaluation_id: str) -> str | None:
        """Return the model if there is only one; unlike the list, the results name both."""
        models = self._models.get(evaluation_id)
        if models is None:
            wire = await self._results(evaluation_id)
            models = model_ids(wire) if wire else []
        return models[0] if len(models) == 1 else None

    def _listed(self, line: BenchmarkEvaluationLine) -> EvaluationJob:
        facts = self._facts.setdefault(line.evaluation_id, facts_of_line(line))
        return listed_job(line, facts, self._deadline)


def _state(status: BenchmarkStatus) -> EvaluationState:
    return evaluation_state(status.status, status.error or status.message, status.reason)
