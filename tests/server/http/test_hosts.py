from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.http.hosts import is_allowed
from tests.server.http.serving import app_over, reached

HOSTS = ("127.0.0.1:*", "[::1]:*", "evals.example")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:80", "127.0.0.1:65535", "[::1]:8000", "evals.example", "127.0.0.1:*"]
)
def test_a_configured_host_is_answered(host: str) -> None:
    assert is_allowed(host, HOSTS)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1.evil:80",
        "127.0.0.1:80.evil",
        "127.0.0.1:80@evil",
        "127.0.0.1:evil",
        "evals.example:443",
        "evals.example.evil",
        "127.0.0.1:80\n",
        "127.0.0.1:\u0661",
    ],
)
def test_a_host_that_only_begins_like_a_configured_one_is_refused(host: str) -> None:
    assert not is_allowed(host, HOSTS)


@given(st.text(max_size=20))
def test_nothing_but_digits_stands_for_a_port(port: str) -> None:
    is_port = port.isascii() and port.isdecimal() and len(port) <= 5

    assert is_allowed(f"127.0.0.1:{port}", HOSTS) == (is_port or port == "*")


async def test_the_refusal_quotes_the_name_without_what_clients_render() -> None:
    host = "![x](https://evil.example/a)"
    async with reached(app_over()) as client:
        answer = await client.post("/mcp", json={}, headers={"Host": host})
        page = await client.post("/mcp", json={}, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 421
    assert "](" not in answer.json()["error"]["message"]
    assert "http.allowed_origins" in page.json()["error"]["message"]
