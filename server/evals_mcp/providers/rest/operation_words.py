"""Names of operations and fields for messages: the tools' names, not the API's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from evals_schemas.contract import Operation
from evals_schemas.tools.inputs import RESPONSE_COLUMNS

_PLAIN = {
    "create_evaluation": "start the evaluation",
    "list_evaluations": "list the evaluations",
    "get_evaluation": "read the evaluation",
    "get_status": "read the evaluation's status",
    "cancel_evaluation": "cancel the evaluation",
    "delete_evaluation": "delete the evaluation",
    "delete_file": "delete the data set",
    "delete_benchmark": "delete the benchmark",
    "list_judges": "list the judges",
    "upload_file": "store the data set",
    "list_files": "list the data sets",
    "get_file_content": "read the file",
    "list_models": "list the models",
    "upload_benchmark": "store the benchmark",
    "list_benchmarks": "list the benchmarks",
    "read_questions": "read the benchmark",
    "read_benchmark_rows": "read the evaluation's rows",
}
"""Descriptions by the operation's name, which all generations of a contract share."""

_TOOLS = {
    "upload_file": "upload_dataset",
    "list_files": "list_datasets",
    "delete_evaluation": "delete_data",
    "delete_file": "delete_data",
    "delete_benchmark": "delete_data",
    "list_judges": "list_models",
    "get_file_content": "the same tool",
    "upload_benchmark": "upload_dataset",
    "list_benchmarks": "list_datasets",
    "read_questions": "the same tool",
    "read_benchmark_rows": "the same tool",
}
"""Tools by operation, where the operation's name differs from the tool's."""

_BESIDE_A_BASELINE = {"model_id": "model_id_2", "baseline_model_id": "model_id"}
"""The tools' names of a comparison's models, if the API calls the first one a baseline."""

_KEPT_FROM_CALLERS = {"external_base_url", "external_api_token"}


def in_plain_words(operation: Operation) -> str:
    """Return what an operation does; continues `was asked to …`."""
    return _PLAIN.get(operation.name, f"answer {operation.method} {operation.path}")


def tool_of(operation: Operation) -> str:
    """Return the tool to call again once an operation can succeed."""
    return _TOOLS.get(operation.name, operation.name)


def tool_field(param: str, body: object) -> str:
    """Return the tools' name of a request field.

    Args:
        param: The API's path of the field, such as `parameters.judge.model`.
        body: The request. A candidate that is a string is a column of ready answers, for which
            the tools have a separate field.
    """
    steps = param.removeprefix("parameters.").split(".")
    if steps[-1] in _KEPT_FROM_CALLERS:
        steps[-1] = "external_credential"
    if "baseline_model_id" in _object(body):
        steps[-1] = _BESIDE_A_BASELINE.get(steps[-1], steps[-1])
    if steps[0] in RESPONSE_COLUMNS and isinstance(_parameters(body).get(steps[0]), str):
        return RESPONSE_COLUMNS[steps[0]]
    return ".".join(steps)


def _parameters(body: object) -> Mapping[str, object]:
    return _object(_object(body).get("parameters"))


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
