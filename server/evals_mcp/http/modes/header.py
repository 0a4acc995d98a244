"""The mode `header`: each request brings the user's own key for the service."""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from hashlib import sha256

from pydantic import SecretStr
from starlette.datastructures import Headers

from evals_mcp.http.modes.authentication import Refusal
from evals_mcp.principals import Principal

_KEY = re.compile(r"[!-~]{8,512}")

REFUSED = 403
"""Status of a request without a usable key. After a 401, clients try to log in with OAuth, which
this mode does not have, and hide the description."""

UNCONFIRMED = "unconfirmed"
"""Name that the limits count all principals under whose keys no service has accepted yet."""

CONFIRMED_KEYS = 10_000
"""Most accepted keys that are remembered; the one not used for longest is dropped."""


class HeaderMode:
    """Identifies a user by the key: the same key is the same principal, here and at the service.

    The key is held only as long as the request. Data of the user is stored under a keyed hash of
    the key, which is useless to a reader of the disk. Any made-up key is a principal too: until a
    service has accepted one of a principal's keys, its calls count under one common limit.
    """

    def __init__(self, headers: Mapping[str, str], secret: bytes) -> None:
        """Remember the configuration.

        Args:
            headers: The header with the key of each service, by the names of the services.
            secret: The key of the hashes.
        """
        self._headers = headers
        self._secret = secret
        self._confirmed: OrderedDict[str, None] = OrderedDict()

    async def principal_of(self, headers: Headers) -> Principal | Refusal:
        """Return the owner of the keys in the headers, or a refusal without a usable key."""
        keys: dict[str, SecretStr] = {}
        for service, header in self._headers.items():
            values = headers.getlist(header)
            if not values:
                continue
            if len(values) > 1 or not _KEY.fullmatch(values[0]):
                return Refusal(
                    REFUSED, "invalid_key", f"{header} must contain one key and nothing else."
                )
            keys[service] = SecretStr(values[0])
        if not keys:
            accepted = " or ".join(self._headers.values())
            return Refusal(REFUSED, "missing_key", f"Send your key for the service as {accepted}.")
        brought = " or ".join(self._headers[service] for service in keys)
        lacking = {
            service: f"send your {service} key as {header}"
            for service, header in self._headers.items()
            if service not in keys
        }
        return Principal(
            self._identity(keys),
            keys,
            lacking=lacking,
            remedy=f"send a valid one as {brought}",
            limited_as=self._limited_as(keys),
            key_accepted=partial(self._confirm, keys),
        )

    def _limited_as(self, keys: Mapping[str, SecretStr]) -> str:
        """Return the hash of the first confirmed key, so that further made-up keys do not count."""
        for service in sorted(keys):
            key = self._identity({service: keys[service]})
            if key in self._confirmed:
                self._confirmed.move_to_end(key)
                return key
        return UNCONFIRMED

    def _confirm(self, keys: Mapping[str, SecretStr], service: str) -> None:
        """Remember that a service has accepted its key."""
        if service in keys:
            key = self._identity({service: keys[service]})
            self._confirmed[key] = None
            self._confirmed.move_to_end(key)
            while len(self._confirmed) > CONFIRMED_KEYS:
                self._confirmed.popitem(last=False)

    def _identity(self, keys: Mapping[str, SecretStr]) -> str:
        identity = "\n".join(f"{name} {keys[name].get_secret_value()}" for name in sorted(keys))
        return hmac.new(self._secret, identity.encode(), sha256).hexdigest()
