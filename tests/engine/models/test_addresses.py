"""Which addresses model calls go to: those that the operator meant, whatever a name says."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.faults import ModelCallError
from evals_engine.models.addresses import METADATA, refusal
from evals_engine.models.client import ModelClient
from evals_engine.models.endpoints import endpoint_for
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig
from tests.engine.model_server import ModelServer, completion, failure

PRIVATE = ("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "127.0.0.1", "::1")
NEVER = (
    "0.0.0.0",
    "::",
    "169.254.0.9",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
)


class Names(AbstractResolver):
    """Answers from lists, one a question; the last one is repeated."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(host)
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in addresses
        ]

    async def close(self) -> None:
        pass


async def no_wait(_: float) -> None:
    await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def calling(
    names: Names, retries: int = 0
) -> AsyncGenerator[tuple[ModelServer, ModelClient]]:
    def make() -> AbstractResolver:
        return names

    with anyio.fail_after(60):
        async with (
            ModelServer(lambda _: completion("Hi")) as server,
            ModelClient(retries, 5, sleep=no_wait, resolver=make) as client,
        ):
            yield server, client


async def ask(client: ModelClient, endpoint: ModelEndpoint) -> str:
    messages = [{"role": "user", "content": "Hello"}]
    return (await client.chat(endpoint, "m", messages, max_tokens=9, temperature=0)).text


def at(server: ModelServer, host: str, *, allow_private: bool = False) -> ModelEndpoint:
    return ModelEndpoint(server.base_url.replace("127.0.0.1", host), None, allow_private)


async def test_a_public_name_that_leads_to_this_machine_is_not_called() -> None:
    async with calling(Names(["127.0.0.1"]), retries=3) as (server, client):
        with pytest.raises(ModelCallError) as caught:
            await ask(client, at(server, "models.example"))
        assert server.requests == []
    said = str(caught.value)
    assert "an address of this machine, which is not called" in said
    assert "local.allow_private" in said
    assert "tries" not in said


async def test_a_name_that_moves_to_a_private_address_is_refused_when_it_has_moved() -> None:
    names = Names(["93.184.215.14"], ["127.0.0.1"])
    assert refusal("models.example", "93.184.215.14", allow_private=False) is None
    names.asked.append("what was looked up before the call")
    async with calling(names) as (server, client):
        with pytest.raises(ModelCallError, match="not called"):
            await ask(client, at(server, "models.example"))
        assert server.requests == []


async def test_what_was_looked_up_is_what_is_connected_to() -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with calling(names) as (server, client):
        assert await ask(client, at(server, "gpu.internal")) == "Hi"
        assert await ask(client, at(server, "gpu.internal")) == "Hi"
        assert names.asked == ["gpu.internal"]


async def test_only_the_addresses_that_may_be_called_are_left_of_several() -> None:
    async with calling(Names(["169.254.169.254", "fe80::1", "127.0.0.1"])) as (server, client):
        assert await ask(client, at(server, "gpu.local")) == "Hi"


@pytest.mark.parametrize("host", ["ollama", "gpu.lan", "box.local.", "localhost", "a.localhost"])
async def test_a_private_name_may_lead_to_a_private_address(host: str) -> None:
    async with calling(Names(["127.0.0.1"])) as (server, client):
        assert await ask(client, at(server, host)) == "Hi"


async def test_an_address_that_is_written_there_is_meant() -> None:
    async with calling(Names([])) as (server, client):
        assert await ask(client, at(server, "127.0.0.1")) == "Hi"


async def test_the_operator_may_allow_public_names_in_the_own_network() -> None:
    async with calling(Names(["127.0.0.1"])) as (server, client):
        assert await ask(client, at(server, "llm.example", allow_private=True)) == "Hi"
        with pytest.raises(ModelCallError, match="not called"):
            await ask(client, at(server, "llm.example"))


@pytest.mark.parametrize("address", NEVER)
async def test_some_addresses_are_never_called(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    async with calling(Names([address])) as (server, client):
        for name in ("metadata.internal", "models.example", host):
            with pytest.raises(ModelCallError, match="not called"):
                await ask(client, at(server, name, allow_private=True))
        assert server.requests == []


@pytest.mark.parametrize("host", ["2852039166", "169.254.43518", "169。254。169。254"])
async def test_an_address_in_another_spelling_gains_nothing(host: str) -> None:
    async with calling(Names(["169.254.169.254"])) as (server, client):
        with pytest.raises(ModelCallError, match="not called"):
            await ask(client, at(server, host, allow_private=True))


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("host", ["models.example", "127.0.0.1.example", "local.example", "xlan"])
def test_private_addresses_are_for_private_names(address: str, host: str) -> None:
    assert (refusal(host, address, allow_private=False) is None) == ("." not in host)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_way_of_writing_it(address: object) -> None:
    plain = refusal("models.example", str(address), allow_private=False)
    for prefix in ("::ffff:", "64:ff9b::"):
        assert refusal("models.example", f"{prefix}{address}", allow_private=False) == plain


@given(st.ip_addresses())
def test_no_setting_opens_the_way_to_metadata_and_no_address_raises(address: object) -> None:
    refusal("models.example", str(address), allow_private=False)
    for one in METADATA:
        assert refusal(str(one), str(one), allow_private=True)


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    async with ModelServer([completion("secret")]) as inner:
        location = f"{inner.base_url}/chat/completions"
        async with (
            ModelServer([failure(307, Location=location)]) as outer,
            ModelClient(0, 5) as client,
        ):
            with pytest.raises(ModelCallError, match="a redirect, which is not followed"):
                await ask(client, ModelEndpoint(outer.base_url))
        assert inner.requests == []


def test_an_external_model_is_never_called_in_the_private_network_by_a_public_name() -> None:
    allowed = ModelEndpoint("https://api.example/v1")
    judge = JudgeModelConfig(
        model="m",
        model_source="external",
        system_template="t",
        external_base_url="https://api.example/v1",
    )
    found = endpoint_for(EngineConfig(Path(), external=(allowed,)), judge, "judge")
    assert found == allowed
    assert not allowed.allow_private
