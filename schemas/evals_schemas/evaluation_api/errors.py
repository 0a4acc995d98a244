"""The error body of the evaluation API."""

from pydantic import Field

from evals_schemas.contract import Answer


class ErrorDetail(Answer):
    """An error, for a person and for a program."""

    message: str = Field(description="What is wrong and, where known, what would be accepted.")
    type: str = Field(
        default="invalid_request_error",
        description="The kind of error, such as invalid_request_error or not_found_error.",
    )
    param: str | None = Field(
        default=None, description="The request field at fault; absent if no field is."
    )
    code: str | None = Field(default=None, description="A stable short code; absent without one.")


class ErrorBody(Answer):
    """The body of every unsuccessful answer."""

    error: ErrorDetail = Field(description="The one error that ended the request.")
