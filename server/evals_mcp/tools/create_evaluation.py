"""`create_evaluation`: plans evaluations, asks the user if needed, and starts each once."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from evals_mcp.derivations.rule_copies import copied_note, with_copy_for_rule
from evals_mcp.derivations.sample import Sample
from evals_mcp.errors import (
    AmbiguousCreateError,
    CallerError,
    DailyLimitError,
    EvalsMCPError,
    InvalidRequestError,
)
from evals_mcp.launching import outcomes
from evals_mcp.launching.agreed_estimate import change_reason
from evals_mcp.launching.ask_user import Answer
from evals_mcp.launching.budget import (
    DECLINED_BEFORE,
    over_the_day,
    over_the_limit,
    reasons_to_ask,
)
from evals_mcp.launching.codes import Code
from evals_mcp.launching.launch import Derive, Launch, RequestedEvaluation
from evals_mcp.launching.metrics.arguments import arguments_by_metric, of_metric
from evals_mcp.launching.metrics.group import MetricsLaunch, RequestedMetrics, metrics_question
from evals_mcp.launching.metrics.outcomes import started_metrics, with_metrics
from evals_mcp.launching.metrics.shared_answers import generating_metrics
from evals_mcp.launching.metrics.starting import earlier_metrics, metrics_under, start_metrics
from evals_mcp.launching.question import question
from evals_mcp.launching.request import to_request
from evals_mcp.launching.starting import earlier_evaluation, start_evaluation
from evals_mcp.launching.stopping.rules import refuse_rules, with_prices
from evals_mcp.providers.several.types import refuse_unsupported_type
from evals_mcp.spending.settling import current_day
from evals_mcp.state.names import NAME_CHARS, checked_name
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.earlier.evaluations import EarlierEvaluations, earlier_evaluations
from evals_mcp.tools.earlier.sent_files import continuing, derive_of
from evals_mcp.tools.evaluation_summary import headline_of
from evals_mcp.tools.labelling.result_files import refuse_open_result_file
from evals_schemas.evaluation_api.evaluations import ENDED
from evals_schemas.reasons import Reason
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.tools.outputs import CreateEvaluationOutput
from evals_schemas.tools.plans import Plan, Range

AnyLaunch = Launch | MetricsLaunch
"""One planned evaluation, or several."""


async def create_evaluation(
    arguments: CreateEvaluationInput, session: ToolSession
) -> CreateEvaluationOutput:
    """Start a valid evaluation once, after the user has agreed to its cost if that is needed.

    Raises:
        AmbiguousCreateError: the evaluation may have been started.
        UserQuestionError: the call ends with a question to the user.
        EvalsMCPError: nothing was started, and the message says so.
    """
    async with earlier_evaluations(session) as earlier:
        output = await _created(arguments, session, earlier)
    if output.metrics is not None:
        named = [await _named_metric(line, arguments.name, session) for line in output.metrics]
        lines = [await _with_headline(line, session) for line in named]
        return output.model_copy(update={"metrics": lines})
    output = await _named(output, arguments.name, session)
    if output.outcome != "exists" or output.status not in ENDED or not output.evaluation_id:
        return output
    try:
        job = await session.provider.get_evaluation(output.evaluation_id)
        return output.model_copy(update={"headline": await headline_of(job, session)})
    except EvalsMCPError:
        return output


async def _with_headline(line: dict[str, Any], session: ToolSession) -> dict[str, Any]:
    """Return the line of a metric, with its headline if it exists and has ended."""
    if line.get("outcome") != "exists" or line["status"] not in ENDED:
        return line
    try:
        job = await session.provider.get_evaluation(line["evaluation_id"])
        headline = await headline_of(job, session)
    except EvalsMCPError:
        return line
    return line | {"headline": headline} if headline else line


async def _named_metric(
    line: dict[str, Any], name: str | None, session: ToolSession
) -> dict[str, Any]:
    """Name the evaluation of a metric after both names, and return the line of the metric."""
    if line.get("evaluation_id"):
        text = " ".join(filter(None, [name, str(line["name"])]))[:NAME_CHARS]
        with suppress(EvalsMCPError):  # the evaluation runs, and its line names the metric
            await session.names.give(
                item_of(session.provider, line["evaluation_id"]), checked_name(text)
            )
    return line


async def _named(
    output: CreateEvaluationOutput, text: str | None, session: ToolSession
) -> CreateEvaluationOutput:
    """Name the evaluation, unless it has a name already, and return the output with its name.

    The evaluation runs, so a name that cannot be stored is a warning.
    """
    if output.outcome not in {"started", "exists"} or not output.evaluation_id:
        return output
    item = item_of(session.provider, output.evaluation_id)
    try:
        if text:
            name = await session.names.give(item, checked_name(text))
        else:
            name = await session.names.of(item)
    except EvalsMCPError as error:
        warnings = [*output.warnings, f"The name was not stored. {error}"]
        return output.model_copy(update={"warnings": warnings})
    return output.model_copy(update={"name": name})


async def _created(
    arguments: CreateEvaluationInput, session: ToolSession, earlier: EarlierEvaluations
) -> CreateEvaluationOutput:
    """Return the output without the headline of an evaluation that already exists."""
    try:
        requested = await _requested(arguments, session, earlier)
        reply = session.ask_user.reply
        has_declined = reply is not None and not reply.agreed and not arguments.dry_run
        if reply and has_declined:
            # Recorded before anything can fail: after a "no", nothing of this request starts.
            await session.launches.decline(requested, reply.code)
        launch = await _planned(requested, arguments, session)
        if arguments.dry_run:
            return _shown(launch, outcomes.plan(launch, session.settings.budget))
        if has_declined:
            return _shown(launch, outcomes.declined(launch))
        _refuse(launch, session)
        if (code := await _confirmation_code(arguments, launch, session)) is not None:
            return await _under_code(launch, code, session)
        return await _without_code(launch, arguments, session, earlier)
    except AmbiguousCreateError:
        raise
    except EvalsMCPError as error:
        raise _not_started(error) from None


async def _requested(
    arguments: CreateEvaluationInput, session: ToolSession, earlier: EarlierEvaluations
) -> RequestedEvaluation | RequestedMetrics:
    """Return the request or the requests with complete ids; their data are not read."""
    if arguments.name is not None:
        checked_name(arguments.name)
    if arguments.metrics is None:
        requested = await _requested_evaluation(arguments, session, earlier)
        if arguments.retry_of is not None:
            return requested  # its rows are read with those of its own service
        request, source = await with_copy_for_rule(requested.request, session.provider)
        return replace(requested, request=request, copied_from=source)
    requests: dict[str, RequestedEvaluation] = {}
    for name, of_one in arguments_by_metric(arguments).items():
        with _errors_of_metric(name):
            refuse_rules(of_one)
            requests[name] = await _requested_evaluation(of_one, session, earlier)
    requested = RequestedMetrics(requests)
    requested.check()
    return requested


async def _requested_evaluation(
    arguments: CreateEvaluationInput, session: ToolSession, earlier: EarlierEvaluations
) -> RequestedEvaluation:
    refuse_unsupported_type(arguments.type, session.provider)
    arguments, rows = await earlier.completed(arguments)
    selection = rows or (None if arguments.sample is None else Sample(arguments.sample))
    request = to_request(arguments, session.settings.credentials)
    complete = await session.provider.with_public_ids(request)
    await refuse_open_result_file(complete, session)
    complete = await with_prices(complete, session.provider)
    complete = continuing(complete, rows)
    return RequestedEvaluation(complete, session.provider, selection=selection)


@contextmanager
def _errors_of_metric(name: str) -> Generator[None]:
    """Begin the messages of errors with the metric that they are about."""
    try:
        yield
    except EvalsMCPError as error:
        raise type(error)(of_metric(name) + str(error), error.reason) from None


async def _planned(
    requested: RequestedEvaluation | RequestedMetrics,
    arguments: CreateEvaluationInput,
    session: ToolSession,
) -> AnyLaunch:
    # Imported here because planning is slow to import, and a start does not need it.
    from evals_mcp.planning.plan import planned_evaluation  # noqa: PLC0415
    from evals_mcp.planning.several_plans import combined_plan, without_generation  # noqa: PLC0415

    async def planned(of: RequestedEvaluation) -> tuple[Plan, Derive | None]:
        result = await planned_evaluation(
            of.request, of.provider, session.planning, arguments.half_width, of.selection
        )
        if of.copied_from:
            notes = [copied_note(of.copied_from, of.service), *result.plan.notes]
            result = replace(result, plan=result.plan.model_copy(update={"notes": notes}))
        return result.plan, derive_of(of, result.derivation, session.derived)

    if isinstance(requested, RequestedEvaluation):
        plan, derive = await planned(requested)
        request, provider, selection = requested.request, requested.provider, requested.selection
        again = arguments.again
        return await _with_day(
            Launch(request, provider, plan, again, derive=derive, selection=selection), session
        )
    plans: dict[str, Plan] = {}
    derives: dict[str, Derive | None] = {}
    taken = generating_metrics(requested.requests)
    for name, each in requested.requests.items():
        plan, derives[name] = await planned(each)
        plans[name] = without_generation(plan) if name in taken else plan
    combined, again = combined_plan(plans, taken), arguments.again
    launch = MetricsLaunch(requested.requests, plans, combined, again, taken=taken, derives=derives)
    return await _with_day(launch, session)


async def _with_day(launch: AnyLaunch, session: ToolSession) -> AnyLaunch:
    """Return the launch with what is left of the day, if a day has a limit."""
    cost = Range(low=0, high=0) if launch.plan.calls == 0 else launch.plan.cost_usd
    day = await current_day(cost, session.provider, session.launches.spending)
    if day is None or launch.plan.calls == 0:
        return launch
    notes = [day.note, *launch.plan.notes]
    return replace(launch, plan=launch.plan.model_copy(update={"notes": notes}), day=day)


def _refuse(launch: AnyLaunch, session: ToolSession) -> None:
    """Refuse a plan that has problems or is over a limit of the budget.

    Raises:
        InvalidRequestError: the plan has problems, or is over the limit of an evaluation.
        DailyLimitError: the day's limit has no room for it.
    """
    if launch.plan.problems:
        raise InvalidRequestError(" ".join(launch.plan.problems))
    if reason := over_the_limit(launch.plan, session.settings.budget):
        raise InvalidRequestError(reason)
    if reason := over_the_day(launch.plan, launch.day):
        raise DailyLimitError(reason)


async def _confirmation_code(
    arguments: CreateEvaluationInput, launch: AnyLaunch, session: ToolSession
) -> Code | None:
    """Return the code from the argument or from the user's answer; None without one."""
    reply = session.ask_user.reply
    text = arguments.confirm or (reply.code if reply else None)
    return None if text is None else await session.launches.read_code(text, launch)


async def _under_code(
    launch: AnyLaunch, code: Code, session: ToolSession
) -> CreateEvaluationOutput:
    """Start the evaluation that a genuine code is for, or say why the user must be asked again."""
    launches, ask_user = session.launches, session.ask_user
    launches.close_question(launch)
    if started := await _started_under(code, launch, session):
        return started
    codes = await launches.codes()
    is_for_this = codes.is_for(code, launch.digest)
    if is_for_this and await launches.is_withdrawn(code):
        return outcomes.withdrawn(launch)
    reason = codes.rejection(code, launch.digest, launch.estimate, again=launch.again)
    if reason is None:
        return await _started(replace(launch, again=code.again, code=code), session)
    if running := await _earlier(launch, session):
        return running
    new_code = await launches.new_code(launch)
    if ask_user.reply and ask_user.answers_later and is_for_this:
        # The client has just asked the user, so it can ask again: the call ends with a question.
        await _ask(launch, new_code, [reason], session)
    return _shown(launch, outcomes.confirm(launch, [reason], new_code))


async def _without_code(
    launch: AnyLaunch,
    arguments: CreateEvaluationInput,
    session: ToolSession,
    earlier: EarlierEvaluations,
) -> CreateEvaluationOutput:
    """Start the evaluation if it needs no agreement; else ask the user or issue a code."""
    launches = session.launches
    reasons = reasons_to_ask(launch.plan, session.settings.budget)
    if not reasons and await launches.is_declined(launch):
        reasons = [DECLINED_BEFORE]
    if not reasons:
        return await _started(launch, session)
    if running := await _earlier(launch, session):
        return running
    code = await launches.new_code(launch)
    match await _ask(launch, code, reasons, session):
        case "agreed":
            requested = await _requested(arguments, session, earlier)
            return await _agreed(await _planned(requested, arguments, session), code, session)
        case "declined":
            await launches.decline(launch)
            return _shown(launch, outcomes.declined(launch))
        case "unanswered":
            if await launches.is_withdrawn(code):
                return outcomes.withdrawn(launch)
            return _shown(launch, outcomes.confirm(launch, reasons, code))


async def _agreed(launch: AnyLaunch, code: Code, session: ToolSession) -> CreateEvaluationOutput:
    """Start what the user has agreed to, unless a new plan shows that the cost has risen."""
    _refuse(launch, session)
    if code.estimate.covers(launch.estimate):
        return await _started(replace(launch, code=code), session)
    if await session.launches.is_withdrawn(code):
        return outcomes.withdrawn(launch)
    reason = change_reason(code.estimate, launch.estimate)
    new_code = await session.launches.new_code(launch)
    return _shown(launch, outcomes.confirm(launch, [reason], new_code))


async def _ask(launch: AnyLaunch, code: Code, reasons: list[str], session: ToolSession) -> Answer:
    ask_user = session.ask_user
    if ask_user.answers_later and not session.launches.open_question(launch):
        return "unanswered"
    if isinstance(launch, Launch):
        text = question(launch, reasons)
    else:
        text = metrics_question(launch, reasons)
    return await ask_user.ask(text, code.text, session.clock.sleep)


async def _started_under(
    code: Code, launch: AnyLaunch, session: ToolSession
) -> CreateEvaluationOutput | None:
    """Return what was started under a code; None if nothing was, or not every metric."""
    if isinstance(launch, Launch):
        started = await session.launches.repeats.started_under(code, launch)
        return outcomes.exists(launch, started) if started else None
    results = await metrics_under(code, launch, session.launches)
    return started_metrics(launch, results) if results else None


async def _earlier(launch: AnyLaunch, session: ToolSession) -> CreateEvaluationOutput | None:
    """Return what identical creates have started; None if nothing was, or not every metric."""
    if isinstance(launch, Launch):
        earlier = await earlier_evaluation(launch, session.launches)
        return outcomes.exists(launch, earlier) if earlier else None
    results = await earlier_metrics(launch, session.launches)
    return started_metrics(launch, results) if len(results) == len(launch.requests) else None


async def _started(launch: AnyLaunch, session: ToolSession) -> CreateEvaluationOutput:
    """Start what identical creates have not started and the user has not declined."""
    if isinstance(launch, MetricsLaunch):
        results = await start_metrics(launch, session.launches)
        if all(result.outcome == "declined" for result in results[:1]):
            return outcomes.withdrawn(launch)
        return started_metrics(launch, results)
    started = await start_evaluation(launch, session.launches)
    if started is None:
        return outcomes.withdrawn(launch)
    evaluation, is_new = started
    return (outcomes.started if is_new else outcomes.exists)(launch, evaluation)


def _shown(launch: AnyLaunch, output: CreateEvaluationOutput) -> CreateEvaluationOutput:
    """Return an output without a start, with a line for each metric of several."""
    if isinstance(launch, Launch):
        return output
    from evals_mcp.planning.several_plans import plan_figures  # noqa: PLC0415

    figures = {name: plan_figures(plan) for name, plan in launch.plans.items()}
    return with_metrics(output, launch, figures)


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
