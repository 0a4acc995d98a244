"""The errors of a run's model side: of the request, of a single call, and of a stop."""

from evals_schemas.evaluation_api.usage import Usage
from evals_schemas.reasons import Reason


class RequestError(ValueError):
    """The request cannot run as it is: the caller must change it.

    Raised while a request is handled, it becomes an HTTP 400. Raised when the run begins, it ends
    the run as `user_error`. Raised for a row, it makes that row count as failed; the run continues.
    """

    def __init__(
        self, message: str, param: str | None = None, reason: Reason | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        """The request field at fault, such as `judge.system_template`; None for several."""
        self.reason = reason
        """The code that programs decide by; None if no program does."""


class StoppingError(Exception):
    """The process stops and makes no further call; the row is left to the next process."""


class ModelCallError(Exception):
    """A model call gave no answer; the row has no verdict and the run continues."""

    def __init__(
        self,
        message: str,
        status: int | None = None,
        reason: Reason | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status that ended the call; None if no answer arrived or it was unusable."""
        self.reason = reason
        """What is wrong with the endpoint; None if the endpoint is not at fault."""
        self.usage = usage or Usage()
        """The tokens that were used all the same, as far as the endpoint reports them."""
