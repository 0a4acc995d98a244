"""Turns the flat input of `create_evaluation` into the request that a service accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError

from evals_mcp.argument_errors.messages import explain
from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError, NoTokenError
from evals_mcp.launching.stopping.rules import check_rules
from evals_mcp.near_names import near_names
from evals_mcp.providers.protocol import AnyRequest, JudgedRequest
from evals_mcp.providers.same_request import ROW_ARGUMENTS
from evals_mcp.rubrics.requested import with_ready_rubric
from evals_mcp.settings.schema import NamedEndpointSettings
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.defaults import CANDIDATE_MAX_TOKENS, TEMPERATURE
from evals_schemas.evaluation_api.evaluations import parse_evaluation_request
from evals_schemas.evaluation_types import BENCHMARK
from evals_schemas.sequential.stop_when import STOP_WHEN
from evals_schemas.tools.inputs import (
    RESPONSE_COLUMNS,
    CandidateInput,
    CreateEvaluationInput,
    JudgeInput,
)
from evals_schemas.type_models import TYPE_MODELS

_SIDES = ("model_a", "model_b")
"""The two sides of a type that compares two answers; both are required."""

MODEL_OF = {column: model for model, column in RESPONSE_COLUMNS.items()}
"""The argument for a model to run, by the one for a column of ready answers."""

COLUMN_OF = RESPONSE_COLUMNS
"""The argument for a column of ready answers, by the one for a model to run."""

_REQUIRED_OF_CANDIDATES = {"max_tokens": CANDIDATE_MAX_TOKENS, "temperature": TEMPERATURE}
"""Fields that the contract requires, with their documented defaults: a strict service refuses a
candidate without them."""

_LABELS = 10
"""Most labels that a message names."""

CALL_FIELDS = frozenset({"changes", "name", "metrics", "dry_run", "half_width", "confirm", "again"})
"""Fields of the tool that say how to start an evaluation, not what to evaluate."""

ROW_FIELDS = (ROW_ARGUMENTS | {STOP_WHEN}) & CreateEvaluationInput.model_fields.keys()
"""Fields that choose rows of the data set; only the engine knows `stop_when`."""


def to_request(
    arguments: CreateEvaluationInput, credentials: Mapping[str, NamedEndpointSettings]
) -> AnyRequest:
    """Return the API's request, with credentials looked up and a ready rubric as its text.

    Raises:
        InvalidRequestError: a field belongs to another type or is missing, two fields exclude
            each other, or a ready rubric does not fit.
        NoTokenError: a credential has no token in the configuration.
    """
    _check_fields_of_type(arguments)
    arguments = with_ready_rubric(arguments)
    try:
        if arguments.type == BENCHMARK:
            return _benchmark_request(arguments)
        return _judged_request(arguments, credentials)
    except ValidationError as error:
        raise InvalidRequestError(_explain(arguments, error)) from None


def _benchmark_request(arguments: CreateEvaluationInput) -> BenchmarkRequest:
    fields = arguments.model_dump(exclude_none=True, include=set(TYPE_MODELS[BENCHMARK].fields))
    request = BenchmarkRequest.model_validate(fields)
    if request.model_id_2 == request.model_id:
        raise InvalidRequestError(
            "`model_id_2` is the same as `model_id`: name another model to compare it with, or "
            "leave it out."
        )
    return request


def _judged_request(
    arguments: CreateEvaluationInput, credentials: Mapping[str, NamedEndpointSettings]
) -> JudgedRequest:
    fields = arguments.model_dump(
        exclude_none=True,
        exclude={"type", "judge", *CALL_FIELDS, *ROW_FIELDS, *RESPONSE_COLUMNS, *MODEL_OF},
    )
    if arguments.judge:
        fields["judge"] = _endpoint("judge", arguments.judge, credentials)
    for model, column in RESPONSE_COLUMNS.items():
        candidate = cast("CandidateInput | None", getattr(arguments, model))
        answers = cast("str | None", getattr(arguments, column))
        if candidate and answers:
            raise InvalidRequestError(
                f"`{column}` and `{model}` exclude each other: the first names a column of ready "
                "answers, the second runs a model."
            )
        if candidate:
            fields[model] = _endpoint(model, candidate, credentials)
        elif answers:
            fields[model] = answers
    _check_sides(arguments, fields)
    _check_pass_labels(arguments)
    request = {"type": arguments.type, "parameters": fields}
    if arguments.stop_when is not None:
        check_rules(arguments)
        request[STOP_WHEN] = arguments.stop_when.model_dump(exclude_none=True)
    return parse_evaluation_request(request)


def _check_fields_of_type(arguments: CreateEvaluationInput) -> None:
    passed = arguments.model_fields_set - {"type", *CALL_FIELDS}
    for name in CreateEvaluationInput.model_fields:
        if name not in passed or getattr(arguments, name) is None:
            continue
        types = [kind for kind in TYPE_MODELS if has_field(kind, name)]
        if arguments.type not in types:
            raise InvalidRequestError(
                f"`{name}` belongs to type {_listed(types)}, not {arguments.type}: leave it "
                f"out or change `type`. {_fields_of(arguments.type)}"
            )


def _listed(names: list[str]) -> str:
    return " and ".join([*filter(None, [", ".join(names[:-1])]), *names[-1:]])


def has_field(kind: str, name: str) -> bool:
    """Return whether evaluations of a type have an argument; false for an unknown type."""
    if name in ROW_FIELDS:
        return kind in TYPE_MODELS and kind != BENCHMARK
    return kind in TYPE_MODELS and MODEL_OF.get(name, name) in TYPE_MODELS[kind].fields


def _fields_of(kind: str) -> str:
    names = [
        name
        for name in CreateEvaluationInput.model_fields
        if name != "type" and has_field(kind, name)
    ]
    return f"A {kind} evaluation takes {', '.join(names)}."


def _check_sides(arguments: CreateEvaluationInput, fields: Mapping[str, Any]) -> None:
    for side in _SIDES:
        if side in TYPE_MODELS[arguments.type].fields and side not in fields:
            raise InvalidRequestError(
                f"`{RESPONSE_COLUMNS[side]}` or `{side}` is missing: name a column of ready "
                "answers, or give a model to run."
            )


def _check_pass_labels(arguments: CreateEvaluationInput) -> None:
    """Raise InvalidRequestError if a pass label is no label, with the label that is meant."""
    labels = arguments.labels or []
    unknown = [label for label in arguments.pass_labels or () if label not in labels]
    if unknown and labels:
        near = near_names(unknown[0], labels, 1)
        hint = (
            f"did you mean {quoted(near[0], 60)}?" if near else f"the labels are {_shown(labels)}."
        )
        raise InvalidRequestError(
            f"`pass_labels`: {quoted(unknown[0], 60)} is not one of `labels`; {hint}"
        )


def _shown(labels: list[str]) -> str:
    more = f" and {len(labels) - _LABELS} more" if len(labels) > _LABELS else ""
    return ", ".join(quoted(label, 60) for label in labels[:_LABELS]) + more


def _endpoint(
    field: str,
    endpoint: JudgeInput | CandidateInput,
    credentials: Mapping[str, NamedEndpointSettings],
) -> dict[str, Any]:
    """Return the API's fields of a model. Only here, a configured key is unwrapped."""
    fields = endpoint.model_dump(exclude_none=True, exclude={"external_credential"})
    if isinstance(endpoint, CandidateInput):
        fields = _REQUIRED_OF_CANDIDATES | fields
    name = endpoint.external_credential
    if endpoint.model_source == "external":
        return fields | _credential(f"{field}.external_credential", name, credentials)
    if name is not None:
        raise InvalidRequestError(
            f"`{field}.external_credential` needs `{field}.model_source` external."
        )
    return fields


def _credential(
    field: str, name: str | None, credentials: Mapping[str, NamedEndpointSettings]
) -> dict[str, str]:
    """Return the address and the key of an external model, both from the configuration only."""
    names = ", ".join(sorted(credentials))
    configured = (
        f"Configured: {names}."
        if names
        else "None is configured: ask the administrator to add one under [credentials]."
    )
    if name is None:
        raise InvalidRequestError(
            f"`{field}` is missing: model_source external needs a credential. {configured}"
        )
    if (credential := credentials.get(name)) is None:
        raise InvalidRequestError(f"`{field}` is not a configured credential. {configured}")
    if credential.token is None and credential.token_env:
        raise NoTokenError(
            f"The credential {name} has no token: ask the administrator to set the environment "
            f"variable {credential.token_env} and to restart the server."
        )
    fields = {"external_base_url": credential.base_url}
    if (token := credential.token) is not None:
        fields["external_api_token"] = token.get_secret_value()
    return fields


def _explain(arguments: CreateEvaluationInput, error: ValidationError) -> str:
    """Return what breaks the request's rules, with paths that leave out the API's outer levels."""
    problems = error.errors(include_url=False, include_input=True)
    for problem in problems:
        problem["loc"] = tuple(
            step for step in problem["loc"] if step not in {arguments.type, "parameters"}
        )
    return explain(problems, {"properties": _descriptions()}, "create_evaluation")


def _descriptions() -> dict[str, Any]:
    fields = CreateEvaluationInput.model_fields
    return {name: {"description": field.description} for name, field in fields.items()}
