"""The mode `header`: each request contains the user's own key for the service."""

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
    """Takes the key as the identity: the same key is the same principal.

    The key is kept only during the request. Stored data is filed under a keyed hash of the key,
    which does not reveal the key to a reader of the disk.
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
        """Return the owner of the keys in the headers; refuse missing or malformed keys."""
        keys: dict[str, SecretStr] = {}
        for service, header in self._headers.items():
            values = headers.getlist(header)
            if not values:
                continue
            if len(values) > 1 or not _KEY.fullmatch(values[0]):
                return Refusal(
                    401, "invalid_key", f"{header} must contain one key and nothing else."
                )
            keys[service] = SecretStr(values[0])
        if not keys:
            names = " or ".join(self._headers.values())
            return Refusal(401, "missing_key", f"Send your key for the service as {names}.")
        sent = " or ".join(self._headers[service] for service in keys)
        lacking = {
            service: f"send your {service} key as {header}"
            for service, header in self._headers.items()
            if service not in keys
        }
        return Principal(
            self._identity(keys), keys, lacking=lacking, remedy=f"send a valid one as {sent}"
        )

    def _identity(self, keys: Mapping[str, SecretStr]) -> str:
        pairs = "\n".join(f"{name} {keys[name].get_secret_value()}" for name in sorted(keys))
        return hmac.new(self._secret, pairs.encode(), sha256).hexdigest()
