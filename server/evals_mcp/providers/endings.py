"""The reason code of an evaluation that has ended, where the service's answer has none."""

from __future__ import annotations

from typing import Any

from evals_schemas.reasons import Reason, reason_of

_CANCELLED = "Cancelled"
"""How the error of a cancelled evaluation begins in records that have no code."""


def ending_reason(status: str, error: object, code: object) -> Reason | None:
    """Return why an evaluation ended without completing; None where that is not known.

    The contracts have no status for a cancel: the error says so beside a failure status.

    Args:
        status: A `State`.
        error: The service's words; absent or odd where the service gives none.
        code: The service's own code; absent where it has no codes.
    """
    if (reason := reason_of(code)) is not None:
        return reason
    if status == "user_error" and isinstance(error, str) and error.startswith(_CANCELLED):
        return Reason.CANCELLED
    return None


def results_with_reason(status: str, results: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return an evaluation's results with its reason code, if it has one."""
    if results is None:
        return None
    reason = ending_reason(status, results.get("error"), results.get("reason"))
    return results if reason is None else results | {"reason": reason.value}
