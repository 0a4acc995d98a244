"""Refuses types of evaluation that no service runs, and says how to make one available."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from evals_mcp.errors import UnsupportedError
from evals_mcp.providers.protocol import Provider
from evals_schemas.benchmark_api.benchmarks import BENCHMARK


@runtime_checkable
class KeyedProvider(Protocol):
    """A provider whose user may send the keys of services with each request."""

    def without_key(self, service: str) -> str | None:
        """Return what the user does to get the service, as the end of a sentence.

        Empty if the user can do nothing; None if the configuration alone chooses the services.
        """
        ...


_LOCAL = 'provider = "local" under [server], which runs all types on this machine'


def refuse_unsupported_type(kind: str, provider: Provider) -> None:
    """Refuse a type that no configured service runs.

    Raises:
        UnsupportedError: names the available types, and the setting that adds this one.
    """
    if kind in provider.types:
        return
    token = "NUGEN_API_KEY" if kind == BENCHMARK else "TOGETHER_API_KEY"
    section = "nugen" if kind == BENCHMARK else "together"
    remedy = (
        f"Ask the administrator to set {token} in the server's environment ({section}.token), or "
        f"to write {_LOCAL}."
    )
    if isinstance(provider, KeyedProvider):
        advice = provider.without_key(section)
        if advice is not None:
            remedy = f"For {kind}: {advice}." if advice else f"This server offers no {kind}."
    raise UnsupportedError(
        f"{provider.name} runs no {kind} evaluations, only {', '.join(sorted(provider.types))}. "
        f"{remedy}"
    )
