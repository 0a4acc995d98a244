"""What can go wrong, by who must act. Every message names the field or setting, the value that
would work, and what to call next; none carries a secret, a row or an unbounded vendor text.

    EvalsMCPError
    ├── OperatorError            whoever set the server up changes its configuration
    │   ├── SettingsError        a setting is missing, unknown, misspelt or a placeholder
    │   ├── NoTokenError         a provider is chosen and has no token
    │   └── TokenRefusedError    the service does not take the token
    ├── CallerError              the caller changes the request
    │   ├── InvalidRequestError  a field is missing, unknown or holds a value not allowed
    │   ├── DatasetFaultError    the data set cannot be used as it is
    │   ├── NotFoundError        no such evaluation, data set or model for this caller
    │   └── UnsupportedError     this provider cannot do it
    └── ServiceError             only time, or the service, helps
        ├── UnavailableError     not reached, overloaded, or failing; nothing was changed
        ├── BadAnswerError       reached, and what it answered is not the contract
        └── AmbiguousCreateError a create left and its answer was lost; says whether the job exists
"""

from evals_schemas.reasons import Reason


class EvalsMCPError(Exception):
    """The root: an expected failure, worded for the reader of the tool's answer."""

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        """What a program may decide by; None for nothing."""


class OperatorError(EvalsMCPError):
    """The configuration must change; the same call will not work before."""


class SettingsError(OperatorError):
    """A setting is missing, unknown, misspelt or still a placeholder."""


class NoTokenError(OperatorError):
    """The provider needs a token and none is configured."""


class TokenRefusedError(OperatorError):
    """The service answered 401 or 403 to the configured token."""


class CallerError(EvalsMCPError):
    """The request must change."""


class InvalidRequestError(CallerError):
    """A field is missing, unknown, or holds a value that is not allowed."""


class DatasetFaultError(CallerError):
    """The data set cannot be used as it is."""


class NotFoundError(CallerError):
    """Nothing of that id exists for this caller."""


class UnsupportedError(CallerError):
    """The provider has no such operation."""


class ServiceError(EvalsMCPError):
    """The service must recover; the same call may work later."""


class UnavailableError(ServiceError):
    """Not reached, overloaded or failing, after the retries that are allowed."""


class BadAnswerError(ServiceError):
    """The service answered something that is not the contract."""


class AmbiguousCreateError(ServiceError):
    """A create was sent and its answer lost; the message says whether the evaluation exists."""
