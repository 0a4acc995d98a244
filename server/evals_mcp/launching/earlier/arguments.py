"""Completes the arguments of a create with those of the earlier evaluation that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from evals_mcp.argument_errors.messages import explain
from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.request import CALL_FIELDS, COLUMN_OF, ROW_FIELDS
from evals_mcp.providers.rest.ids import own_id_of
from evals_mcp.results.rows import answer_columns_of
from evals_mcp.settings.schema import NamedEndpointSettings
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.earlier import MODELS
from evals_schemas.tools.inputs import CandidateInput, CreateEvaluationInput, JudgeInput
from evals_schemas.tools.portable_schema import portable_schema
from evals_schemas.type_models import TYPE_MODELS

_FILE = "input_data_file_path"
_MAY_DIFFER_IN_A_RETRY = frozenset({_FILE, *MODELS})
"""Arguments that may be given with `retry_of` and other values; all others decide how verdicts are
read, and must be the same for all rows."""

_ONE_ANSWER, _TWO_ANSWERS = ("response_column",), ("response_column_a", "response_column_b")


def retried_arguments(
    arguments: CreateEvaluationInput,
    job: EvaluationJob,
    credentials: Mapping[str, NamedEndpointSettings],
) -> CreateEvaluationInput:
    """Return the arguments of a retry: those of the evaluation, and what the call changes.

    Raises:
        InvalidRequestError: the call changes how verdicts are read, or names other data.
    """
    _refuse_other_data(arguments, job, "retry_of")
    if arguments.type != job.type:
        raise InvalidRequestError(
            f"`type` is {arguments.type}, and {job.workflow_id} is a {job.type} evaluation: a "
            f"retry has the same type. Give `type` {job.type}."
        )
    taken_over = _arguments_of(job, credentials)
    arguments_of_call = _changed_arguments(arguments)
    for name, value in arguments_of_call.items():
        if name not in _MAY_DIFFER_IN_A_RETRY and taken_over.get(name) != value:
            raise InvalidRequestError(
                f"`{name}` differs from {job.workflow_id}, whose rows a retry takes over: leave it "
                "out. To change it, start an evaluation of all rows, without `retry_of`."
            )
    return _checked({**taken_over, **_merged(arguments, taken_over)}, job)


def reusing_arguments(
    arguments: CreateEvaluationInput,
    job: EvaluationJob,
    credentials: Mapping[str, NamedEndpointSettings],
) -> CreateEvaluationInput:
    """Return the arguments of an evaluation that judges the answers of an earlier one.

    What the call leaves out is taken over if both have the same type.

    Raises:
        InvalidRequestError: the call names other data or a model to run, or it is not clear which
            answers it means.
    """
    _refuse_other_data(arguments, job, "answers_of")
    generated = [name for name in COLUMN_OF if name in (arguments.changes or {})]
    if generated:
        raise InvalidRequestError(
            f"`answers_of` and `{generated[0]}` exclude each other: the answers are those of "
            f"{job.workflow_id}, and nothing is generated."
        )
    taken_over = _arguments_of(job, credentials)
    if arguments.type != job.type:
        taken_over = {_FILE: taken_over[_FILE]}
    fields = {
        name: value
        for name, value in {**taken_over, **_merged(arguments, taken_over)}.items()
        if name not in COLUMN_OF
    }
    return _checked({**fields, **_columns(arguments, job)}, job)


def _columns(arguments: CreateEvaluationInput, job: EvaluationJob) -> dict[str, str]:
    """Return the response columns: those that are given, else those of the earlier answers."""
    takes_two = set(_TWO_ANSWERS) <= {
        COLUMN_OF.get(name) for name in TYPE_MODELS[arguments.type].fields
    }
    names = _TWO_ANSWERS if takes_two else _ONE_ANSWER
    columns = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    answers = list(answer_columns_of(job.parameters))
    if len(columns) == len(names) or (not answers and not takes_two):
        return columns
    if not columns and len(answers) == len(names):
        return dict(zip(names, answers, strict=True))
    missing = next(name for name in names if name not in columns)
    listed = " or ".join(quoted(name, 60) for name in answers) or "a column of the data set"
    raise InvalidRequestError(
        f"`{missing}` is missing: {job.workflow_id} has {len(answers)} "
        f"answer{'' if len(answers) == 1 else 's'} to a row. Name {listed}."
    )


def _refuse_other_data(arguments: CreateEvaluationInput, job: EvaluationJob, argument: str) -> None:
    if arguments.sample is not None:
        raise InvalidRequestError(
            f"`{argument}` and `sample` exclude each other: the rows are those of "
            f"{job.workflow_id}. Leave `sample` out."
        )
    file_id, data_set = arguments.input_data_file_path, str(job.parameters.get(_FILE) or "")
    if file_id is not None and own_id_of(file_id) != own_id_of(data_set):
        raise InvalidRequestError(
            f"`{argument}` and `{_FILE}` exclude each other: {job.workflow_id} is over the data "
            f"set {quoted(data_set, 80)}, whose rows are taken. Leave `{_FILE}` out."
        )


def _changed_arguments(arguments: CreateEvaluationInput) -> dict[str, Any]:
    """Return the arguments of the call that say what to evaluate, without models."""
    return arguments.model_dump(
        exclude_unset=True,
        exclude_none=True,
        exclude={"type", _FILE, *CALL_FIELDS, *ROW_FIELDS, *MODELS},
    )


def _merged(arguments: CreateEvaluationInput, taken_over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the call; a model has the fields that the call leaves out, too."""
    models = {
        name: {**_object(taken_over.get(name)), **_object(change)}
        for name, change in (arguments.changes or {}).items()
    }
    return {"type": arguments.type, **_changed_arguments(arguments), **models}


def _arguments_of(
    job: EvaluationJob, credentials: Mapping[str, NamedEndpointSettings]
) -> dict[str, Any]:
    """Return an evaluation's parameters as the arguments of a create."""
    fields: dict[str, Any] = {}
    for name, value in job.parameters.items():
        if name not in TYPE_MODELS[job.type or ""].fields or value is None:
            continue
        if name in MODELS and isinstance(value, dict):
            form = JudgeInput if name == "judge" else CandidateInput
            fields[name] = _model(form, cast("dict[str, Any]", value), credentials)
        else:
            fields[COLUMN_OF.get(name, name)] = value
    return fields


def _model(
    form: type[BaseModel],
    value: Mapping[str, Any],
    credentials: Mapping[str, NamedEndpointSettings],
) -> dict[str, Any]:
    """Return a model's fields, with the credential whose address an external one has."""
    fields = {name: value[name] for name in form.model_fields if value.get(name) is not None}
    address = value.get("external_base_url")
    names = [name for name, each in credentials.items() if each.base_url == address]
    return fields | ({"external_credential": names[0]} if address and names else {})


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _checked(fields: Mapping[str, Any], job: EvaluationJob) -> CreateEvaluationInput:
    try:
        return CreateEvaluationInput.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        text = explain(problems, portable_schema(CreateEvaluationInput), "create_evaluation")
        end = f"What you leave out is taken over from {job.workflow_id}"
        same = f"{end}." if fields.get("type") == job.type else f"{end} only for type {job.type}."
        raise InvalidRequestError(f"{text} {same}") from None
