"""Two clients of an identity provider: the MCP SDK's own, and one that asks for odd tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.identity.provider import CONFIGURED_CLIENT, REDIRECT, IdentityProvider, log_in
from tests.journeys.conversation import Conversation
from tests.server.serving import Mode


@dataclass
class Account:
    """What a client remembers of one user: the registration and the tokens."""

    user: str
    client: OAuthClientInformationFull | None = None
    tokens: OAuthToken | None = None
    requests: list[httpx2.URL] = field(default_factory=list[httpx2.URL])
    """The authorization requests that the user was sent to, one a log-in."""
    answer: httpx2.URL | None = None
    """The address to which the last log-in led."""

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    async def open_browser(self, url: str) -> None:
        self.requests.append(httpx2.URL(url))
        self.answer = await log_in(self.user, url)

    async def await_code(self) -> AuthorizationCodeResult:
        assert self.answer
        answer = self.answer.params
        assert "code" in answer, str(self.answer)
        return AuthorizationCodeResult(
            code=answer["code"], state=answer.get("state"), iss=answer.get("iss")
        )


def configured(user: str) -> Account:
    """Return the account of a client that needs no registration."""
    client = OAuthClientInformationFull(
        client_id=CONFIGURED_CLIENT,
        redirect_uris=[AnyUrl(REDIRECT)],
        token_endpoint_auth_method="none",
    )
    return Account(user, client)


def authentication(url: str, account: Account) -> OAuthClientProvider:
    """Return the SDK's log-in for an endpoint."""
    metadata = OAuthClientMetadata(
        client_name="A chat",
        redirect_uris=[AnyUrl(REDIRECT)],
        token_endpoint_auth_method="none",
    )
    return OAuthClientProvider(url, metadata, account, account.open_browser, account.await_code)


@asynccontextmanager
async def chatting(
    url: str, mode: Mode, authentication: OAuthClientProvider
) -> AsyncGenerator[Conversation]:
    """Open the SDK's client in one era; it logs in when the server asks for it."""
    async with (
        httpx2.AsyncClient(auth=authentication, trust_env=False, timeout=90) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield Conversation(client)


async def granted(
    provider: IdentityProvider, user: str, scope: str, resource: str | None
) -> dict[str, Any]:
    """Return what the token endpoint answers after an authorization code flow with PKCE."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    target = {"resource": resource} if resource else {}
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        metadata = await http.get(f"{provider.issuer}/.well-known/openid-configuration")
        asked = {
            "response_type": "code",
            "client_id": CONFIGURED_CLIENT,
            "redirect_uri": REDIRECT,
            "scope": scope,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        url = httpx2.URL(metadata.json()["authorization_endpoint"], params=asked | target)
        led_to = await log_in(user, str(url))
        form = {
            "grant_type": "authorization_code",
            "client_id": CONFIGURED_CLIENT,
            "code": led_to.params["code"],
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
        }
        answer = await http.post(metadata.json()["token_endpoint"], data=form | target)
        assert answer.is_success, answer.text
        return answer.json()
