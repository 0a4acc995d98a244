"""`create_evaluation`: check the request against the data set, then start it."""

from __future__ import annotations

from evals_mcp.errors import (
    AmbiguousCreateError,
    CallerError,
    EvalsMCPError,
)
from evals_mcp.providers.protocol import JudgedRequest
from evals_mcp.tools.evaluation_requests import to_request
from evals_mcp.tools.session import ToolSession
from evals_schemas.evaluations import (
    RULE_PREFIX,
    CompareParameters,
    EvaluationCreated,
    candidates,
)
from evals_schemas.tools import CreateEvaluationInput, CreateEvaluationOutput

_NOT_STARTED = "Nothing was started"


async def create_evaluation(
    arguments: CreateEvaluationInput, session: ToolSession
) -> CreateEvaluationOutput:
    """Start an evaluation whose columns, templates and fields fit together.

    Raises:
        AmbiguousCreateError: it may have been started.
        EvalsMCPError: anything else; it was not, and the message says so.
    """
    try:
        request = to_request(arguments, session.settings.credentials)
        created = await _created(request, session)
    except AmbiguousCreateError:
        raise
    except EvalsMCPError as error:
        raise _not_started(error) from None
    return CreateEvaluationOutput(
        outcome="started",
        evaluation_id=created.workflow_id,
        type=arguments.type,
        status=created.status,
        provider=session.provider.name,
        calls=0 if calls_per_row(request) == 0 else None,
        next_step=f"Call get_status with evaluation_id {created.workflow_id} and wait_seconds 45, "
        "again until it has ended; then get_evaluation.",
    )


async def _created(request: JudgedRequest, session: ToolSession) -> EvaluationCreated:
    # Jinja2 costs start-up time that only this call has to pay.
    from evals_mcp.preflight import check_request  # noqa: PLC0415

    await check_request(request, session.provider)
    return await session.provider.create_evaluation(request)


def _not_started(error: EvalsMCPError) -> EvalsMCPError:
    """The same error, ending with what became of the evaluation."""
    text = str(error)
    if _NOT_STARTED.casefold() in text.casefold():
        return error
    again = isinstance(error, CallerError)
    advice = "; correct this and call create_evaluation again." if again else "."
    return type(error)(f"{text.rstrip('.')}. {_NOT_STARTED}{advice}")


def calls_per_row(request: JudgedRequest) -> int:
    """How many model calls a row costs, retries aside."""
    parameters = request.parameters
    answers = sum(not isinstance(side, str) for side in candidates(parameters).values())
    if parameters.judge.model.startswith(RULE_PREFIX):
        return answers
    once = not isinstance(parameters, CompareParameters) or bool(
        parameters.disable_position_bias_correction
    )
    return answers + (1 if once else 2)
