"""A service's name, address, token and settings, as far as requests and messages need them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import urlsplit

from pydantic import SecretStr

from evals_mcp.cleaning import clean, inert

QUOTED_CHARACTERS = 300
"""Most characters of a vendor's message in ours."""

_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE)
_USER = re.compile(r"(https?://)[^\s/@\"'<>]*@", re.IGNORECASE)


@dataclass(frozen=True)
class Service:
    """An evaluation service and the settings behind it."""

    name: str
    """`together` or `local`."""
    base_url: str
    """Without a closing slash, such as `https://api.together.ai/v1`."""
    token: SecretStr | None
    """Sent as a bearer token; None sends none."""
    base_url_setting: str
    """Setting with the address, such as `together.base_url`."""
    token_setting: str
    """Where to set the token, such as `the environment variable TOGETHER_API_KEY`."""
    engine_id: str = ""
    """Id of an embedded service's data, which distinguishes services of one name."""
    owner: str | None = None
    """The data's owner, if not identified by the token; see `Principal.id`."""
    names_owner: bool = False
    """Whether requests name the owner in a header, as a served engine permits its servers."""
    remedy: str | None = None
    """What to do about a refused token that is not a setting of this server."""
    token_accepted: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)
    """Called after each request that the service has answered with success."""

    def __str__(self) -> str:
        return f"{self.name} ({self.host})"

    @property
    def account(self) -> str:
        """Hash of name, address, engine and owner, equal only for the same user's data.

        The token identifies the owner if there is no other.
        """
        token = self.token.get_secret_value() if self.token else ""
        owner = ("token", token) if self.owner is None else ("owner", self.owner)
        identity = "\n".join((self.name, self.base_url, self.engine_id, *owner))
        return blake2b(identity.encode(), digest_size=16, person=b"evals-account").hexdigest()

    @property
    def host(self) -> str:
        """The host alone: no path, query or credentials."""
        return urlsplit(self.base_url).hostname or "unknown host"

    def quote(self, text: str, secrets: frozenset[str] = frozenset()) -> str:
        """Return a vendor's message as one short line, without tokens or signed URLs.

        Args:
            text: The vendor's message.
            secrets: Further texts to remove, such as keys in the request.
        """
        shown = clean(text, 20_000)
        tokens = {self.token.get_secret_value()} if self.token else set[str]()
        for secret in sorted(tokens | secrets, key=len, reverse=True):
            shown = shown.replace(secret, "[removed]") if secret else shown
        return inert(_USER.sub(r"\1", _QUERY.sub(r"\1", shown)), QUOTED_CHARACTERS)
