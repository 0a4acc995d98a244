"""Resolves the host names of model endpoints, without the addresses that are not allowed.

Each connection uses the addresses that were checked for it, so a name cannot pass the check with
one address and connect to another. Importing this module imports aiohttp.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from evals_engine.models.addresses import AddressRefusedError, refusal


class GuardedResolver(AbstractResolver):
    """Removes addresses that are not allowed from the answers of another resolver."""

    def __init__(self, inner: AbstractResolver, *, allow_private: bool) -> None:
        """Wrap a resolver, which `close` closes too."""
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the allowed addresses of the host.

        Raises:
            AddressRefusedError: the host has addresses, but none is allowed.
            OSError: the host has no address.
        """
        results = await self._inner.resolve(host, port, family)
        kinds = [
            refusal(host, result["host"], allow_private=self._allow_private) for result in results
        ]
        allowed = [result for result, kind in zip(results, kinds, strict=True) if kind is None]
        if results and not allowed:
            raise AddressRefusedError(kinds[0])
        return allowed

    async def close(self) -> None:
        """Close the wrapped resolver."""
        await self._inner.close()
