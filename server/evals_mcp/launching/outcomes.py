"""The output of `create_evaluation`, one function for each outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from evals_mcp.cleaning import inert
from evals_mcp.launching.budget import over_the_day, over_the_limit, reasons_to_ask
from evals_mcp.launching.codes import Code
from evals_mcp.launching.launch import Launch, PlannedRequest
from evals_mcp.launching.repeats import StartedEvaluation
from evals_mcp.settings.schema import BudgetSettings
from evals_schemas.tools.outputs import CreateEvaluationOutput
from evals_schemas.tools.plans import Plan

_LISTED = 12
"""Most sentences of one kind in an output."""

_COLUMNS = 40
_REASON = 300


def started(launch: Launch, evaluation: StartedEvaluation) -> CreateEvaluationOutput:
    """Return the output for an evaluation that was started."""
    return _ran(
        launch,
        "started",
        f"Call get_status with evaluation_id {evaluation.evaluation_id} and wait_seconds 45, again "
        "until it has ended; then get_evaluation.",
        evaluation,
    )


def exists(launch: Launch, evaluation: StartedEvaluation) -> CreateEvaluationOutput:
    """Return the output for an evaluation that an identical create has already started."""
    note = f"{inert(evaluation.note, 200).rstrip('.')}. " if evaluation.note else ""
    return _ran(
        launch,
        "exists",
        f"{note}Call get_status with evaluation_id {evaluation.evaluation_id} and wait_seconds 45. "
        "To start another one anyway, call create_evaluation again with `again` true and without "
        "`confirm`.",
        evaluation,
    )


def plan(launch: PlannedRequest, budget: BudgetSettings) -> CreateEvaluationOutput:
    """Return the output of a dry run, even if a create would be refused."""
    again = "Call create_evaluation again without dry_run"
    if launch.plan.problems:
        step = "A create would be refused: correct the problems, then call create_evaluation again."
    elif reason := over_the_limit(launch.plan, budget) or over_the_day(launch.plan, launch.day):
        step = f"A create would be refused. {reason}"
    elif reasons := reasons_to_ask(launch.plan, budget):
        step = f"{again} to start it; the user is asked first. {_why(reasons, launch.plan)}"
    else:
        step = f"{again} to start it."
    return _answer(launch, "plan", step.strip())


def confirm(launch: PlannedRequest, reasons: Sequence[str], code: Code) -> CreateEvaluationOutput:
    """Return the output that asks for the user's agreement, with a code for the next call."""
    what = "what would start, the calls and the cost"
    if launch.plan.warnings:
        what = "what would start, the calls, the cost and the warnings"
    step = (
        f"{_why(reasons, launch.plan)} Tell the user {what}. Only when they agree, call "
        "create_evaluation again with the same arguments and `confirm` set to the code, which is "
        f"valid for {code.lifetime} s."
    )
    answer = _answer(launch, "confirm", step.strip())
    return answer.model_copy(update={"confirm": code.text, "expires_in_seconds": code.lifetime})


def declined(launch: PlannedRequest) -> CreateEvaluationOutput:
    """Return the output after the user has declined."""
    step = "Do not start it unless the user asks for it; ask them what to change."
    return _answer(launch, "declined", step)


def withdrawn(launch: PlannedRequest) -> CreateEvaluationOutput:
    """Return the output for a code, or for an agreement, from before the user's last "no"."""
    step = (
        "The user has declined this request since the code was issued or the question was asked, "
        "so neither is valid any more. Do not start it unless the user asks for it; then call "
        "create_evaluation again without `confirm`."
    )
    return _answer(launch, "declined", step)


def _ran(
    launch: Launch,
    outcome: Literal["started", "exists"],
    next_step: str,
    evaluation: StartedEvaluation,
) -> CreateEvaluationOutput:
    """Return the output for one evaluation."""
    service = launch.provider.service_of(evaluation.evaluation_id)
    update = {
        "evaluation_id": evaluation.evaluation_id,
        "status": evaluation.status,
        "provider": service.name,
        "plan": None,
    }
    return _answer(launch, outcome, next_step).model_copy(update=update)


def _answer(
    launch: PlannedRequest,
    outcome: Literal["started", "exists", "plan", "confirm", "declined"],
    next_step: str,
) -> CreateEvaluationOutput:
    return CreateEvaluationOutput(
        outcome=outcome,
        type=launch.kind,
        provider=launch.service,
        calls=launch.plan.calls,
        cost_usd=launch.plan.cost_usd,
        warnings=launch.plan.warnings[:_LISTED],
        plan=_bounded(launch.plan, rows=outcome == "plan"),
        next_step=next_step,
    )


def _why(reasons: Sequence[str], plan: Plan) -> str:
    """Return the reasons without warnings, which have a field, or else the first warning."""
    others = [reason for reason in reasons if reason not in plan.warnings]
    return " ".join(others) or f"The reason is a warning: {inert(reasons[0], _REASON)}"


def _bounded(whole: Plan, *, rows: bool) -> Plan:
    """Return the plan with bounded lists and without the warnings, which are not repeated."""
    return whole.model_copy(
        update={
            "columns_used": whole.columns_used[:_COLUMNS],
            "columns_carried": whole.columns_carried[:_COLUMNS],
            "first_row": whole.first_row if rows else [],
            "problems": whole.problems[:_LISTED],
            "warnings": [],
            "notes": whole.notes[:_LISTED],
        }
    )
