from __future__ import annotations

import gzip
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import jwt
import pytest
from anyio.lowlevel import checkpoint
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from mcp.client.auth.utils import extract_scope_from_www_auth
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from evals_mcp.errors import UnavailableError
from evals_mcp.http.modes import access_tokens
from evals_mcp.http.modes.access_tokens import (
    FAILED_SECONDS,
    FRESH_SECONDS,
    UNKNOWN_KEY_SECONDS,
    JwksVerifier,
)
from evals_mcp.http.modes.authentication import Refusal
from evals_mcp.http.modes.issuer_documents import MAX_BYTES
from evals_mcp.http.modes.oauth import OAuthMode, TokenRejectedError
from evals_mcp.http.modes.resource import WRITE, Resource
from evals_mcp.principals import Principal
from tests.server.http.serving import listening

ISSUER = "https://login.example"
AUDIENCE = "https://evals.example/mcp"
METADATA = "https://evals.example/.well-known/oauth-protected-resource/mcp"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def published(private: Any, key_id: str) -> dict[str, Any]:
    if isinstance(private, rsa.RSAPrivateKey):
        public = RSAAlgorithm.to_jwk(private.public_key())
    else:
        public = ECAlgorithm.to_jwk(private.public_key())
    return json.loads(public) | {"kid": key_id, "use": "sig"}


def key_of(principal: Principal, service: str) -> str:
    assert principal.keys is not None
    return principal.keys[service].get_secret_value()


class Issuer:
    """Publishes keys, and counts the requests."""

    def __init__(self) -> None:
        self.keys = [published(RSA, "one")]
        self.jwks_uri = f"{ISSUER}/keys"
        self.asked: list[str] = []
        self.failing = False

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if self.failing:
            return httpx2.Response(503, content=blocks(b"<html>down</html>"))
        if request.url.path == "/.well-known/openid-configuration":
            return httpx2.Response(200, content=blocks(as_json({"jwks_uri": self.jwks_uri})))
        if request.url.path == "/keys":
            return httpx2.Response(200, content=blocks(as_json({"keys": self.keys})))
        return httpx2.Response(404, content=blocks(b""))


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


async def blocks(body: bytes) -> AsyncIterator[bytes]:
    yield body


class Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def verifier(issuer: Issuer, clock: Callable[[], float] = time.monotonic) -> JwksVerifier:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(issuer.answer))
    return JwksVerifier(client, ISSUER, AUDIENCE, clock=clock)


def mode(issuer: Issuer) -> OAuthMode:
    keys = {"user-1": {"together": SecretStr("key-of-user-1")}}
    return OAuthMode(verifier(issuer), Resource(AUDIENCE, ISSUER), keys, ["together", "nugen"])


def token(
    private: Any = RSA,
    key_id: str | None = "one",
    algorithm: str = "RS256",
    without: str = "",
    **claims: Any,
) -> str:
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "exp": now + 3600, "iat": now}
    body = usual | {"scope": "evals:read evals:write"} | claims
    body.pop(without, None)
    headers = {"kid": key_id} if key_id else {}
    return jwt.encode(body, private, algorithm=algorithm, headers=headers)


async def answered(issuer: Issuer, bearer: str | None) -> Principal | Refusal:
    headers = Headers({} if bearer is None else {"authorization": f"Bearer {bearer}"})
    return await mode(issuer).principal_of(headers)


async def test_a_good_token_names_its_subject_whose_key_is_the_configured_one() -> None:
    principal = await answered(Issuer(), token())

    assert isinstance(principal, Principal)
    assert key_of(principal, "together") == "key-of-user-1"
    assert principal.may_write


async def test_subjects_of_another_name_are_others_and_have_no_key() -> None:
    first, second = await answered(Issuer(), token()), await answered(Issuer(), token(sub="user-2"))

    assert isinstance(first, Principal)
    assert isinstance(second, Principal)
    assert first.id != second.id
    assert not second.keys


async def test_a_closing_slash_makes_no_other_issuer_or_audience() -> None:
    principal = await answered(Issuer(), token(iss=f"{ISSUER}/", aud=[f"{AUDIENCE}/"]))

    assert isinstance(principal, Principal)


async def test_a_token_that_may_only_read_is_let_in_for_reading() -> None:
    principal = await answered(Issuer(), token(scope="evals:read openid"))

    assert isinstance(principal, Principal)
    assert not principal.may_write


@pytest.mark.parametrize(
    ("bearer", "status", "said"),
    [
        pytest.param(None, 401, "needed", id="none"),
        pytest.param("garbage", 401, "not a JWT", id="garbage"),
        pytest.param(token(exp=int(time.time()) - 120), 401, "expired", id="expired"),
        pytest.param(token(aud="https://other.example"), 401, "another audience", id="audience"),
        pytest.param(token(iss="https://evil.example"), 401, "another issuer", id="issuer"),
        pytest.param(token(OTHER), 401, "not valid", id="signed by another"),
        pytest.param(token(key_id="unknown"), 401, "does not publish", id="unknown key"),
        pytest.param(token(without="exp"), 401, "not valid", id="without an end"),
        pytest.param(token(without="aud"), 401, "not valid", id="without audience"),
        pytest.param(token(without="sub"), 401, "not valid", id="without subject"),
        pytest.param(token(sub=""), 401, "empty subject", id="empty subject"),
        pytest.param(token(sub=" "), 401, "empty subject", id="blank subject"),
        pytest.param(token(scope="openid"), 403, "evals:read", id="without scope"),
        pytest.param(jwt.encode({"sub": "user-1"}, "", algorithm="none"), 401, "", id="unsigned"),
        pytest.param(
            jwt.encode(
                {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "exp": int(time.time()) + 3600},
                "x" * 64,
                algorithm="HS256",
                headers={"kid": "one"},
            ),
            401,
            "not valid",
            id="signed with a shared secret",
        ),
    ],
)
async def test_any_other_token_is_challenged_as_the_specification_asks(
    bearer: str | None, status: int, said: str
) -> None:
    refusal = await answered(Issuer(), bearer)

    assert isinstance(refusal, Refusal)
    assert refusal.status == status
    assert said in refusal.description
    challenge = refusal.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert f'resource_metadata="{METADATA}"' in challenge
    scopes = "evals:read evals:write" if status == 401 else "evals:read"
    assert f'scope="{scopes}"' in challenge
    assert bearer is None or bearer not in challenge + refusal.description


async def test_a_first_log_in_is_for_writing_too_since_clients_register_with_its_scopes() -> None:
    refusal = await answered(Issuer(), None)

    assert isinstance(refusal, Refusal)
    challenge = httpx2.Response(refusal.status, headers=dict(refusal.headers))
    assert extract_scope_from_www_auth(challenge) == "evals:read evals:write"


@pytest.mark.parametrize(
    "bearer",
    ["opaque", token(aud="https://other.example")],
    ids=["requested without a resource", "requested for another resource"],
)
async def test_the_refusal_of_a_token_names_the_resource_to_request_it_for(bearer: str) -> None:
    refusal = await answered(Issuer(), bearer)

    assert isinstance(refusal, Refusal)
    assert AUDIENCE in refusal.description


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/realms/team",
        "/realms/team/.well-known/oauth-authorization-server",
        "/realms/team/.well-known/openid-configuration",
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_metadata_of_an_issuer_with_a_path_is_found_wherever_a_standard_puts_it(
    path: str, slash: str
) -> None:
    issuer = Issuer()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == path:
            return httpx2.Response(200, content=blocks(as_json({"jwks_uri": issuer.jwks_uri})))
        if request.url.path == "/keys":
            return issuer.answer(request)
        return httpx2.Response(404, content=blocks(b""))

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    url = f"{ISSUER}/realms/team{slash}"

    claims = await JwksVerifier(client, url, AUDIENCE).claims_of(token(iss=url))

    assert claims["sub"] == "user-1"


async def test_a_challenge_for_writing_asks_for_both_scopes() -> None:
    refusal = mode(Issuer()).lacking(WRITE)

    assert refusal.status == 403
    assert 'error="insufficient_scope"' in refusal.headers["WWW-Authenticate"]
    assert 'scope="evals:read evals:write"' in refusal.headers["WWW-Authenticate"]


async def test_keys_are_fetched_once_and_again_when_they_are_old() -> None:
    issuer, clock = Issuer(), Time()
    verify = verifier(issuer, clock)

    for _ in range(3):
        await verify.claims_of(token())
    assert issuer.asked.count("/keys") == 1

    clock.seconds = FRESH_SECONDS + 1
    with anyio.fail_after(60):
        while issuer.asked.count("/keys") < 2:
            await verify.claims_of(token())
            await checkpoint()


async def test_a_new_key_is_found_at_once_even_if_the_keys_were_fetched_just_before() -> None:
    issuer = Issuer()
    verify = verifier(issuer, Time())
    await verify.claims_of(token())
    issuer.keys.append(published(EC, "two"))

    claims = await verify.claims_of(token(EC, "two", "ES256"))

    assert claims["sub"] == "user-1"
    assert issuer.asked.count("/keys") == 2


async def test_strangers_cannot_make_the_issuer_be_asked_over_and_over() -> None:
    issuer, clock = Issuer(), Time()
    verify = verifier(issuer, clock)
    await verify.claims_of(token())

    for number in range(5):
        with pytest.raises(TokenRejectedError, match="does not publish"):
            await verify.claims_of(token(EC, f"stranger-{number}", "ES256"))
    assert issuer.asked.count("/keys") == 2

    issuer.keys.append(published(EC, "two"))
    clock.seconds = UNKNOWN_KEY_SECONDS + 1
    assert (await verify.claims_of(token(EC, "two", "ES256")))["sub"] == "user-1"
    assert issuer.asked.count("/keys") == 3


async def test_a_search_for_a_new_key_that_failed_is_repeated_soon() -> None:
    issuer, clock = Issuer(), Time()
    verify = verifier(issuer, clock)
    await verify.claims_of(token())
    issuer.keys.append(published(EC, "two"))
    issuer.failing = True
    with pytest.raises(TokenRejectedError, match="does not publish"):
        await verify.claims_of(token(EC, "two", "ES256"))

    issuer.failing = False
    clock.seconds = FAILED_SECONDS + 1

    assert (await verify.claims_of(token(EC, "two", "ES256")))["sub"] == "user-1"


async def test_an_issuer_that_is_down_is_nobodys_fault_and_said_so() -> None:
    issuer = Issuer()
    issuer.failing = True

    with pytest.raises(UnavailableError, match=r"oauth\.jwks_url"):
        await mode(issuer).principal_of(Headers({"authorization": f"Bearer {token()}"}))


async def test_keys_in_hand_serve_on_while_the_issuer_is_down() -> None:
    issuer, clock = Issuer(), Time()
    verify = verifier(issuer, clock)
    await verify.claims_of(token())
    issuer.failing = True
    clock.seconds = FRESH_SECONDS + 1

    assert (await verify.claims_of(token()))["sub"] == "user-1"


async def test_an_issuer_that_is_down_is_not_asked_by_every_request() -> None:
    issuer = Issuer()
    issuer.failing = True
    verify = verifier(issuer, Time())

    for _ in range(5):
        with pytest.raises(UnavailableError):
            await verify.claims_of(token())

    assert len(issuer.asked) == 2


async def test_a_key_for_encryption_verifies_no_token() -> None:
    for fields in ({"use": "enc"}, {"key_ops": ["encrypt"]}):
        issuer = Issuer()
        issuer.keys = [published(EC, "two"), published(RSA, "one") | fields]

        with pytest.raises(TokenRejectedError, match="does not publish"):
            await verifier(issuer).claims_of(token())


@pytest.mark.parametrize(
    ("url", "is_read"),
    [
        ("https://login.example/keys", True),
        ("http://127.0.0.1:9/keys", True),
        ("http://[::1]/keys", True),
        ("http://127.0.0.1.evil/keys", False),
        ("http://127.0.0.1@evil/keys", False),
        ("http://login.example/keys", False),
        ("https:///keys", False),
        ("http://[::1/keys", False),
        ("file:///keys", False),
    ],
)
async def test_keys_are_read_only_from_addresses_that_nobody_else_can_answer(
    url: str, is_read: bool
) -> None:
    issuer = Issuer()
    issuer.jwks_uri = url

    if is_read:
        assert (await verifier(issuer).claims_of(token()))["sub"] == "user-1"
    else:
        with pytest.raises(UnavailableError, match=r"oauth\.jwks_url"):
            await verifier(issuer).claims_of(token())
        assert "/keys" not in issuer.asked


class SlowIssuer:
    """An issuer on a port, whose second answer never ends."""

    def __init__(self, keys: list[dict[str, Any]]) -> None:
        self.keys = keys
        self.requests = 0
        self.dripping = anyio.Event()

    async def answer(self, _: Request) -> Response:
        self.requests += 1
        if self.requests == 1:
            return JSONResponse({"keys": self.keys})
        return StreamingResponse(self._drip())

    async def _drip(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            self.dripping.set()
            await anyio.sleep(0.01)


@asynccontextmanager
async def verifier_of(answer: Any, clock: Callable[[], float]) -> AsyncGenerator[JwksVerifier]:
    async with (
        listening(Starlette(routes=[Route("/keys", answer)])) as url,
        httpx2.AsyncClient(trust_env=False) as client,
    ):
        yield JwksVerifier(client, ISSUER, AUDIENCE, f"{url}/keys", clock)


async def test_an_issuer_that_drips_blocks_no_token_with_a_known_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access_tokens, "FETCH_SECONDS", 300.0)
    clock, issuer = Time(), SlowIssuer([published(RSA, "one")])
    async with verifier_of(issuer.answer, clock) as verify:
        await verify.claims_of(token())
        clock.seconds = UNKNOWN_KEY_SECONDS + 1
        async with anyio.create_task_group() as tasks:
            # A stranger's token with an unknown key makes the keys be fetched again.
            tasks.start_soon(verify.claims_of, token(key_id="unknown"))
            await issuer.dripping.wait()
            clock.seconds = FRESH_SECONDS + 1
            with anyio.fail_after(60):
                assert (await verify.claims_of(token()))["sub"] == "user-1"
            tasks.cancel_scope.cancel()


async def test_a_fetch_that_drips_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "FETCH_SECONDS", 0.2)
    issuer = SlowIssuer([])
    issuer.requests = 1
    async with verifier_of(issuer.answer, Time()) as verify:
        with anyio.fail_after(60), pytest.raises(UnavailableError):
            await verify.claims_of(token())


@pytest.mark.parametrize("compressed", [False, True])
async def test_keys_that_are_too_long_are_not_read_to_their_end(
    compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_tokens, "FETCH_SECONDS", 300.0)
    keys = as_json({"keys": [published(RSA, "one")]})
    bomb = gzip.compress(keys + b" " * MAX_BYTES)

    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024
            await checkpoint()

    async def answer(_: Request) -> Response:
        if compressed:
            return Response(bomb, headers={"Content-Encoding": "gzip"})
        return StreamingResponse(body())

    async with verifier_of(answer, Time()) as verify:
        with anyio.fail_after(60), pytest.raises(UnavailableError):
            await verify.claims_of(token())


async def test_keys_that_are_compressed_are_read() -> None:
    async def answer(_: Request) -> Response:
        keys = gzip.compress(as_json({"keys": [published(RSA, "one")]}))
        return Response(keys, headers={"Content-Encoding": "gzip"})

    async with verifier_of(answer, Time()) as verify:
        assert (await verify.claims_of(token()))["sub"] == "user-1"
