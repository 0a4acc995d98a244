"""Which types of evaluation a provider runs, and who changes that where it runs too few."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from evals_mcp.errors import UnsupportedError
from evals_mcp.providers.protocol import Provider
from evals_schemas.benchmark_api.benchmarks import BENCHMARK


@runtime_checkable
class KeyedProvider(Protocol):
    """A provider that may be of a user who brings the keys for services with each request."""

    def without_key(self, service: str) -> str | None:
        """What the user does to be given that service, as a sentence's end; empty where nothing.

        None where the services are those of the configuration.
        """
        ...


_LOCAL = 'provider = "local" under [server], which runs all types on this machine'


def refuse_unsupported_type(kind: str, provider: Provider) -> None:
    """Stop a type that no configured service takes.

    Raises:
        UnsupportedError: says which types there are, and which setting brings this one.
    """
    if kind in provider.types:
        return
    token = "NUGEN_API_KEY" if kind == BENCHMARK else "TOGETHER_API_KEY"
    section = "nugen" if kind == BENCHMARK else "together"
    remedy = (
        f"Whoever runs this server sets {token} in its environment ({section}.token), or writes "
        f"{_LOCAL}."
    )
    if isinstance(provider, KeyedProvider):
        told = provider.without_key(section)
        if told is not None:
            remedy = f"For {kind}: {told}." if told else f"This server offers no {kind}."
    raise UnsupportedError(
        f"{provider.name} runs no {kind} evaluations, only {', '.join(sorted(provider.types))}. "
        f"{remedy}"
    )
