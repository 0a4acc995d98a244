"""Finds out what ended evaluations have cost, and records it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from evals_mcp.errors import EvalsMCPError, NotFoundError, OperatorError
from evals_mcp.providers.protocol import Provider
from evals_mcp.spending.actual import ActualCost, actual_cost, used_by
from evals_mcp.spending.day import Day
from evals_mcp.spending.prices import PriceList, fetch_prices
from evals_mcp.spending.records import CostRecord, Spending, record_name
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.plans import Range

_REQUESTS_AT_ONCE = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationCost:
    """What is known about the cost of an evaluation."""

    service: str
    """The name of its service."""
    estimate: Range | None
    """US dollars before its start; None without a price, or if this server did not start it."""
    actual: ActualCost | None
    """None while it runs."""


async def cost_of_job(job: EvaluationJob, provider: Provider, spending: Spending) -> EvaluationCost:
    """Return what is known about the cost of an evaluation; once it has ended, record it."""
    service = provider.service_of(job.workflow_id)
    record = await _record_of(job, service, spending)
    actual = await _actual(job, service, record)
    if record and actual and (record.usd is None or not record.has_ended):
        try:
            await spending.ended(record.name, job.updated_at, actual.usd)
        except OperatorError as error:
            log.warning("The cost of %s cannot be recorded: %s", job.workflow_id, error)
    return EvaluationCost(service.name, record.estimate if record else None, actual)


def ends_free(job: EvaluationJob) -> bool:
    """Return whether an evaluation without counted calls has cost nothing.

    One that ended early may have had calls in flight, whose tokens nobody reports.
    """
    return job.status == "completed"


async def known_costs(
    jobs: Sequence[EvaluationJob], provider: Provider, spending: Spending
) -> dict[str, float]:
    """Return the US dollars of ended evaluations by id, without those that need a price list.

    They are known of evaluations that called no model, and of those whose cost was asked for since
    their end.
    """
    costs: dict[str, float] = {}
    names: dict[str, str] = {}
    for job in jobs:
        service = provider.service_of(job.workflow_id)
        used = used_by(job, service)
        if used is not None and used.is_free:
            costs |= {job.workflow_id: 0} if ends_free(job) else {}
        elif used is not None:
            names[record_name(service.name, job.workflow_id)] = job.workflow_id
    try:
        recorded = await spending.recorded_usd(list(names))
    except OperatorError as error:
        log.warning("The costs of evaluations cannot be read: %s", error)
        return costs
    return costs | {names[name]: usd for name, usd in recorded.items()}


async def current_day(cost: Range | None, provider: Provider, spending: Spending) -> Day | None:
    """Return the last 24 hours; None without a limit of a day.

    Args:
        cost: the estimate of what is about to start; None without a price.
        provider: tells which evaluations have ended, if there seems to be no room for it.
        spending: the records of the user.
    """
    day = await spending.day()
    if day is None or day.fits(cost):
        return day
    # What has ended since may have cost less than was held for it.
    await settle_running(provider, spending)
    return await spending.day()


async def settle_running(provider: Provider, spending: Spending) -> None:
    """Look at the evaluations whose end was not seen yet, and record the costs of those that ended.

    An evaluation that cannot be read is taken to run on; one that is gone has ended.
    """
    limiter = anyio.CapacityLimiter(_REQUESTS_AT_ONCE)

    async def settle(record: CostRecord) -> None:
        async with limiter:
            try:
                job = await provider.get_evaluation(record.name)
                await cost_of_job(job, provider, spending)
            except NotFoundError:
                await spending.ended(record.name, None, None)
            except EvalsMCPError:
                return

    # The end of an evaluation is unknown while its service is not configured.
    services = {service.name for service in provider.services}
    async with anyio.create_task_group() as tasks:
        for record in await spending.running():
            if record.name.partition(":")[0] in services:
                tasks.start_soon(settle, record)


async def _record_of(
    job: EvaluationJob, service: Provider, spending: Spending
) -> CostRecord | None:
    """Return the record of an evaluation; None also if the state cannot be used."""
    try:
        return await spending.record_of(service.name, job.workflow_id)
    except OperatorError as error:
        log.warning("The cost of %s cannot be read: %s", job.workflow_id, error)
        return None


async def _actual(
    job: EvaluationJob, service: Provider, record: CostRecord | None
) -> ActualCost | None:
    """Return what an ended evaluation has cost, by the recorded price or that of now."""
    used = used_by(job, service)
    if used is None:
        return None
    if record and record.usd is not None:
        return ActualCost(used.total, record.usd)
    # Free evaluations must not wait for a price list.
    prices = await fetch_prices(service) if used.by_role else PriceList()
    return actual_cost(job, used, prices)
