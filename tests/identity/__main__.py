"""Serves a team whose users log in at a real identity provider, and prints what holds.

The provider is the npm package oidc-provider, fetched once; the client is the MCP SDK's own.

    make identity-tests
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx2
from mcp.shared.auth import OAuthToken

from tests.identity.clients import Account, authentication, chatting, configured, granted
from tests.identity.provider import PASSWORDS, IdentityProvider, identity_provider
from tests.journeys.caller import Answer, Caller
from tests.journeys.conversation import Conversation
from tests.journeys.issuer import EVERYTHING
from tests.journeys.served import served_engine
from tests.journeys.served_http import ServedOverHttp, served_over_http
from tests.journeys.two_users import ALICE, LABELS, RULE, bearer
from tests.proxy.nginx import free_port
from tests.server.serving import Mode

OTHER_RESOURCE = "https://other.example/mcp"


@dataclass(frozen=True)
class Team:
    """A server, the identity provider of its users, and what the checks so far have left."""

    server: ServedOverHttp
    provider: IdentityProvider
    http: httpx2.AsyncClient
    folder: Path
    """An empty folder for further servers."""
    evaluations: list[str] = field(default_factory=list[str])
    """Evaluations of alice."""
    secrets: list[str] = field(default_factory=lambda: list(PASSWORDS.values()))
    """What no log may hold."""

    async def token(self, user: str, scope: str = EVERYTHING, resource: str | None = None) -> str:
        """Return an access token, for this server unless another resource is named."""
        answer = await granted(self.provider, user, scope, resource or self.server.url)
        self.secrets.append(answer["access_token"])
        return answer["access_token"]

    async def call(self, token: str, tool: str, **arguments: Any) -> Answer:
        return await Caller(self.http, bearer(token)).call(tool, **arguments)

    async def refusal(self, token: str) -> str:
        """Return the challenge to a token, which must not be taken."""
        answer = await self.call(token, "list_evaluations")
        assert answer.status == 401, (answer.status, answer.text)
        return answer.headers["www-authenticate"]


async def a_client_finds_the_provider(team: Team) -> None:
    """A call without a token is answered with the way to the provider and its keys."""
    answer = await Caller(team.http).call("list_evaluations")
    assert answer.status == 401, answer
    challenge = answer.headers["www-authenticate"]
    address = re.search(r'resource_metadata="([^"]+)"', challenge)
    assert address, challenge
    metadata = (await team.http.get(address[1])).json()
    assert metadata["resource"] == team.server.url
    assert metadata["authorization_servers"] == [team.provider.issuer]
    published = await team.http.get(f"{team.provider.issuer}/.well-known/openid-configuration")
    assert published.json()["issuer"] == team.provider.issuer
    assert set(metadata["scopes_supported"]) <= set(published.json()["scopes_supported"])


async def the_main_job_by_registration(team: Team) -> None:
    """A client of 2025 registers, its user logs in once, uploads, evaluates and reads."""
    account = Account("alice")
    await _main_job(team, "legacy", account)
    assert account.client
    assert account.client.issuer == team.provider.issuer


async def the_main_job_by_a_configured_client(team: Team) -> None:
    """A client of 2026 that the provider knows does the same without registration."""
    await _main_job(team, "2026-07-28", configured("alice"))


async def _main_job(team: Team, mode: Mode, account: Account) -> None:
    async with chatting(team.server.url, mode, authentication(team.server.url, account)) as chat:
        team.evaluations.append(await _evaluated(chat, f"Is it {mode}?"))
    (request,) = account.requests
    assert request.params["resource"] == team.server.url
    assert request.params["code_challenge_method"] == "S256"
    assert account.tokens
    team.secrets.append(account.tokens.access_token)


async def _evaluated(chat: Conversation, question: str) -> str:
    """Upload, evaluate and read as a user does; return the evaluation's id."""
    rows = [{"question": f"{question} {number}", "expected": str(number)} for number in range(3)]
    data_set = (await chat.answer("upload_dataset", rows=rows))["file_id"]
    create = LABELS | {"input_data_file_path": data_set, "judge": RULE}
    created = await chat.answer("create_evaluation", **create)
    assert created["outcome"] == "started", created
    evaluation = created["evaluation_id"]
    status = await chat.answer("get_status", evaluation_id=evaluation, wait_seconds=45)
    assert status["status"] == "completed", status
    answer = await chat.answer("get_evaluation", evaluation_id=evaluation)
    assert answer["summary"]["pass_rate"]["count"] == len(rows)
    return evaluation


async def another_user_sees_nothing(team: Team) -> None:
    """Another user of the provider lists nothing, and the first one's ids do not exist."""
    account = configured("bob")
    log_in = authentication(team.server.url, account)
    assert len(team.evaluations) == 2, "the main jobs have failed"
    async with chatting(team.server.url, "2026-07-28", log_in) as chat:
        assert (await chat.answer("list_evaluations"))["evaluations"] == []
        for evaluation in team.evaluations:
            refusal = await chat.refusal("get_evaluation", evaluation_id=evaluation)
            assert refusal.startswith(f"No evaluation '{evaluation}' exists."), refusal


async def a_token_is_renewed(team: Team) -> None:
    """A client renews an expired token, and its user does not log in again."""
    account = configured("alice")
    log_in = authentication(team.server.url, account)
    async with chatting(team.server.url, "2026-07-28", log_in) as chat:
        await chat.answer("list_evaluations")
        before = account.tokens
        log_in.context.token_expiry_time = 1.0
        await chat.answer("list_evaluations")
    assert before
    assert account.tokens
    assert account.tokens.access_token != before.access_token
    assert len(account.requests) == 1


async def more_rights_are_requested(team: Team) -> None:
    """A token with evals:read alone reads; to write, a client asks its user for more."""
    token = await team.token("alice", "evals:read")
    assert (await team.call(token, "list_evaluations")).content["evaluations"]
    answer = await team.call(token, "upload_dataset", rows=[{"a": "b"}])
    assert answer.status == 403, answer
    assert "The token lacks the scope evals:write." in answer.text
    account = configured("alice")
    account.tokens = OAuthToken(access_token=token, scope="evals:read")
    log_in = authentication(team.server.url, account)
    async with chatting(team.server.url, "2026-07-28", log_in) as chat:
        await chat.answer("upload_dataset", rows=[{"a": "b"}])
    assert len(account.requests) == 1
    assert set(account.requests[0].params["scope"].split()) >= set(EVERYTHING.split())


async def other_audiences_are_refused(team: Team) -> None:
    """A token for another resource, and one that names the user to the client, are refused."""
    token = await team.token("alice", resource=OTHER_RESOURCE)
    assert "issued for another audience" in await team.refusal(token)
    answer = await granted(team.provider, "alice", f"openid {EVERYTHING}", team.server.url)
    assert "issued for another audience" in await team.refusal(answer["id_token"])


async def tokens_without_a_resource_are_refused(team: Team) -> None:
    """A token that was requested without a resource is opaque, and the refusal says so."""
    answer = await granted(team.provider, "alice", f"openid {EVERYTHING}", None)
    refusal = await team.refusal(answer["access_token"])
    assert "is not a JWT" in refusal, refusal
    assert team.server.url in refusal, refusal


async def expired_tokens_are_refused(team: Team) -> None:
    """A token that was issued two hours ago has expired."""
    team.provider.obey("clock -7200")
    try:
        token = await team.token("alice")
    finally:
        team.provider.obey("clock 0")
    assert "The token has expired." in await team.refusal(token)


async def keys_may_change(team: Team) -> None:
    """From a change of the provider's key on, tokens of both keys are taken."""
    before = await team.token("alice")
    team.provider.obey("rotate")
    after = await team.token("alice")
    for token in (after, before):
        assert (await team.call(token, "list_evaluations")).content["evaluations"]


async def a_subject_has_a_key_for_a_vendor(team: Team) -> None:
    """A subject's key for a vendor is used for that subject and for no other."""
    async with served_engine(team.folder / "vendor", ENGINE__OWNERS__ALICE__TOKEN=ALICE) as vendor:
        settings = {
            "OAUTH__SUBJECTS__ALICE__SUBJECT": "alice",
            "OAUTH__SUBJECTS__ALICE__TOGETHER__TOKEN": ALICE,
            "SERVER__PROVIDER": "together",
            "TOGETHER__BASE_URL": vendor.url,
        }
        tokens = [await team.token(user) for user in ("alice", "bob")]
        common = _of_provider(team.provider, team.server.url)
        async with (
            served_over_http(team.folder / "second", **common | settings) as server,
            httpx2.AsyncClient(base_url=server.root, trust_env=False, timeout=90) as http,
        ):
            alice, bob = (Caller(http, bearer(token)) for token in tokens)
            await alice.answer("upload_dataset", rows=[{"question": "a", "expected": "b"}])
            await bob.answer("upload_dataset", rows=[{"question": "c", "expected": "d"}])
            stored = await http.get(f"{vendor.url}/files", headers=bearer(ALICE))
            assert len(stored.json()["data"]) == 1, stored.text
            log = server.logged()
            assert not [secret for secret in (ALICE, *team.secrets) if secret in log]


async def nothing_secret_is_logged(team: Team) -> None:
    """The server's log has the requests, and neither a token nor a password."""
    log = team.server.logged()
    assert '"status": 401' in log
    assert not [secret for secret in team.secrets if secret in log]


async def the_provider_may_be_away(team: Team) -> None:
    """While the provider is away, tokens that it has issued are taken."""
    token = await team.token("alice")
    team.provider.stop()
    assert (await team.call(token, "list_evaluations")).content["evaluations"]


CHECKS: tuple[Callable[[Team], Awaitable[None]], ...] = (
    a_client_finds_the_provider,
    the_main_job_by_registration,
    the_main_job_by_a_configured_client,
    another_user_sees_nothing,
    a_token_is_renewed,
    more_rights_are_requested,
    other_audiences_are_refused,
    tokens_without_a_resource_are_refused,
    expired_tokens_are_refused,
    keys_may_change,
    a_subject_has_a_key_for_a_vendor,
    nothing_secret_is_logged,
    the_provider_may_be_away,
)
"""In this order: the last one stops the provider."""


def _of_provider(provider: IdentityProvider, resource: str) -> dict[str, str]:
    return {
        "HTTP__MODE": "oauth",
        "OAUTH__ISSUER": provider.issuer,
        "OAUTH__RESOURCE": resource,
    }


async def main() -> int:
    """Print a line for each check; return 1 if something does not hold, else 0."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with identity_provider(folder / "provider.log", [url, OTHER_RESOURCE]) as provider:
            settings = {"HTTP__PORT": str(port), "SERVER__PROVIDER": "local"}
            settings |= _of_provider(provider, url)
            async with (
                served_over_http(folder / "server", **settings) as server,
                httpx2.AsyncClient(base_url=server.root, trust_env=False, timeout=90) as http,
            ):
                team = Team(server, provider, http, folder)
                passed = [await _holds(check, team) for check in CHECKS]
        if not all(passed):
            print((folder / "provider.log").read_text(encoding="utf-8"))
    return 0 if all(passed) else 1


async def _holds(check: Callable[[Team], Awaitable[None]], team: Team) -> bool:
    try:
        await check(team)
    except Exception:  # noqa: BLE001 - the table goes on with the next check
        print(f"fail  {check.__doc__}\n{traceback.format_exc()}")
        return False
    print(f"ok    {check.__doc__}")
    return True


if __name__ == "__main__":
    sys.exit(anyio.run(main))
