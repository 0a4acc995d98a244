"""The mode `local`: one user, this machine, the keys of the configuration."""

from __future__ import annotations

from starlette.datastructures import Headers

from evals_mcp.principals import LOCAL, Principal


class LocalMode:
    """Everybody who reaches the port is the user of this machine.

    What keeps others out is that the port is bound to loopback, and that Host and Origin are
    checked against rebinding.
    """

    async def principal_of(self, headers: Headers) -> Principal:  # noqa: ARG002 - of Authenticator
        """The user of this machine."""
        return LOCAL
