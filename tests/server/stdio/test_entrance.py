from __future__ import annotations

import json
import os
from collections.abc import Generator
from threading import Thread
from threading import enumerate as enumerate_threads
from typing import Any

import anyio
import pytest
from anyio import to_thread

from evals_mcp.stdio.early_answers import EarlyAnswers
from evals_mcp.stdio.entrance import WAITING_LINES, Entrance
from evals_mcp.stdio.handover import handed_over
from evals_mcp.stdio.wire import CHUNK, Wire
from tests.server.stdio.exchanges import INITIALIZED, initialize, line, request

CALL = request(3, "tools/call", name="list_datasets", arguments={})


class Ends:
    """The client's ends of two pipes, and an entrance at the others."""

    def __init__(self) -> None:
        source, self.say = os.pipe()
        self.hear, target = os.pipe()
        self._ours = (source, target)
        self.entrance = Entrance(Wire(source, target), EarlyAnswers("1", read_only=False))
        self._heard = Wire(self.hear, self.say).lines()

    def send(self, *messages: object) -> None:
        os.write(self.say, b"".join(line(message) + b"\n" for message in messages))

    async def answer(self) -> dict[str, Any]:
        with anyio.fail_after(60):
            return json.loads(await to_thread.run_sync(next, self._heard, abandon_on_cancel=True))

    async def let_in(self) -> Any:
        with anyio.fail_after(60):
            got = await to_thread.run_sync(self.entrance.next_line, abandon_on_cancel=True)
        return None if got is None else json.loads(got)

    def hang_up(self) -> None:
        if self.say >= 0:
            os.close(self.say)
        self.say = -1

    def close(self) -> None:
        self.hang_up()
        # The number of a closed end is soon another pipe's, whose lines a thread would take.
        for thread in enumerate_threads():
            if thread.name == "stdin":
                thread.join(60)
        for end in (self.hear, *self._ours):
            if end >= 0:
                os.close(end)


@pytest.fixture
def ends() -> Generator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


async def test_the_client_is_answered_before_there_is_a_server(ends: Ends) -> None:
    ends.entrance.open()
    ends.send(initialize(), INITIALIZED, request(2, "tools/list"))

    assert (await ends.answer())["id"] == 1
    assert (await ends.answer())["id"] == 2
    ends.hang_up()


async def test_the_server_is_let_in_on_the_opening_and_on_what_is_not_answered(ends: Ends) -> None:
    ends.entrance.open()
    ends.send(initialize(), INITIALIZED, request(2, "tools/list"), CALL)
    ends.hang_up()

    assert [await ends.let_in() for _ in range(4)] == [initialize(), INITIALIZED, CALL, None]


async def test_after_the_handover_every_line_is_the_servers(ends: Ends) -> None:
    ends.entrance.open()
    ends.send(initialize())
    await ends.answer()
    await ends.let_in()

    handed_over(ends.entrance)
    ends.send(request(2, "tools/list"))

    assert await ends.let_in() == request(2, "tools/list")
    ends.hang_up()


async def test_the_servers_second_answer_to_the_opening_is_dropped(ends: Ends) -> None:
    ends.entrance.open()
    ends.send(initialize(number="open"))
    await ends.answer()
    _, sent = handed_over(ends.entrance)

    notice: dict[str, Any] = {"jsonrpc": "2.0", "method": "roots/list", "id": "open"}
    for text in (json.dumps(notice), '{"id": "open", "result": {}}', '{"id": 4, "result": {}}'):
        await sent.write(f"{text}\n")
        await sent.flush()
    await sent.write(json.dumps({"id": "open", "result": {"another": "request"}}) + "\n")

    assert await ends.answer() == notice
    assert await ends.answer() == {"id": 4, "result": {}}
    assert await ends.answer() == {"id": "open", "result": {"another": "request"}}
    ends.hang_up()


async def test_a_welcomed_client_whose_opening_the_server_refuses_is_logged(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    ends.entrance.open()
    ends.send(initialize())
    await ends.answer()
    _, sent = handed_over(ends.entrance)

    await sent.write(json.dumps({"id": 1, "error": {"code": -32602, "message": "no"}}) + "\n")

    assert "is invalid" in caplog.text
    ends.hang_up()


async def test_a_client_that_reads_no_more_is_a_client_at_its_end(ends: Ends) -> None:
    os.close(ends.hear)
    ends.hear = -1
    ends.entrance.open()
    ends.send(initialize())

    assert await ends.let_in() is None


async def test_a_client_that_says_more_than_is_read_is_let_in_whole_and_in_order(
    ends: Ends,
) -> None:
    calls = [request(number, "tools/call", name="x") for number in range(3 * WAITING_LINES)]
    ends.entrance.open()
    ends.send(*calls)
    ends.hang_up()
    handed_over(ends.entrance)

    assert [await ends.let_in() for _ in calls] == calls
    assert await ends.let_in() is None


@pytest.mark.parametrize("size", [0, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK])
def test_lines_of_any_length_come_whole(size: int) -> None:
    source, target = os.pipe()
    said = [b"a" * size, b"", "ü".encode(), b"last"]

    def say() -> None:
        with os.fdopen(target, "wb") as saying:
            saying.write(b"\n".join(said))

    # A pipe holds less than the longest line.
    speaker = Thread(target=say)
    speaker.start()
    heard = list(Wire(source, -1).lines())
    speaker.join(10)
    os.close(source)

    assert heard == said
