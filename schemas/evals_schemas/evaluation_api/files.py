"""The files API: data sets going in, result files coming out."""

from typing import Literal

from pydantic import Field

from evals_schemas.contract import Answer

DATASET_PURPOSE = "eval"
"""Purpose of a data set of the evaluation contract."""

BENCHMARK_PURPOSE = "benchmark"
"""Purpose of the questions of a benchmark."""


class File(Answer):
    """One stored file. The capitals in three field names are the vendor's."""

    id: str = Field(description="The file's id, `file-` and a UUID.")
    object: Literal["file"] = Field(default="file", description="Always `file`.")
    created_at: int = Field(default=0, description="When it was stored, in Unix seconds.")
    filename: str = Field(default="", description="The name it was uploaded under.")
    bytes: int = Field(default=0, description="Its size in bytes.", ge=0)
    purpose: str = Field(
        default=DATASET_PURPOSE,
        description="`eval` for a data set, `eval-output` for a result file.",
    )
    FileType: str = Field(default="jsonl", description="`jsonl` or `csv`.")
    Processed: bool = Field(default=True, description="Whether the service is done checking it.")
    LineCount: int = Field(
        default=0, description="Rows in it; 0 where the service has not counted them.", ge=0
    )
    processing_status: str | None = Field(
        default=None, description="Progress of the service's check; absent if unknown."
    )


class FileList(Answer):
    """Every file of the caller, the newest first."""

    object: Literal["list"] = Field(default="list", description="Always `list`.")
    data: list[File] = Field(description="The files.")


class FileDeleted(Answer):
    """The answer to the deletion of a file."""

    id: str = Field(description="The id that no longer exists.")
    object: Literal["file"] = Field(default="file", description="Always `file`.")
    deleted: bool = Field(default=True, description="Always true.")
