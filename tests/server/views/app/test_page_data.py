"""The data of the page in a conversation: those of the tools, whole, and for the page alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals_mcp.lifetime import open_services
from evals_mcp.principals import Principal
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import MODES, Mode, everyones, served, settings, text_of
from tests.server.views.test_report import ROWS, TEXT, job, provider

OTHER = [row | {"label": "good" if n % 4 else "bad"} for n, row in enumerate(ROWS)]
ONE: dict[str, Any] = {"evaluation_id": "eval-1"}
TWO: dict[str, Any] = ONE | {"against": "eval-2"}


def service(**facts: Any) -> FakeProvider:
    return provider(job(**facts), job(2), file_1=jsonl(*ROWS), file_2=jsonl(*OTHER))


@pytest.mark.parametrize("mode", MODES)
async def test_the_page_gets_the_answers_of_the_tools_and_whole_rows(
    mode: Mode, tmp_path: Path
) -> None:
    async with served(service(), mode, settings(tmp_path)) as server:
        told = await server.answer("get_evaluation", **ONE, by="topic")
        shown = await server.answer("page_data", view="evaluation", **ONE, options={"by": "topic"})
        rows = await server.answer("page_data", view="rows", **ONE)
        cursor = rows["data"]["next_cursor"]
        more = await server.answer("page_data", view="rows", **ONE, options={"cursor": cursor})
        failing = {"query": {"show": "failing"}}
        failed = await server.answer("page_data", view="rows", **ONE, options=failing)

    assert shown["data"]["answer"] == told
    assert shown["may_write"] is True
    assert rows["data"]["total"] == 30
    assert [row["row"] for row in rows["data"]["rows"] + more["data"]["rows"]] == [*range(1, 31)]
    assert any("Two\n  lines" in text for text in rows["data"]["rows"][0]["texts"])
    assert failed["data"]["matching"] == 10


async def test_two_evaluations_are_compared_with_the_key_of_the_model(tmp_path: Path) -> None:
    pair = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
    key = {"key": "question"}
    async with served(service(), configured=settings(tmp_path)) as server:
        told = await server.answer("compare_evaluations", **pair, **key)
        shown = await server.answer("page_data", view="comparison", **TWO, options=key)
        wanted = key | {"query": {"change": "lost"}}
        lost = await server.answer("page_data", view="flips", **TWO, options=wanted)

    same = {name: value for name, value in told.items() if name not in {"flips", "next_cursor"}}
    assert shown["data"]["answer"] | {"flips": []} == same | {"flips": []}
    assert lost["data"]["matching"] == shown["data"]["lost"]


async def test_the_text_for_a_model_and_the_errors_hold_no_text_of_a_row(tmp_path: Path) -> None:
    calls: list[dict[str, Any]] = [
        {"view": "rows"} | ONE,
        {"view": "flips"} | TWO,
        {"view": "rows", "options": {"query": {"label": TEXT}}} | ONE,
    ]
    async with served(service(), configured=settings(tmp_path)) as server:
        for call in calls:
            assert "reversed" not in text_of(await server.call("page_data", **call))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"view": "comparison"} | ONE, "against"),
        ({"view": "rows"} | TWO, "against"),
        ({"view": "stop"} | ONE, "view"),
        ({"view": "evaluation", "evaluation_id": ""}, "evaluation_id"),
        ({"view": "rows", "options": {"query": {"show": "odd"}}} | ONE, "query.show"),
        ({"view": "status", "options": {"by": "topic"}} | ONE, "by"),
        ({"view": "evaluation", "evaluation_id": "eval-9"}, "evaluation"),
    ],
)
async def test_what_does_not_suit_the_view_is_refused_by_name(
    arguments: dict[str, Any], named: str, tmp_path: Path
) -> None:
    async with served(service(), configured=settings(tmp_path)) as server:
        assert named in await server.refusal("page_data", **arguments)


async def test_no_option_reaches_an_evaluation_that_the_call_does_not_name(tmp_path: Path) -> None:
    other = {"evaluation_id": "eval-2"}
    async with served(service(), configured=settings(tmp_path)) as server:
        shown = await server.answer("page_data", view="evaluation", **ONE, options=other)

    assert shown["data"]["answer"]["evaluation_id"] == "eval-1"


@pytest.mark.parametrize("view", ["evaluation", "status"])
async def test_a_server_that_only_reads_says_so_and_offers_no_stop(
    view: str, tmp_path: Path
) -> None:
    reading = settings(tmp_path, server={"provider": "local", "read_only": True})
    running = service(status="running", results=None)
    async with served(running, configured=reading) as server:
        shown = await server.answer("page_data", view=view, **ONE)

        result = await server.call("page_data", view=view, **ONE)

    assert shown["may_write"] is False
    assert shown["data"]["may_stop"] is False
    assert "ticket" not in (result.meta or {})


async def test_a_mark_needs_the_ticket_that_the_page_alone_receives(tmp_path: Path) -> None:
    mark = {"row": 2, "opinion": "wrong"}
    async with served(service(), configured=settings(tmp_path)) as server:
        result = await server.call("page_data", view="evaluation", **ONE)
        assert result.meta is not None
        ticket = result.meta["ticket"]
        assert ticket not in str((result.structured_content, text_of(result)))
        for wrong in ({}, {"ticket": "A" * 27}):
            assert "ticket" in await server.refusal("mark_row", **ONE, mark=mark, **wrong)
        elsewhere = {"evaluation_id": "eval-2", "mark": mark, "ticket": ticket}
        assert "ticket" in await server.refusal("mark_row", **elsewhere)
        marked = await server.answer("mark_row", **ONE, mark=mark, ticket=ticket)
        rows = await server.answer("page_data", view="rows", **ONE)

    assert marked["data"]["mark"]["opinion"] == "wrong"
    assert rows["data"]["rows"][1]["mark"]["opinion"] == "wrong"


async def test_a_mark_that_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    async with served(service(), configured=settings(tmp_path)) as server:
        result = await server.call("page_data", view="rows", **ONE)
        assert result.meta is not None
        ticket = result.meta["ticket"]
        odd = {"row": "x", "opinion": "right"}
        assert "'row'" in await server.refusal("mark_row", **ONE, mark=odd, ticket=ticket)


async def test_a_principal_without_the_right_to_write_may_not_write(tmp_path: Path) -> None:
    async def nothing(*_: object, **__: object) -> None:
        pass

    async with open_services(settings(tmp_path), everyones(service())) as services:
        for may_write in (True, False):
            principal = Principal("someone", may_write=may_write)
            session = await services.session(principal, nothing, None)  # pyright: ignore[reportArgumentType]
            assert session.may_write is may_write
