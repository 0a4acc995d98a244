"""Codes for why an evaluation ended or a call failed, for programs; messages are for people."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an evaluation did not complete, or what an error leaves behind.

    A result or an error has no code where a program has nothing to decide by it.
    """

    CANCELLED = "cancelled"
    """Somebody cancelled the evaluation."""
    ENDPOINT_UNREACHABLE = "endpoint_unreachable"
    """No connection to a model's endpoint, or no answer in time."""
    ENDPOINT_REFUSED = "endpoint_refused"
    """A model's endpoint does not accept the token, or its account has no credit."""
    ENDPOINT_MISCONFIGURED = "endpoint_misconfigured"
    """A model has no endpoint, or the endpoint's base URL is wrong or not allowed."""
    MODEL_MISSING = "model_missing"
    """A model's endpoint has no model of this name, or its base URL is wrong."""
    NOTHING_STARTED = "nothing_started"
    """The create started no evaluation, and the message says so."""


ENDPOINT_REASONS = frozenset(
    {
        Reason.ENDPOINT_UNREACHABLE,
        Reason.ENDPOINT_REFUSED,
        Reason.ENDPOINT_MISCONFIGURED,
        Reason.MODEL_MISSING,
    }
)
"""Reasons that the operator removes by changing the configuration of a model's endpoint."""


def reason_of(code: object) -> Reason | None:
    """Return the reason with this code; None for an absent code or one of a later version."""
    return Reason(code) if isinstance(code, str) and code in set(Reason) else None
