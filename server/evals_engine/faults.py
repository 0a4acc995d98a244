"""The two ways in which the model side of a run fails, by who can help."""

from evals_schemas.reasons import Reason

MAX_QUOTE = 200
"""The most characters quoted of anything that the engine did not write itself."""


def cleaned(text: str, limit: int = MAX_QUOTE) -> str:
    """One line of printable text, cut to `limit` characters: what a message may quote."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * limit])
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class RequestError(ValueError):
    """The request cannot run as it is: the caller must change it.

    Found before the run it is an HTTP 400, found when the run begins it ends the run as
    `user_error`, found at a row the row counts as failed and the run goes on.
    """

    def __init__(
        self, message: str, param: str | None = None, reason: Reason | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        """The request field at fault, such as `judge.system_template`; None for no one field."""
        self.reason = reason
        """What a program may decide by; None for nothing."""


class ModelCallError(Exception):
    """A model gave no answer to one call; the row has no verdict and the run goes on."""

    def __init__(
        self, message: str, status: int | None = None, reason: Reason | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status that ended the call; None when no answer arrived or it was unusable."""
        self.reason = reason
        """What is wrong with the endpoint; None where the endpoint is not at fault."""
