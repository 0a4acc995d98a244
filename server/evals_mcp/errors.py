"""The errors of this server, by who must act.

Every message names the field or setting, the value that would work, and what to call next. No
message contains a secret, a row or a vendor's text of unlimited length.

    EvalsMCPError
    ├── OperatorError            the operator changes the configuration
    │   ├── SettingsError        a setting is missing, unknown, misspelt or a placeholder
    │   ├── NoTokenError         a provider is chosen and has no token
    │   ├── TokenRefusedError    the service does not accept the token
    │   └── DailyLimitError      the limit of a day has no room for it now
    ├── CallerError              the caller changes the request
    │   ├── InvalidRequestError  a field is missing, unknown or holds a value not allowed
    │   ├── DatasetFaultError    the data set cannot be used as it is
    │   ├── NotFoundError        no such evaluation, data set or model for this caller
    │   └── UnsupportedError     this provider cannot do it
    └── ServiceError             only time, or the service, helps
        ├── UnavailableError     not reached, overloaded, or failing; nothing was changed
        ├── BadAnswerError       reached, but its answer is not what the contract defines
        └── AmbiguousCreateError a create was sent and its answer lost; says whether the job exists
"""

from evals_schemas.reasons import Reason


class EvalsMCPError(Exception):
    """The base of all expected failures, worded for the reader of a tool's answer."""

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        """What a program may decide by; None for nothing."""


class OperatorError(EvalsMCPError):
    """The configuration must change before the same call can work."""


class SettingsError(OperatorError):
    """A setting is missing, unknown, misspelt or still a placeholder."""


class NoTokenError(OperatorError):
    """The provider needs a token and none is configured."""


class TokenRefusedError(OperatorError):
    """The service answered 401 or 403 to the configured token."""


class DailyLimitError(OperatorError):
    """The limit of a day has no room for it: the operator raises it, or the caller waits."""


class CallerError(EvalsMCPError):
    """The request must change."""


class InvalidRequestError(CallerError):
    """A field is missing, unknown, or holds a value that is not allowed."""


class DatasetFaultError(CallerError):
    """The data set cannot be used as it is."""


class NotFoundError(CallerError):
    """Nothing with this id exists for this caller."""


class UnsupportedError(CallerError):
    """The provider has no such operation."""


class ServiceError(EvalsMCPError):
    """The service must recover; the same call may work later."""


class UnavailableError(ServiceError):
    """Not reached, overloaded or failing, after the retries that are allowed."""


class BadAnswerError(ServiceError):
    """The service's answer is not what the contract defines."""


class AmbiguousCreateError(ServiceError):
    """A create was sent and its answer lost; the message says whether the evaluation exists."""
