"""The mode `header`: each request brings the user's own key for the service."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256

from pydantic import SecretStr
from starlette.datastructures import Headers

from evals_mcp.http.modes.authentication import Refusal
from evals_mcp.principals import Principal

_KEY = re.compile(r"[!-~]{8,512}")


class HeaderMode:
    """Whoever has a key is its user: the same key is the same principal, here and at the service.

    The key lives as long as the request. What is kept under it is kept under a keyed hash, which is
    of no use to somebody who reads the disk.
    """

    def __init__(self, headers: Mapping[str, str], secret: bytes) -> None:
        """Keep the configuration.

        Args:
            headers: The header with the key of each service, by the names of the services.
            secret: The key of the hashes.
        """
        self._headers = headers
        self._secret = secret

    async def principal_of(self, headers: Headers) -> Principal | Refusal:
        """The owner of the keys in the headers; refused with none, or with one that cannot be."""
        keys: dict[str, SecretStr] = {}
        for service, header in self._headers.items():
            given = headers.getlist(header)
            if not given:
                continue
            if len(given) > 1 or not _KEY.fullmatch(given[0]):
                return Refusal(401, "invalid_key", f"{header} must hold one key and nothing else.")
            keys[service] = SecretStr(given[0])
        if not keys:
            wanted = " or ".join(self._headers.values())
            return Refusal(401, "missing_key", f"Send your key for the service as {wanted}.")
        brought = " or ".join(self._headers[service] for service in keys)
        lacking = {
            service: f"send your {service} key as {header}"
            for service, header in self._headers.items()
            if service not in keys
        }
        return Principal(
            self._identity(keys), keys, lacking=lacking, remedy=f"send a valid one as {brought}"
        )

    def _identity(self, keys: Mapping[str, SecretStr]) -> str:
        known = "\n".join(f"{name} {keys[name].get_secret_value()}" for name in sorted(keys))
        return hmac.new(self._secret, known.encode(), sha256).hexdigest()
