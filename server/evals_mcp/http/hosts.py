"""Checks the Host and Origin headers of requests against the configured names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from evals_mcp.cleaning import quoted
from evals_mcp.http.modes.authentication import rpc_error

_ANY_PORT = ":*"
_PORT = re.compile(r":[0-9]{1,5}")


class AllowedHosts:
    """Answers 421 to another Host and 403 to another Origin than those configured.

    After DNS rebinding, a web page sends its own name as Host; a page of another site sends its own
    Origin. Each is compared as a whole, or, before a `:*`, up to a port of digits.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self.app = app
        self.hosts = hosts
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with the setting that allows it."""
        if scope["type"] == "http" and (problem := self._problem(Headers(scope=scope))):
            await rpc_error(*problem, {})(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _problem(self, headers: Headers) -> tuple[int, str] | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not is_allowed(hosts[0], self.hosts):
            host = quoted(hosts[0], 100) if hosts else "none"
            return 421, (
                f"This server does not answer to the Host {host}: the administrator can add it to "
                "http.allowed_hosts."
            )
        if (
            origins
            and origins[0]
            and not (len(origins) == 1 and is_allowed(origins[0], self.origins))
        ):
            return 403, (
                f"Pages of {quoted(origins[0], 100)} may not call: the administrator can add this "
                "Origin to http.allowed_origins."
            )
        return None


def is_allowed(value: str, patterns: Sequence[str]) -> bool:
    """Return whether a header is one of the patterns; `:*` at the end of one stands for a port."""
    for pattern in patterns:
        name = pattern.removesuffix(_ANY_PORT)
        if value == pattern or (
            name != pattern and value.startswith(name) and _PORT.fullmatch(value[len(name) :])
        ):
            return True
    return False
