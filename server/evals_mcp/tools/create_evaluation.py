"""`create_evaluation`: plans an evaluation, asks the user if needed, and starts it once."""

from __future__ import annotations

from dataclasses import replace

from evals_mcp.errors import AmbiguousCreateError, CallerError, EvalsMCPError, InvalidRequestError
from evals_mcp.launching import outcomes
from evals_mcp.launching.agreed_estimate import change_reason
from evals_mcp.launching.ask_user import Answer
from evals_mcp.launching.budget import DECLINED_BEFORE, over_the_limit, reasons_to_ask
from evals_mcp.launching.codes import Code
from evals_mcp.launching.launch import Launch, RequestedEvaluation
from evals_mcp.launching.question import question
from evals_mcp.launching.repeats import StartedEvaluation
from evals_mcp.launching.request import to_request
from evals_mcp.providers.several.types import refuse_unsupported_type
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.evaluation_summary import headline_of
from evals_schemas.evaluation_api.evaluations import ENDED
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
    output = await _created(arguments, session)
    if output.outcome != "exists" or output.status not in ENDED or not output.evaluation_id:
        return output
    try:
        job = await session.provider.get_evaluation(output.evaluation_id)
        return output.model_copy(update={"headline": await headline_of(job, session)})
    except EvalsMCPError:
        return output


async def _created(
    arguments: CreateEvaluationInput, session: ToolSession
) -> CreateEvaluationOutput:
    """Return the output without the headline of an evaluation that already exists."""
    try:
        requested = await _requested(arguments, session)
        reply = session.ask_user.reply
        has_declined = reply is not None and not reply.agreed and not arguments.dry_run
        if reply and has_declined:
            # Recorded before anything can fail: after a "no", nothing of this request starts.
            await session.launches.decline(requested, reply.code)
        launch = await _planned(requested, arguments, session)
        if arguments.dry_run:
            return outcomes.plan(launch, session.settings.budget)
        if has_declined:
            return outcomes.declined(launch)
        _refuse(launch, session)
        if (code := await _confirmation_code(arguments, launch, session)) is not None:
            return await _under_code(launch, code, session)
        return await _without_code(launch, arguments, session)
    except AmbiguousCreateError:
        raise
    except EvalsMCPError as error:
        raise _not_started(error) from None


async def _requested(arguments: CreateEvaluationInput, session: ToolSession) -> RequestedEvaluation:
    """Return the request with complete ids; its data are not read."""
    refuse_unsupported_type(arguments.type, session.provider)
    request = to_request(arguments, session.settings.credentials)
    complete = await session.provider.with_public_ids(request)
    return RequestedEvaluation(complete, session.provider)


async def _planned(
    requested: RequestedEvaluation, arguments: CreateEvaluationInput, session: ToolSession
) -> Launch:
    # Imported here because loading Jinja2 would slow down every start.
    from evals_mcp.planning.plan import plan_evaluation  # noqa: PLC0415

    request, provider = requested.request, requested.provider
    plan = await plan_evaluation(request, provider, session.planning, arguments.half_width)
    return Launch(request, provider, plan, arguments.again)


def _refuse(launch: Launch, session: ToolSession) -> None:
    """Raise InvalidRequestError if the plan has problems or is over the budget's limit."""
    if launch.plan.problems:
        raise InvalidRequestError(" ".join(launch.plan.problems))
    if reason := over_the_limit(launch.plan, session.settings.budget):
        raise InvalidRequestError(reason)


async def _confirmation_code(
    arguments: CreateEvaluationInput, launch: Launch, session: ToolSession
) -> Code | None:
    """Return the code from the argument or from the user's answer; None without one."""
    reply = session.ask_user.reply
    text = arguments.confirm or (reply.code if reply else None)
    return None if text is None else await session.launches.read_code(text, launch)


async def _under_code(launch: Launch, code: Code, session: ToolSession) -> CreateEvaluationOutput:
    """Start the evaluation that a genuine code is for, or say why the user must be asked again."""
    launches, ask_user = session.launches, session.ask_user
    launches.close_question(launch)
    if started := await launches.repeats.started_under(code, launch):
        return outcomes.exists(launch, started)
    codes = await launches.codes()
    is_for_this = codes.is_for(code, launch.digest)
    if is_for_this and await launches.is_withdrawn(code):
        return outcomes.withdrawn(launch)
    reason = codes.rejection(code, launch.digest, launch.estimate, again=launch.again)
    if reason is None:
        return await _started(replace(launch, again=code.again, code=code), session)
    if earlier := await _earlier(launch, session):
        return outcomes.exists(launch, earlier)
    new_code = await launches.new_code(launch)
    if ask_user.reply and ask_user.answers_later and is_for_this:
        # The client has just asked the user, so it can ask again: the call ends with a question.
        await _ask(launch, new_code, [reason], session)
    return outcomes.confirm(launch, [reason], new_code)


async def _without_code(
    launch: Launch, arguments: CreateEvaluationInput, session: ToolSession
) -> CreateEvaluationOutput:
    """Start the evaluation if it needs no agreement; else ask the user or issue a code."""
    launches = session.launches
    reasons = reasons_to_ask(launch.plan, session.settings.budget)
    if not reasons and await launches.is_declined(launch):
        reasons = [DECLINED_BEFORE]
    if not reasons:
        return await _started(launch, session)
    if earlier := await _earlier(launch, session):
        return outcomes.exists(launch, earlier)
    code = await launches.new_code(launch)
    match await _ask(launch, code, reasons, session):
        case "agreed":
            requested = await _requested(arguments, session)
            return await _agreed(await _planned(requested, arguments, session), code, session)
        case "declined":
            await launches.decline(launch)
            return outcomes.declined(launch)
        case "unanswered":
            if await launches.is_withdrawn(code):
                return outcomes.withdrawn(launch)
            return outcomes.confirm(launch, reasons, code)


async def _agreed(launch: Launch, code: Code, session: ToolSession) -> CreateEvaluationOutput:
    """Start what the user has agreed to, unless a new plan shows that the cost has risen."""
    _refuse(launch, session)
    if code.estimate.covers(launch.estimate):
        return await _started(replace(launch, code=code), session)
    if await session.launches.is_withdrawn(code):
        return outcomes.withdrawn(launch)
    reason = change_reason(code.estimate, launch.estimate)
    return outcomes.confirm(launch, [reason], await session.launches.new_code(launch))


async def _ask(launch: Launch, code: Code, reasons: list[str], session: ToolSession) -> Answer:
    ask_user = session.ask_user
    if ask_user.answers_later and not session.launches.open_question(launch):
        return "unanswered"
    return await ask_user.ask(question(launch, reasons), code.text, session.clock.sleep)


async def _earlier(launch: Launch, session: ToolSession) -> StartedEvaluation | None:
    """Return what an identical create has started, after waiting for one that is being sent."""
    async with session.launches.lock(launch):
        return await session.launches.repeats.find_earlier(launch)


async def _started(launch: Launch, session: ToolSession) -> CreateEvaluationOutput:
    """Start the evaluation, unless an identical create has started it or the user declined it."""
    launches = session.launches
    async with launches.lock(launch):
        earlier = await launches.repeats.search(launch)
        if earlier.evaluation:
            return outcomes.exists(launch, earlier.evaluation)
        key = None
        if launch.code:
            if await launches.is_withdrawn(launch.code):
                return outcomes.withdrawn(launch)
            key = (await launches.codes()).creation_key(launch.code)
        started = await launches.repeats.create(launch, earlier, key)
    if launch.code:
        await launches.note_agreement(launch.code)
    return outcomes.started(launch, started)


def _not_started(error: EvalsMCPError) -> EvalsMCPError:
    """Return the error with a message that ends by saying that nothing was started."""
    if error.reason is Reason.NOTHING_STARTED:
        return error
    again = isinstance(error, CallerError)
    advice = "; correct this and call create_evaluation again." if again else "."
    problem = str(error)
    end = "" if problem.endswith((".", "?")) else "."
    message = f"{problem}{end} Nothing was started{advice}"
    return type(error)(message, Reason.NOTHING_STARTED)
