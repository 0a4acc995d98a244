"""The resolver of model connections: what it lets through is what is connected to.

It stands between the name and the connection, so a name that has another address a moment later is
looked at again. Importing this module imports aiohttp.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from evals_engine.models.addresses import AddressRefusedError, refusal


class GuardedResolver(AbstractResolver):
    """Another resolver's answers without the addresses that are refused."""

    def __init__(self, inner: AbstractResolver, *, allow_private: bool) -> None:
        """Guard a resolver, which is closed with this one."""
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of the host that may be connected to.

        Raises:
            AddressRefusedError: it has none of them.
            OSError: it has none at all.
        """
        found = await self._inner.resolve(host, port, family)
        reasons = [refusal(host, one["host"], allow_private=self._allow_private) for one in found]
        allowed = [one for one, reason in zip(found, reasons, strict=True) if reason is None]
        if found and not allowed:
            raise AddressRefusedError(reasons[0])
        return allowed

    async def close(self) -> None:
        """Close the resolver inside."""
        await self._inner.close()
