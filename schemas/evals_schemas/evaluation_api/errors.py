"""The error body of the evaluation API."""

from pydantic import Field

from evals_schemas.contract import Answer


class ErrorDetail(Answer):
    """What went wrong, for a person and for a program."""

    message: str = Field(description="What is wrong and, where known, what would be accepted.")
    type: str = Field(
        default="invalid_request_error",
        description="The kind of error, such as invalid_request_error or not_found_error.",
    )
    param: str | None = Field(
        default=None, description="The request field at fault; absent when none is."
    )
    code: str | None = Field(
        default=None, description="A stable short code; absent when there is none."
    )


class ErrorBody(Answer):
    """The body of every answer that is not a success."""

    error: ErrorDetail = Field(description="The one error that ended the request.")
