"""The engine's evaluation API as an OpenAPI description, from the table of operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from evals_schemas.contract import Operation
from evals_schemas.evaluation_api.errors import ErrorBody
from evals_schemas.evaluation_api.evaluations import EvaluationRequest
from evals_schemas.evaluation_api.operations import (
    CANCEL_EVALUATION,
    CREATE_EVALUATION,
    DELETE_FILE,
    GET_FILE_CONTENT,
    LIST_EVALUATIONS,
    LIST_JUDGES,
    OPERATIONS,
    READ_ROWS,
    UPLOAD_FILE,
)

REFERENCE = "#/components/schemas/{model}"
EVERYWHERE = frozenset({401})
REFUSALS: dict[str, frozenset[int]] = {
    CREATE_EVALUATION.name: frozenset({400, 408, 413, 415, 422, 429}),
    LIST_EVALUATIONS.name: frozenset({400}),
    READ_ROWS.name: frozenset({409}),
    UPLOAD_FILE.name: frozenset({400, 408, 413}),
    DELETE_FILE.name: frozenset({409}),
    GET_FILE_CONTENT.name: frozenset({400, 416}),
    CANCEL_EVALUATION.name: frozenset(),
}
"""What an operation answers beside success, 401, and 404 for an id."""

UPLOAD = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": {"enum": ["eval", "fine-tune", ""]},
        "file_name": {"type": "string"},
        "file_type": {"enum": ["jsonl", "csv", "parquet"]},
    },
    "required": ["file"],
}


class Description:
    """Collects the schemas that the operations refer to."""

    def __init__(self, values: Mapping[str, Sequence[Any]]) -> None:
        """Describe a service whose creates take these values only, by the field."""
        self._values = values
        self._schemas: dict[str, Any] = {}

    def document(self) -> dict[str, Any]:
        """The whole description."""
        paths: dict[str, dict[str, Any]] = {}
        for operation in OPERATIONS:
            described = self._operation(operation)
            paths.setdefault(operation.path, {})[operation.method.lower()] = described
        return {
            "openapi": "3.1.0",
            "info": {"title": "Evaluations", "version": "1"},
            "servers": [{"url": "http://engine/v1"}],
            "security": [{"bearer": []}],
            "paths": paths,
            "components": {
                "schemas": self._schemas,
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            },
        }

    def _operation(self, operation: Operation) -> dict[str, Any]:
        refused = EVERYWHERE | REFUSALS.get(operation.name, frozenset())
        if "{id}" in operation.path:
            refused |= {404}
        described: dict[str, Any] = {
            "operationId": operation.name,
            "parameters": [*self._parameters(operation)],
            "responses": {
                "200": self._success(operation),
                **{str(status): self._answer(ErrorBody) for status in sorted(refused)},
            },
        }
        if operation == GET_FILE_CONTENT:
            described["responses"]["206"] = self._success(operation)
        if operation == UPLOAD_FILE:
            described["requestBody"] = _body("multipart/form-data", UPLOAD)
        if operation == CREATE_EVALUATION:
            described["requestBody"] = _body("application/json", self._creation())
        return described

    def _parameters(self, operation: Operation) -> Iterable[dict[str, Any]]:
        if "{id}" in operation.path:
            schema = {"type": "string", "minLength": 1}
            yield {"name": "id", "in": "path", "required": True, "schema": schema}
        if operation == LIST_EVALUATIONS:
            states = {"enum": ["pending", "completed", "user_error", "none"]}
            yield {"name": "status", "in": "query", "schema": states}
            limits = {"type": "integer", "minimum": 1, "maximum": 100}
            yield {"name": "limit", "in": "query", "schema": limits}
        if operation == LIST_JUDGES:
            yield {"name": "model_source", "in": "query", "schema": {"type": "string"}}
        if operation == GET_FILE_CONTENT:
            yield {"name": "Range", "in": "header", "schema": {"type": "string"}}
        if operation == CREATE_EVALUATION:
            keys = {"type": "string", "minLength": 1, "maxLength": 255}
            yield {"name": "Idempotency-Key", "in": "header", "schema": keys}

    def _success(self, operation: Operation) -> dict[str, Any]:
        if operation.answers is None:
            kinds = ("application/jsonl", "text/csv", "multipart/byteranges")
            return {"description": "Bytes.", "content": {kind: {} for kind in kinds}}
        return self._answer(operation.answers, as_list=operation.as_list)

    def _answer(self, model: type[Any], *, as_list: bool = False) -> dict[str, Any]:
        schema = self._known(TypeAdapter(model).json_schema(ref_template=REFERENCE))
        if as_list:
            schema = {"type": "array", "items": schema}
        return {"description": "JSON.", "content": {"application/json": {"schema": schema}}}

    def _known(self, schema: dict[str, Any]) -> dict[str, Any]:
        self._schemas |= schema.pop("$defs", {})
        return schema

    def _creation(self) -> dict[str, Any]:
        """What a create sends, with values that fit each other among those that need not."""
        schema = self._known(TypeAdapter(EvaluationRequest).json_schema(ref_template=REFERENCE))
        for one in self._schemas.values():
            properties = one.get("properties", {})
            if "input_data_file_path" in properties or "model_source" in properties:
                fitting = self._values.keys() & properties.keys()
                properties |= {name: {"enum": [*self._values[name]]} for name in fitting}
        return schema


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema}}}
