"""Texts on one evaluation in tool answers: progress, parameters, failure and next step."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from evals_mcp.cleaning import clean, inert
from evals_mcp.results.types.table import type_spec
from evals_mcp.service_spec import Capabilities
from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob, Progress
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.reasons import ENDPOINT_REASONS, Reason, reason_of
from evals_schemas.rubrics.table import rubric_of
from evals_schemas.tools.inputs import RESPONSE_COLUMNS
from evals_schemas.tools.outputs import ProgressOutput

STATUS_SHOWN = 40
"""Characters of a status at most, because a service may invent long ones."""

_TEXTS = (300, 120, 50, 20)
"""Characters of a text in the parameters: the first that keeps them within the budget."""

PARAMETERS_TOKENS = 600
"""Estimated tokens of the parameters of an evaluation."""

_ITEMS = 20
_KEYS = frozenset({"external_api_token", "external_base_url"})
_DEPTH = 4

_REASON = 300

_SETTINGS = {
    "serverless": "local.models.base_url and its token",
    "dedicated": "the endpoint's section under [local.dedicated]",
    "external": "the credential's section under [credentials]",
}
"""Settings to check, by model source."""


def unit_of(job: EvaluationJob) -> str:
    """Return what the evaluation counts, in the plural."""
    return type_spec(job.type).summing.unit or "rows"


def failure_reason(job: EvaluationJob, limit: int = _REASON) -> str | None:
    """Return why an evaluation failed, in the service's words; None if it has not failed."""
    if job.status not in ENDED or job.status == "completed":
        return None
    reason = _error_text(job)
    if not reason:
        return "The service gives no reason."
    return _kept_rows(job) if is_cancelled(job) else inert(reason, limit)


def reason_code(job: EvaluationJob) -> Reason | None:
    """Return the code of why an evaluation did not complete; None if the service gives no code."""
    return reason_of((job.results or {}).get("reason"))


def is_cancelled(job: EvaluationJob) -> bool:
    """Return whether the evaluation was cancelled, which the contract has no status for."""
    return reason_code(job) is Reason.CANCELLED


def after_failure(job: EvaluationJob, capabilities: Capabilities) -> str:
    """Return what to do about an evaluation that ended without completing.

    Args:
        job: The evaluation.
        capabilities: What the service that ran it can do.
    """
    if is_cancelled(job):
        if (job.results or {}).get("result_file_id"):
            return "Call read_results for the judged rows, or create_evaluation to start again."
        return "Call create_evaluation to start again."
    reason = reason_code(job)
    if capabilities.is_engine and reason in ENDPOINT_REASONS:
        settings = " and ".join(sorted(set(_endpoint_settings(job.parameters))))
        model = "; list_models shows the models' names" if reason is Reason.MODEL_MISSING else ""
        return (
            f"Ask the operator of this server to check {settings or 'local.models'}{model}. Then "
            "call create_evaluation again."
        )
    return "To run it again, correct what the error names and call create_evaluation."


def _error_text(job: EvaluationJob) -> str:
    reason = (job.results or {}).get("error")
    return reason.strip() if isinstance(reason, str) else ""


def _kept_rows(job: EvaluationJob) -> str:
    if job.progress is None:
        return "Cancelled; the rows judged before that are kept."
    done, total = job.progress.done, job.progress.total
    if not done:
        what = unit_of(job).removesuffix("s")
        return f"Cancelled before the first {what} was judged."
    of = f" of {total:,}" if total is not None else ""
    return f"Cancelled; {done:,}{of} {unit_of(job)} were judged and are kept."


def _endpoint_settings(parameters: Mapping[str, object]) -> Iterator[str]:
    """Yield the settings of the endpoints that serve an evaluation's models."""
    for field in ("judge", "model_to_evaluate", "model_a", "model_b"):
        value = parameters.get(field)
        if not isinstance(value, dict):
            continue
        model = cast("Mapping[str, object]", value)
        source = str(model.get("model_source"))
        if source in _SETTINGS and not str(model.get("model")).startswith(RULE_PREFIX):
            yield _SETTINGS[source]


def shown_progress(progress: Progress | None, kind: str | None) -> ProgressOutput | None:
    """Return the progress of an evaluation of a type; None if the service does not report it."""
    if progress is None:
        return None
    return ProgressOutput(
        done=progress.done, total=progress.total, unit=type_spec(kind).summing.unit
    )


def shown_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's parameters under the argument names of `create_evaluation`.

    Keys and URLs are removed, long texts and lists are cut, and a ready rubric is named.
    """
    arguments = {
        RESPONSE_COLUMNS.get(name, name) if isinstance(value, str) else name: value
        for name, value in parameters.items()
    }
    if judge := _with_named_rubric(arguments.get("judge")):
        arguments["judge"] = judge
    shown: object = {}
    for characters in _TEXTS:
        shown = _shown(arguments, _DEPTH, characters)
        if estimate_tokens(json.dumps(shown, ensure_ascii=False)) <= PARAMETERS_TOKENS:
            break
    return cast("dict[str, Any]", shown)


def _with_named_rubric(judge: object) -> dict[str, Any] | None:
    """Return the judge with the name of its ready rubric for the text; None without one."""
    fields = cast("dict[str, Any]", judge) if isinstance(judge, dict) else {}
    template = fields.get("system_template")
    recognised = rubric_of(template) if isinstance(template, str) else None
    if recognised is None:
        return None
    rubric, columns = recognised
    return fields | {"system_template": rubric.reference(columns)}


def _shown(value: object, depth: int, characters: int) -> object:
    if isinstance(value, str):
        return clean(value, characters)
    if isinstance(value, Mapping):
        items = list(cast("Mapping[str, object]", value).items())[:_ITEMS]
        return {
            clean(str(name), 80): _shown(item, depth - 1, characters)
            for name, item in items
            if depth and item is not None and name not in _KEYS
        }
    if isinstance(value, list):
        items = cast("list[object]", value)[:_ITEMS]
        return [_shown(item, depth - 1, characters) for item in items] if depth else []
    return value
