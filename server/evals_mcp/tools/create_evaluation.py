"""`create_evaluation`: plans an evaluation, asks the user if needed, and starts it once."""

from __future__ import annotations

from dataclasses import replace

from evals_mcp.errors import AmbiguousCreateError, CallerError, EvalsMCPError, InvalidRequestError
from evals_mcp.launching import outcomes
from evals_mcp.launching.agreed_estimate import change_reason
from evals_mcp.launching.ask_user import Answer
from evals_mcp.launching.budget import over_the_limit, reasons_to_ask
from evals_mcp.launching.codes import Code, ConfirmCodes
from evals_mcp.launching.launch import Launch
from evals_mcp.launching.question import question
from evals_mcp.launching.repeats import StartedEvaluation
from evals_mcp.launching.request import to_request
from evals_mcp.providers.several.types import refuse_unsupported_type
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.reasons import Reason
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.tools.outputs import CreateEvaluationOutput


async def create_evaluation(
    arguments: CreateEvaluationInput, session: ToolSession
) -> CreateEvaluationOutput:
    """Start a valid evaluation once, after the user has agreed to its cost if that is needed.

    Raises:
        AmbiguousCreateError: the evaluation may have been started.
        UserQuestionError: the call ends with a question to the user.
        EvalsMCPError: nothing was started, and the message says so.
    """
    try:
        launch = await _planned(arguments, session)
        if arguments.dry_run:
            return outcomes.plan(launch, session.settings.budget)
        if (reply := session.ask_user.reply) and not reply.agreed:
            session.launches.close_question(launch.fingerprint)
            return outcomes.declined(launch)
        _refuse(launch, session)
        if (code := await _confirmation_code(arguments, session)) is not None:
            return await _under_code(launch, code, session)
        return await _without_code(launch, arguments, session)
    except AmbiguousCreateError:
        raise
    except EvalsMCPError as error:
        raise _not_started(error) from None


async def _planned(arguments: CreateEvaluationInput, session: ToolSession) -> Launch:
    # Imported here because loading Jinja2 would slow down every start.
    from evals_mcp.planning.plan import plan_evaluation  # noqa: PLC0415

    refuse_unsupported_type(arguments.type, session.provider)
    request = to_request(arguments, session.settings.credentials)
    request = session.provider.with_public_ids(request)
    plan = await plan_evaluation(request, session.provider, session.planning, arguments.half_width)
    return Launch(request, session.provider, plan, arguments.again)


def _refuse(launch: Launch, session: ToolSession) -> None:
    """Raise InvalidRequestError if the plan has problems or is over the budget's limit."""
    if launch.plan.problems:
        raise InvalidRequestError(" ".join(launch.plan.problems))
    if reason := over_the_limit(launch.plan, session.settings.budget):
        raise InvalidRequestError(reason)


async def _confirmation_code(arguments: CreateEvaluationInput, session: ToolSession) -> Code | None:
    """Return the code from the argument or from the user's answer; None without one."""
    reply = session.ask_user.reply
    text = arguments.confirm or (reply.code if reply else None)
    if text is None:
        return None
    return (await session.launches.codes()).read(text, session.provider.account)


async def _under_code(launch: Launch, code: Code, session: ToolSession) -> CreateEvaluationOutput:
    """Start the evaluation that a genuine code is for, or say why the user must be asked again."""
    session.launches.close_question(launch.fingerprint)
    if started := session.launches.repeats.started_under(code, launch.fingerprint):
        return outcomes.exists(launch, started)
    codes = await session.launches.codes()
    reason = codes.rejection(code, launch.fingerprint, launch.estimate, again=launch.again)
    if reason is None:
        return await _started(replace(launch, again=code.again, code=code), session)
    if earlier := await session.launches.repeats.find_earlier(launch):
        return outcomes.exists(launch, earlier)
    new_code = _new_code(launch, codes, session)
    ask_user = session.ask_user
    if ask_user.reply and ask_user.answers_later and codes.is_for(code, launch.fingerprint):
        # The client has just asked the user, so it can ask again: the call ends with a question.
        await _ask(launch, new_code, [reason], session)
    return outcomes.confirm(launch, [reason], new_code)


async def _without_code(
    launch: Launch, arguments: CreateEvaluationInput, session: ToolSession
) -> CreateEvaluationOutput:
    """Start the evaluation if it needs no agreement; else ask the user or issue a code."""
    reasons = reasons_to_ask(launch.plan, session.settings.budget)
    if not reasons:
        return await _started(launch, session)
    if earlier := await session.launches.repeats.find_earlier(launch):
        return outcomes.exists(launch, earlier)
    code = _new_code(launch, await session.launches.codes(), session)
    match await _ask(launch, code, reasons, session):
        case "agreed":
            return await _agreed(await _planned(arguments, session), code, session)
        case "declined":
            return outcomes.declined(launch)
        case "unanswered":
            return outcomes.confirm(launch, reasons, code)


async def _agreed(launch: Launch, code: Code, session: ToolSession) -> CreateEvaluationOutput:
    """Start what the user has agreed to, unless a new plan shows that the cost has risen."""
    _refuse(launch, session)
    if code.estimate.covers(launch.estimate):
        return await _started(replace(launch, code=code), session)
    reason = change_reason(code.estimate, launch.estimate)
    return outcomes.confirm(
        launch, [reason], _new_code(launch, await session.launches.codes(), session)
    )


async def _ask(launch: Launch, code: Code, reasons: list[str], session: ToolSession) -> Answer:
    ask_user, launches = session.ask_user, session.launches
    if ask_user.answers_later and not launches.open_question(launch.fingerprint):
        return "unanswered"
    return await ask_user.ask(question(launch, reasons), code.text, session.clock.sleep)


def _new_code(launch: Launch, codes: ConfirmCodes, session: ToolSession) -> Code:
    return codes.issue(
        session.provider.account,
        launch.fingerprint,
        launch.estimate,
        session.settings.budget.confirm_seconds,
        again=launch.again,
    )


async def _started(launch: Launch, session: ToolSession) -> CreateEvaluationOutput:
    """Start the evaluation, unless an identical create has started it."""
    repeats = session.launches.repeats
    async with repeats.lock(launch):
        if earlier := await repeats.find_earlier(launch):
            return outcomes.exists(launch, earlier)
        key = None
        if launch.code:
            key = (await session.launches.codes()).creation_key(launch.code)
        started: StartedEvaluation = await repeats.create(launch, key)
    return outcomes.started(launch, started)


def _not_started(error: EvalsMCPError) -> EvalsMCPError:
    """Return the error with a message that ends by saying that nothing was started."""
    if error.reason is Reason.NOTHING_STARTED:
        return error
    again = isinstance(error, CallerError)
    advice = "; correct this and call create_evaluation again." if again else "."
    message = f"{str(error).rstrip('.')}. Nothing was started{advice}"
    return type(error)(message, Reason.NOTHING_STARTED)
