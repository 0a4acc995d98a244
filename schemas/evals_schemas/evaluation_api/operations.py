"""The operations of the evaluation API: one table for routes, client and tests."""

from evals_schemas.contract import Operation
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationDeleted,
    EvaluationJob,
    EvaluationStatus,
)
from evals_schemas.evaluation_api.files import File, FileDeleted, FileList
from evals_schemas.evaluation_api.models import JudgeModelList, Model

CREATE_EVALUATION = Operation("create_evaluation", "POST", "/evaluation", EvaluationCreated)
LIST_EVALUATIONS = Operation("list_evaluations", "GET", "/evaluation", EvaluationJob, as_list=True)
GET_EVALUATION = Operation("get_evaluation", "GET", "/evaluation/{id}", EvaluationJob)
GET_STATUS = Operation("get_status", "GET", "/evaluation/{id}/status", EvaluationStatus)
CANCEL_EVALUATION = Operation(
    "cancel_evaluation", "POST", "/evaluation/{id}/cancel", EvaluationJob, vendor=False
)
DELETE_EVALUATION = Operation(
    "delete_evaluation", "DELETE", "/evaluation/{id}", EvaluationDeleted, vendor=False
)
READ_ROWS = Operation("read_rows", "GET", "/evaluation/{id}/rows", None, vendor=False)
LIST_JUDGES = Operation("list_judges", "GET", "/evaluation/model-list", JudgeModelList)
UPLOAD_FILE = Operation("upload_file", "POST", "/files/upload", File)
LIST_FILES = Operation("list_files", "GET", "/files", FileList)
GET_FILE = Operation("get_file", "GET", "/files/{id}", File)
GET_FILE_CONTENT = Operation("get_file_content", "GET", "/files/{id}/content", None)
DELETE_FILE = Operation("delete_file", "DELETE", "/files/{id}", FileDeleted)
LIST_MODELS = Operation("list_models", "GET", "/models", Model, as_list=True)

OPERATIONS = (
    CREATE_EVALUATION,
    LIST_EVALUATIONS,
    LIST_JUDGES,
    GET_EVALUATION,
    GET_STATUS,
    CANCEL_EVALUATION,
    DELETE_EVALUATION,
    READ_ROWS,
    UPLOAD_FILE,
    LIST_FILES,
    GET_FILE,
    GET_FILE_CONTENT,
    DELETE_FILE,
    LIST_MODELS,
)
