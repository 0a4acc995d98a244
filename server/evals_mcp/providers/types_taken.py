"""Which types of evaluation a provider runs, and who changes that where it runs too few."""

from __future__ import annotations

from evals_mcp.errors import UnsupportedError
from evals_mcp.providers.protocol import Provider
from evals_schemas.benchmarks import BENCHMARK

_LOCAL = 'provider = "local" under [server], which runs all types on this machine'


def refuse_untaken(kind: str, provider: Provider) -> None:
    """Stop a type that no configured service takes.

    Raises:
        UnsupportedError: says which types there are, and which setting brings this one.
    """
    if kind in provider.types:
        return
    token = "NUGEN_API_KEY" if kind == BENCHMARK else "TOGETHER_API_KEY"
    section = "nugen" if kind == BENCHMARK else "together"
    raise UnsupportedError(
        f"{provider.name} runs no {kind} evaluations, only {', '.join(sorted(provider.types))}. "
        f"Whoever runs this server sets {token} in its environment ({section}.token), or writes "
        f"{_LOCAL}."
    )
