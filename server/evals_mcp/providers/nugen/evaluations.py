"""Reading evaluations from the benchmark service, which spreads each over three answers."""

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
from evals_mcp.providers.nugen.times import aware, moment
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.replies import RequestContext
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkEvaluationLine,
    BenchmarkStatus,
    BenchmarkWireResults,
)
from evals_schemas.evaluation_api.evaluations import EvaluationJob, EvaluationStatus

DEFAULT_LIMIT = 10
MOST_LISTED = 100


class Evaluations:
    """The evaluations of one account."""

    def __init__(self, rest: RestClient, generations: Generations, deadline: Deadline) -> None:
        self._rest = rest
        self._generations = generations
        self._deadline = deadline
        self._known: dict[str, EvaluationFacts] = {}

    def remember(self, evaluation_id: str, known: EvaluationFacts) -> None:
        """Keep what no answer of the service will tell again."""
        self._known[evaluation_id] = known

    @property
    def ids_seen(self) -> frozenset[str]:
        """Every evaluation that was created or listed so far."""
        return frozenset(self._known)

    @property
    def ids_created(self) -> frozenset[str]:
        """Those among them whose create was answered, or was found again."""
        return frozenset(found for found, known in self._known.items() if known.since)

    async def status(self, evaluation_id: str) -> EvaluationStatus:
        """Where it is; the reason, where it failed, is `error` in the results."""
        told = await self._told(evaluation_id)
        standing = evaluation_state(told.status, told.error or told.message, told.reason)
        if waits_for_results(told.status) and has_figures(await self._results(evaluation_id)):
            standing = EvaluationState("completed")
        standing = await self._in_time(evaluation_id, told, standing)
        return EvaluationStatus(
            status=standing.status, results=failure_of(standing), progress=progress_of(told)
        )

    async def job(self, evaluation_id: str) -> EvaluationJob:
        """Everything that the service tells, without results while there are none."""
        told = await self._told(evaluation_id)
        standing = evaluation_state(told.status, told.error or told.message, told.reason)
        known = await self._known_of(evaluation_id) or EvaluationFacts()
        wire = None
        if standing.ended or waits_for_results(told.status):
            wire = await self._results_after(evaluation_id, standing)
            if standing.error is None:
                there = wire and (standing.ended or has_figures(wire))
                standing = EvaluationState("completed" if there else "running")
        if wire and standing.ended:
            known = with_results(known, wire)
        standing = await self._in_time(evaluation_id, told, standing)
        return job_of(evaluation_id, known, told, standing, wire)

    async def listed(self, status: str | None, limit: int | None) -> list[EvaluationJob]:
        """The newest first, those without a date last."""
        wanted = min(limit or DEFAULT_LIMIT, MOST_LISTED)
        operations = await self._generations.operations()
        lines, jobs = list[BenchmarkEvaluationLine](), list[EvaluationJob]()
        async with aclosing(pages(self._rest, operations.list_evaluations)) as found:
            async for page in found:
                lines += page
                jobs += [job for line in page if fits(job := self._listed(line), status)]
                if len(jobs) >= wanted and is_newest_first(lines):
                    break
        return sorted(jobs, key=lambda job: aware(job.created_at), reverse=True)[:wanted]

    async def lines(self) -> list[BenchmarkEvaluationLine]:
        """Everything that the service lists."""
        operations = await self._generations.operations()
        async with aclosing(pages(self._rest, operations.list_evaluations)) as found:
            return [line async for page in found for line in page]

    @asynccontextmanager
    async def rows(
        self, evaluation_id: str, *, named: bool
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """The rows as JSON Lines; `named` says that each row names its model."""
        operations = await self._generations.operations()
        only = None if named else await self._only_model(evaluation_id)
        asked = RequestContext(self._rest.service, operations.rows, evaluation_id)
        async with (
            self._rest.stream(operations.rows, evaluation_id) as blocks,
            aclosing(row_lines(blocks, only, asked)) as lines,
        ):
            yield lines

    async def _told(self, evaluation_id: str) -> BenchmarkStatus:
        operations = await self._generations.operations()
        try:
            told: BenchmarkStatus = await self._rest.call(operations.status, item_id=evaluation_id)
        except UnavailableError as error:
            problem = str(error)
        else:
            return told
        raise UnavailableError(
            f"{problem} The evaluation itself may be going on: do not create it again for this."
        )

    async def _results(self, evaluation_id: str) -> BenchmarkWireResults | None:
        """The results; None where it is too early for them."""
        operations = await self._generations.operations()
        try:
            wire: BenchmarkWireResults = await self._rest.call(
                operations.results, item_id=evaluation_id
            )
        except (InvalidRequestError, NotFoundError):
            return None
        return wire

    async def _results_after(
        self, evaluation_id: str, standing: EvaluationState
    ) -> BenchmarkWireResults | None:
        """The results; of a failed evaluation only where they come without trouble."""
        try:
            return await self._results(evaluation_id)
        except EvalsMCPError:
            if standing.error is None:
                raise
            return None

    async def _known_of(self, evaluation_id: str) -> EvaluationFacts | None:
        """What the list tells of it; None where it is not there, or cannot be read now."""
        if evaluation_id not in self._known:
            operations = await self._generations.operations()
            try:
                async with aclosing(pages(self._rest, operations.list_evaluations)) as found:
                    async for page in found:
                        for line in page:
                            self._known.setdefault(line.evaluation_id, facts_of_line(line))
                        if evaluation_id in self._known:
                            break
            except EvalsMCPError:
                return None
        return self._known.get(evaluation_id)

    async def _in_time(
        self, evaluation_id: str, told: BenchmarkStatus, standing: EvaluationState
    ) -> EvaluationState:
        if standing.ended or not self._deadline.exists:
            return standing
        begun = moment(told.start_time)
        if begun is None or evaluation_id in self._known:
            known = await self._known_of(evaluation_id)
            begun = (known and known.begun) or begun
        return self._deadline.applied(standing, told.status, begun)

    async def _only_model(self, evaluation_id: str) -> str | None:
        """The model, if there is one; the list may leave out a second, the results never do."""
        wire = await self._results(evaluation_id)
        models = model_ids(wire) if wire else []
        return models[0] if len(models) == 1 else None

    def _listed(self, line: BenchmarkEvaluationLine) -> EvaluationJob:
        known = self._known.setdefault(line.evaluation_id, facts_of_line(line))
        return listed_job(line, known, self._deadline)
