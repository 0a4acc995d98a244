"""The mode `local`: one user, with the tokens of the configuration."""

from __future__ import annotations

from starlette.datastructures import Headers

from evals_mcp.principals import LOCAL, Principal


class LocalMode:
    """Treats every request as the user of this machine.

    Others cannot call: the port is bound to loopback, and Host and Origin are checked against DNS
    rebinding.
    """

    async def principal_of(self, headers: Headers) -> Principal:  # noqa: ARG002 - of Authenticator
        """Return the user of this machine."""
        return LOCAL
