"""The consent that a file gives: dollars, and calls at models without a price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from evals_mcp.errors import InvalidRequestError
from evals_mcp.local_engine.service import LOCAL, LocalSettings
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import is_loopback
from evals_mcp.spending.dollars import usd, usd_range
from evals_mcp.tools.calls.unattended import NobodyToAsk
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.repository.evals_file import EvalsFile
from evals_schemas.tools.inputs import CandidateInput, CreateEvaluationInput, JudgeInput
from evals_schemas.tools.plans import Range

NOT_STARTED = "Nothing was started."


class ConsentInFile(NobodyToAsk):
    """Answers the question of a create with yes, because the file was checked to consent to it."""

    answer = "agreed"


def refuse_without_consent(
    file: EvalsFile,
    costs: Sequence[tuple[int | None, Range | None]],
    *,
    are_free: bool,
    so_far: str = NOT_STARTED,
) -> None:
    """Refuse plans that cost more than the file consents to, or for which that is unknown.

    Args:
        file: the file.
        costs: the calls and the cost of each plan; None where they are unknown.
        are_free: whether every model is on this machine, so that no call costs anything.
        so_far: a sentence that says what was started before.

    Raises:
        InvalidRequestError: the file does not consent.
    """
    paid = [(calls, cost) for calls, cost in costs if calls != 0]
    if not paid:
        return
    priced = [cost for _, cost in paid if cost is not None]
    total = Range(low=sum(cost.low for cost in priced), high=sum(cost.high for cost in priced))
    if total.high > 0 and (file.max_usd is None or total.high > file.max_usd):
        raise InvalidRequestError(f"{_too_expensive(file.max_usd, total)} {so_far}")
    unpriced = [calls for calls, cost in paid if cost is None]
    problem = None if are_free or not unpriced else _unknown_price(file, unpriced)
    if problem:
        raise InvalidRequestError(f"{problem} {so_far}")


def _too_expensive(limit: float | None, total: Range) -> str:
    if limit is None:
        return (
            f"It would cost {usd_range(total)}, and the file has no `max_usd`: write the dollars "
            f"that one run may cost, such as `max_usd = {_suggested(total.high)}`."
        )
    return (
        f"It would cost {usd_range(total)}, and `max_usd` is {usd(limit)}: raise it, judge fewer "
        f"rows with `sample`, or take a cheaper model."
    )


def _unknown_price(file: EvalsFile, unpriced: Sequence[int | None]) -> str | None:
    """Return why calls without a price are not covered; None if they are."""
    counts = [calls for calls in unpriced if calls is not None]
    if len(counts) < len(unpriced):
        return (
            "How many calls it would make is unknown, and so is their price; no `max_usd` can "
            "cover that."
        )
    calls = sum(counts)
    if file.max_calls is None:
        return (
            f"The price of {calls:,} calls is unknown, so `max_usd` cannot limit them: write "
            f"`max_calls = {calls}` to consent to so many calls without a price."
        )
    if calls > file.max_calls:
        return (
            f"It would make {calls:,} calls whose price is unknown, and `max_calls` is "
            f"{file.max_calls:,}: raise it, or judge fewer rows with `sample`."
        )
    return None


def models_are_here(requests: Sequence[CreateEvaluationInput], settings: Settings) -> bool:
    """Return whether every model of these requests is at an address of this machine.

    Such a model costs nothing, whatever its price list lacks.
    """
    addresses = [address for request in requests for address in addresses_of(request, settings)]
    return all(
        address is not None and is_loopback(urlsplit(address).hostname or "")
        for address in addresses
    )


def addresses_of(request: CreateEvaluationInput, settings: Settings) -> Iterator[str | None]:
    """Yield the base URL of each model of a request; None for one of a service.

    A rule is not a model.
    """
    for endpoint in (
        request.judge,
        request.model_to_evaluate,
        request.model_a,
        request.model_b,
    ):
        if endpoint is not None and not endpoint.model.startswith(RULE_PREFIX):
            yield address_of(endpoint, settings)


def address_of(endpoint: JudgeInput | CandidateInput, settings: Settings) -> str | None:
    """Return the base URL of a model; None for one that a service itself serves."""
    if endpoint.model_source == "external":
        credential = settings.credentials.get(endpoint.external_credential or "")
        return credential.base_url if credential else None
    if settings.providers[:1] != (LOCAL.name,):
        return None
    local = settings.section(LocalSettings)
    if endpoint.model_source == "dedicated":
        dedicated = local.dedicated.get(endpoint.model)
        return dedicated.base_url if dedicated else None
    return local.models.base_url


def _suggested(high: float) -> str:
    return f"{max(0.01, high * 1.2):.2f}"
