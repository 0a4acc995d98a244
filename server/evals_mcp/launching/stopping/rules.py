"""When an evaluation may stop early: rules that fit its type, and prices to count dollars by."""

from __future__ import annotations

from typing import TypeVar

from evals_mcp.errors import InvalidRequestError
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_mcp.spending.prices import fetch_prices
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import ModelRequest, candidates
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.sequential.stop_when import TokenPrice
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.type_models import TYPE_MODELS

RequestT = TypeVar("RequestT", bound=AnyRequest)


def check_rules(arguments: CreateEvaluationInput) -> None:
    """Raise InvalidRequestError if `stop_when` does not fit the type or another argument."""
    rules = arguments.stop_when
    if rules is None:
        return
    compares = "model_b" in TYPE_MODELS[arguments.type].fields
    if rules.smaller_than is not None and not compares:
        raise InvalidRequestError("`stop_when`: smaller_than is for compare; use width.")
    if rules.target is not None and compares:
        raise InvalidRequestError(
            "`stop_when`: target is a pass rate, which compare has not; leave it out."
        )
    if rules.decided and rules.target is None and not compares:
        raise InvalidRequestError(
            "`stop_when`: decided needs target, the pass rate in percent that the answers must be "
            "certain to be above or below."
        )


def refuse_rules(arguments: CreateEvaluationInput) -> None:
    """Raise InvalidRequestError if one of several metrics has `stop_when`."""
    if arguments.stop_when is not None:
        raise InvalidRequestError(
            "`metrics` and `stop_when` exclude each other: metrics that stop at different rows "
            "could not be compared. Start one evaluation for each metric."
        )


async def with_prices(request: RequestT, provider: Provider) -> RequestT:
    """Return a request whose limit in dollars has the prices to count by; others unchanged.

    Raises:
        InvalidRequestError: the price of a model is unknown.
    """
    if isinstance(request, BenchmarkRequest) or request.stop_when is None:
        return request
    if request.stop_when.max_usd is None:
        return request
    parameters = request.parameters
    service = provider.service_of(parameters.input_data_file_path)
    models = {"judge": parameters.judge, **candidates(parameters)}
    called = {
        role: model
        for role, model in models.items()
        if not isinstance(model, str)
        and (isinstance(model, ModelRequest) or not model.model.startswith(RULE_PREFIX))
    }
    listed = await fetch_prices(service)
    prices: dict[str, TokenPrice] = {}
    for role, model in called.items():
        price = listed.price_of(model.model, model.model_source)
        if price is None:
            reason = listed.failure or f"no price is known for `{role}`"
            raise InvalidRequestError(
                f"`stop_when`: max_usd cannot be counted, because {reason}. Leave it out and limit "
                "the rows with `sample`, or use a model with a price; see list_models."
            )
        prices[role] = TokenPrice(input=price.input, output=price.output)
    if not prices:
        raise InvalidRequestError("`stop_when`: max_usd is not needed, since nothing costs money.")
    rules = request.stop_when.model_copy(update={"prices": prices})
    return request.model_copy(update={"stop_when": rules})
