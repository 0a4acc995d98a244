"""What a service is asked for, in the words of whoever made the call: the tool's, not the API's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from evals_schemas import operations
from evals_schemas.operations import Operation
from evals_schemas.tools import RESPONSE_COLUMNS

_PLAIN = {
    operations.CREATE_EVALUATION: "start the evaluation",
    operations.LIST_EVALUATIONS: "list the evaluations",
    operations.GET_EVALUATION: "read the evaluation",
    operations.GET_STATUS: "read the evaluation's status",
    operations.CANCEL_EVALUATION: "cancel the evaluation",
    operations.LIST_JUDGES: "list the judges",
    operations.UPLOAD_FILE: "store the data set",
    operations.LIST_FILES: "list the data sets",
    operations.GET_FILE_CONTENT: "read the file",
    operations.LIST_MODELS: "list the models",
}

_TOOLS = {
    operations.UPLOAD_FILE: "upload_dataset",
    operations.LIST_FILES: "list_datasets",
    operations.LIST_JUDGES: "list_models",
    operations.GET_FILE_CONTENT: "the same tool",
}
"""Which tool an operation belongs to, where it is not called like the tool."""

_KEPT_FROM_CALLERS = {"external_base_url", "external_api_token"}


def in_plain_words(operation: Operation) -> str:
    """What an operation does; continues `was asked to …`."""
    return _PLAIN.get(operation, f"answer {operation.method} {operation.path}")


def tool_of(operation: Operation) -> str:
    """The tool to call again once an operation can succeed."""
    return _TOOLS.get(operation, operation.name)


def tool_field(param: str, body: object) -> str:
    """What the tools call a field of a request.

    Args:
        param: The API's path to it, such as `parameters.judge.model`.
        body: The request. A candidate that is a string is a column of ready answers, which the
            tools take in a field of its own.
    """
    steps = param.removeprefix("parameters.").split(".")
    if steps[-1] in _KEPT_FROM_CALLERS:
        steps[-1] = "external_credential"
    if steps[0] in RESPONSE_COLUMNS and isinstance(_parameters(body).get(steps[0]), str):
        return RESPONSE_COLUMNS[steps[0]]
    return ".".join(steps)


def _parameters(body: object) -> Mapping[str, object]:
    found = cast("Mapping[str, object]", body).get("parameters") if isinstance(body, dict) else None
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}
