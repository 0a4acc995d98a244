"""Refuses a type of evaluation that no configured service runs."""

from __future__ import annotations

from evals_mcp.errors import UnsupportedError
from evals_mcp.providers.protocol import Provider


def refuse_unsupported_type(kind: str, provider: Provider) -> None:
    """Refuse a type that no configured service runs.

    Raises:
        UnsupportedError: names the types there are, and how to get a service for this one.
    """
    if kind in provider.types:
        return
    refusal = (
        f"{provider.name} does not run {kind} evaluations, only "
        f"{', '.join(sorted(provider.types))}."
    )
    raise UnsupportedError(f"{refusal} {provider.advice_for_type(kind)}".rstrip())
