"""What a message needs to know of a service: how it is called, where it is, what configures it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import urlsplit

from pydantic import SecretStr

from evals_mcp.cleaning import clean

QUOTED_CHARACTERS = 300
"""The most of a vendor's message that is repeated."""

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
    """The setting to change when the address is wrong, such as `together.base_url`."""
    token_setting: str
    """Where to put another token: `the environment variable TOGETHER_API_KEY`, for example."""
    place: str = ""
    """What else tells it from others of its name: the folder of an embedded service's data."""
    owner: str | None = None
    """Whose data it is, where that is known by other means than the token; see `Principal.id`."""
    remedy: str | None = None
    """What to do about a token that is not taken, where it is no setting of this server's."""

    def __str__(self) -> str:
        return f"{self.name} ({self.host})"

    @property
    def account(self) -> str:
        """A hash of name, address, place and owner: the same for the same user's data only.

        Without an owner the token stands for one.
        """
        token = self.token.get_secret_value() if self.token else ""
        whose = ("token", token) if self.owner is None else ("owner", self.owner)
        known = "\n".join((self.name, self.base_url, self.place, *whose))
        return blake2b(known.encode(), digest_size=16, person=b"evals-account").hexdigest()

    @property
    def host(self) -> str:
        """The host alone: no path, query or credentials."""
        return urlsplit(self.base_url).hostname or "unknown host"

    def quote(self, text: str, secrets: frozenset[str] = frozenset()) -> str:
        """A vendor's message, fit to be repeated: one short line, without tokens or signed URLs.

        Args:
            text: What the vendor wrote.
            secrets: Further texts to be left out, such as keys that were in the request.
        """
        shown = clean(text, 20_000)
        own = {self.token.get_secret_value()} if self.token else set[str]()
        for secret in sorted(own | secrets, key=len, reverse=True):
            shown = shown.replace(secret, "[removed]") if secret else shown
        return clean(_USER.sub(r"\1", _QUERY.sub(r"\1", shown)), QUOTED_CHARACTERS)
