"""Shows an evaluation on a derived file as it was requested, and the way back."""

from __future__ import annotations

from typing import Any

from evals_mcp.derivations.derivation import DerivedFile
from evals_mcp.providers.rest.ids import own_id_of
from evals_mcp.providers.same_request import ROW_ARGUMENTS
from evals_schemas.evaluation_api.evaluations import EvaluationJob

FILE_FIELD = "input_data_file_path"
SENT_FIELD = "sent_file"
"""The parameter that an evaluation on a derived file is shown with: the file that was sent."""


def file_of(job: EvaluationJob) -> str | None:
    """Return the id of the data set of an evaluation; None without one."""
    file_id = job.parameters.get(FILE_FIELD)
    return file_id if isinstance(file_id, str) and file_id else None


def as_requested(job: EvaluationJob, file_id: str, derived: DerivedFile) -> EvaluationJob:
    """Return an evaluation on a derived file, which has this id, with its request's parameters."""
    shown = {FILE_FIELD: beside(file_id, derived.original), SENT_FIELD: file_id}
    parameters = {**job.parameters, **derived.recipe.arguments, **shown}
    return job.model_copy(update={"parameters": parameters})


def sent_parameters(job: EvaluationJob) -> dict[str, Any]:
    """Return the parameters of an evaluation as its service has them; see `as_requested`."""
    sent = job.parameters.get(SENT_FIELD)
    if not sent:
        return dict(job.parameters)
    shown_only = ROW_ARGUMENTS | {SENT_FIELD}
    others = {name: value for name, value in job.parameters.items() if name not in shown_only}
    return others | {FILE_FIELD: sent}


def beside(public_id: str, own_id: str) -> str:
    """Return a file's own id as callers see it, given the id of another file of its service."""
    return public_id.removesuffix(own_id_of(public_id)) + own_id
