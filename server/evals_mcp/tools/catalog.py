"""The tools, in the order in which a conversation needs them.

A new tool is a module of this folder, models in `evals_schemas.tools`, a function in
`evals_mcp.rendering` and a line of `TOOLS`; then `make schemas` writes the list of tools again.
"""

from __future__ import annotations

from typing import Any

from evals_mcp.rendering import comparison, lists, tool_text
from evals_mcp.tools.calls.definition import ToolDefinition
from evals_mcp.tools.cancel_evaluation import cancel_evaluation
from evals_mcp.tools.compare_evaluations import compare_evaluations
from evals_mcp.tools.create_evaluation import create_evaluation
from evals_mcp.tools.delete_data import delete_data
from evals_mcp.tools.export_results import export_results
from evals_mcp.tools.get_evaluation import get_evaluation
from evals_mcp.tools.get_status import get_status
from evals_mcp.tools.labelling import label_rows, people
from evals_mcp.tools.list_datasets import list_datasets
from evals_mcp.tools.list_evaluations import list_evaluations
from evals_mcp.tools.list_models import list_models
from evals_mcp.tools.read_results import read_results
from evals_mcp.tools.upload_dataset import upload_dataset
from evals_schemas.labelling.call import LabelRowsInput, LabelRowsOutput
from evals_schemas.tools.comparisons import CompareEvaluationsInput, CompareEvaluationsOutput
from evals_schemas.tools.exports import ExportResultsInput, ExportResultsOutput
from evals_schemas.tools.inputs import (
    CancelEvaluationInput,
    CreateEvaluationInput,
    DeleteDataInput,
    GetEvaluationInput,
    GetStatusInput,
    ListDatasetsInput,
    ListEvaluationsInput,
    ListModelsInput,
    UploadDatasetInput,
)
from evals_schemas.tools.outputs import (
    CancelEvaluationOutput,
    CreateEvaluationOutput,
    DeleteDataOutput,
    GetEvaluationOutput,
    ListDatasetsOutput,
    ListEvaluationsOutput,
    ListModelsOutput,
    StatusOutput,
    UploadDatasetOutput,
)
from evals_schemas.tools.result_pages import ReadResultsInput, ReadResultsOutput

TOOLS: tuple[ToolDefinition[Any, Any], ...] = (
    ToolDefinition(
        name="upload_dataset",
        title="Upload a data set",
        description="Check a data file, or inline rows, and store it for evaluations. Returns the "
        "file id, columns and a preview. Faulty or already stored files are not sent.",
        takes=UploadDatasetInput,
        returns=UploadDatasetOutput,
        run=upload_dataset,
        render=tool_text.uploaded,
    ),
    ToolDefinition(
        name="list_datasets",
        title="List data sets",
        description="The newest uploaded data sets and benchmarks with their ids.",
        takes=ListDatasetsInput,
        returns=ListDatasetsOutput,
        run=list_datasets,
        render=lists.datasets,
        read_only=True,
        idempotent=True,
    ),
    ToolDefinition(
        name="list_models",
        title="List models",
        description="Models and rules that can judge or be evaluated, with prices; ready rubrics.",
        takes=ListModelsInput,
        returns=ListModelsOutput,
        run=list_models,
        render=tool_text.models,
        read_only=True,
        idempotent=True,
    ),
    ToolDefinition(
        name="create_evaluation",
        title="Start an evaluation",
        description="Start judging every row of a data set, or running models on a benchmark; "
        "returns the id at once. dry_run shows rows, calls and cost first. A costly evaluation "
        "needs the user's agreement: then pass its code as `confirm`. Columns that "
        "nothing reads are not sent, and are in the results. An identical call starts nothing new.",
        takes=CreateEvaluationInput,
        returns=CreateEvaluationOutput,
        run=create_evaluation,
        render=tool_text.created,
        has_page=True,
    ),
    ToolDefinition(
        name="get_status",
        title="Check an evaluation",
        description="Status and progress of an evaluation; can wait for its end.",
        takes=GetStatusInput,
        returns=StatusOutput,
        run=get_status,
        render=tool_text.status,
        read_only=True,
        idempotent=True,
    ),
    ToolDefinition(
        name="get_evaluation",
        title="Read an evaluation's results",
        description="Results of an evaluation with 95 % intervals and failure counts, and its "
        "parameters.",
        takes=GetEvaluationInput,
        returns=GetEvaluationOutput,
        run=get_evaluation,
        render=tool_text.evaluation,
        read_only=True,
        idempotent=True,
        has_page=True,
    ),
    ToolDefinition(
        name="read_results",
        title="Read judged rows",
        description="Rows of an evaluation with verdicts and reasons, such as failing rows.",
        takes=ReadResultsInput,
        returns=ReadResultsOutput,
        run=read_results,
        render=tool_text.results,
        read_only=True,
        idempotent=True,
    ),
    ToolDefinition(
        name="compare_evaluations",
        title="Compare two evaluations",
        description="Two ended evaluations of the same type over the same rows: paired difference "
        "with interval and p-value, agreement of judges, and the rows that changed.",
        takes=CompareEvaluationsInput,
        returns=CompareEvaluationsOutput,
        run=compare_evaluations,
        render=comparison.comparison,
        read_only=True,
        idempotent=True,
        has_page=True,
    ),
    ToolDefinition(
        name="label_rows",
        title="Label rows",
        description="The user labels a sample of rows without seeing verdicts; never label "
        "yourself.",
        takes=LabelRowsInput,
        returns=LabelRowsOutput,
        run=label_rows.label_rows,
        render=label_rows.rendered,
        people_only=people.LABELS,
    ),
    ToolDefinition(
        name="export_results",
        title="Export results",
        description="Write all rows of an ended evaluation, with verdicts, reasons and what made "
        "them, to a new file to keep.",
        takes=ExportResultsInput,
        returns=ExportResultsOutput,
        run=export_results,
        render=tool_text.exported,
        read_only=True,
    ),
    ToolDefinition(
        name="list_evaluations",
        title="List evaluations",
        description="Evaluations, newest first, with their main figures.",
        takes=ListEvaluationsInput,
        returns=ListEvaluationsOutput,
        run=list_evaluations,
        render=lists.evaluations,
        read_only=True,
        idempotent=True,
    ),
    ToolDefinition(
        name="cancel_evaluation",
        title="Cancel an evaluation",
        description="Stop a running evaluation permanently; finished rows are kept.",
        takes=CancelEvaluationInput,
        returns=CancelEvaluationOutput,
        run=cancel_evaluation,
        render=tool_text.cancelled,
        destructive=True,
        idempotent=True,
    ),
    ToolDefinition(
        name="delete_data",
        title="Delete a data set or evaluation",
        description="Delete an unused data set, or an ended evaluation with its result file, for "
        "good, once the user agreed.",
        takes=DeleteDataInput,
        returns=DeleteDataOutput,
        run=delete_data,
        render=tool_text.deleted,
        destructive=True,
    ),
)

BY_NAME = {definition.name: definition for definition in TOOLS}
