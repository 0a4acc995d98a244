"""Injections: what a network, a gateway or a service can do to one request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.faults.proxy import Exchange, Injection

SECRET = "tgp_v1_n3v3r-t0ld"
"""The token that every request carries and every refusal repeats."""
ROW = "row-content-never-told"
"""A text in every body; no error message may contain it."""
SIGNATURE = "signature-never-told"

LONGEST_BODY = 256 * 1024
"""Limit of a JSON body in the suite, in bytes; `over_long` sends four times as much."""
PIECES = 25
"""Number of pieces of a slow answer."""

_REFUSAL = json.dumps(
    {
        "error": {
            "message": f"token {SECRET} at https://files.example/x?signature={SIGNATURE} refused",
            "type": "scripted",
        }
    }
).encode()
_PAGE = f"<!doctype html><title>Portal</title><p>{ROW}".encode()


async def reset_unread(exchange: Exchange) -> None:
    exchange.reset()


async def reset_half_sent(exchange: Exchange) -> None:
    await exchange.pass_on_half()
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    await exchange.pass_on()
    exchange.reset()


async def _sent_half(exchange: Exchange) -> None:
    head, _, body = (await exchange.pass_on()).partition(b"\r\n\r\n")
    await exchange.send(head + b"\r\n\r\n" + body[: len(body) // 2])
    # The client, on the same loop, has read the half before the end comes.
    for _ in range(10):
        await asyncio.sleep(0.001)


async def reset_in_the_answer(exchange: Exchange) -> None:
    await _sent_half(exchange)
    exchange.reset()


async def ended_in_the_answer(exchange: Exchange) -> None:
    await _sent_half(exchange)


async def silent(exchange: Exchange) -> None:
    await exchange.body()
    await exchange.hang()


async def silent_after(exchange: Exchange) -> None:
    await exchange.pass_on()
    await exchange.hang()


async def endless_answer(exchange: Exchange) -> None:
    await _sent_half(exchange)
    await exchange.hang()


async def slow_in_time(exchange: Exchange) -> None:
    await _trickle(exchange, lambda: asyncio.sleep(0.004))


async def slow_out_of_time(exchange: Exchange) -> None:
    await _trickle(exchange, exchange.pause)


async def _trickle(exchange: Exchange, pause: Callable[[], Awaitable[None]]) -> None:
    head, _, body = (await exchange.pass_on()).partition(b"\r\n\r\n")
    await exchange.send(head + b"\r\n\r\n")
    for piece in range(PIECES):
        start, end = (len(body) * at // PIECES for at in (piece, piece + 1))
        await exchange.send(body[start:end])
        await pause()


def status(code: int, **headers: str) -> Injection:
    """Return an injection that refuses the request without passing it on."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.body()
        text = _REFUSAL if code < 500 else json.dumps({"error": {"message": ROW}}).encode()
        await exchange.answer(code, text, **headers)

    return refuse


def status_after(code: int) -> Injection:
    """Return an injection of a gateway that loses the service's answer."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.pass_on()
        await exchange.answer(code, _PAGE, Content_Type="text/html")

    return refuse


async def busy_until_a_date(exchange: Exchange) -> None:
    now = datetime.now(UTC)
    dates = [format_datetime(time, usegmt=True) for time in (now, now + timedelta(seconds=1))]
    await exchange.body()
    await exchange.answer(429, _REFUSAL, Date=dates[0], Retry_After=dates[1])


def garbled(body: Callable[[bytes], bytes], kind: str = "application/json") -> Injection:
    """Return an injection that replaces the body of the service's answer."""

    async def replace(exchange: Exchange) -> None:
        _, _, own = (await exchange.pass_on()).partition(b"\r\n\r\n")
        await exchange.answer(200, body(own), Content_Type=kind)

    return replace


page = garbled(lambda _: _PAGE, "text/html; charset=utf-8")
cut_json = garbled(lambda own: own[: len(own) // 2] or b"{")
over_long = garbled(lambda _: b'[{"question": "%s"}]' % (b"x" * LONGEST_BODY * 4))
other_shape = garbled(lambda _: f'[["{ROW}"]]'.encode())
no_fields = garbled(lambda _: b"{}")


def redirect(code: int) -> Injection:
    """Return an injection that redirects the client, with its token, to another address."""

    async def elsewhere(exchange: Exchange) -> None:
        await exchange.body()
        await exchange.answer(code, b"", Location=exchange.elsewhere)

    return elsewhere
