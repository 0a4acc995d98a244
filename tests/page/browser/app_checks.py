"""What must be true of the page in a conversation. A check's name is a sentence about it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from jsonschema.validators import validator_for

from tests.page.browser.conversation import (
    VERSIONS,
    Conversation,
    conversation,
    schema_of_messages,
)
from tests.page.browser.figures import unexplained
from tests.page.browser.looking import Looked
from tests.page.browser.world import World
from tests.page.examples import classify
from tests.page.hostile_rows import TEXTS

Check = Callable[[World], Awaitable[None]]

FRAMES = ("write", "srcdoc", "blob")
"""How applications put a page into a frame."""

SOME_POLLS_MS = 7_000
"""Time for two polls of a running evaluation."""

UNFOLD = re.compile("^Show rows$|^Show the rows that changed$")
"""The button of a card that shows its rows."""

SPOKEN = {"ui/message", "ui/update-model-context"}
"""What reaches a model."""

_HARMLESS = re.compile(r"allow-scripts and allow-same-origin")


async def a_card_appears_in_every_frame_of_both_generations(world: World) -> None:
    for version in VERSIONS:
        for frame in FRAMES:
            async with conversation(world, version=version) as talk:
                await talk.show("get_evaluation", _of(world, "v1"), frame=frame, theme="light")
                await talk.frame.get_by_role("button", name="Show rows").click()
                await talk.frame.locator(".row summary").first.click()
                await talk.frame.locator(".detail .judge").wait_for()
                await _fits(talk)
                assert _errors(talk.looked) == [], (version, frame, talk.looked.logged)
                sent = await talk.messages()
                assert {each.get("method") for each in sent} >= {
                    "ui/initialize",
                    "ui/notifications/initialized",
                    "ui/notifications/size-changed",
                    "tools/call",
                }
                _valid(sent, version)
                assert all(width is None for width, _ in await talk.page.evaluate("heights"))


async def a_card_says_what_is_true_when_a_conversation_has_nothing_else(world: World) -> None:
    one = _of(world, "v1")
    text = "There is no evaluation eval-none."
    error = {"isError": True, "content": [{"type": "text", "text": text}]}
    unknown = {"content": [], "structuredContent": {"something": "else"}}
    empty: dict[str, Any] = {"content": [{"type": "text", "text": "{}"}], "structuredContent": {}}
    create = classify(world.file_id)
    for arguments, result, expected in (
        (one, error, text),
        (one, unknown, "has no view of this answer"),
        (one, empty, "answers pass"),
        (create, empty, "no longer has the answer"),
        ({"evaluation_id": "eval-none"}, empty, "eval-none"),
    ):
        async with conversation(world) as talk:
            await talk.open()
            await talk.send("ToolInputPartial", {"arguments": {}})
            await talk.send("ToolInput", {"arguments": arguments})
            await talk.send("ToolResult", result)
            await talk.see(expected)
            # Nothing is started anew, whatever a conversation has lost.
            assert "create_evaluation" not in _called(talk)
            assert _errors(talk.looked) == []
    async with conversation(world) as talk:
        await talk.open()
        await talk.send("ToolInput", {"arguments": one})
        await talk.see("Reading eval-")
        await talk.send("ToolCancelled", {"reason": "the user"})
        await talk.see("The call was cancelled")


async def a_conversation_that_passes_no_calls_on_shows_the_answer(world: World) -> None:
    async with conversation(world, scheme="dark") as talk:
        await talk.show("get_evaluation", _of(world, "v1"), capabilities={})
        await talk.see("Labels")
        assert await talk.frame.get_by_role("button", name="Show rows").count() == 0
        assert await talk.frame.get_by_role("button", name="Ask about").count() == 0
        colour = await talk.frame.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(29, 29, 28)", "without a theme the scheme of the system counts"
        assert talk.calls == []
    async with conversation(world) as talk:
        await talk.show("compare_evaluations", _pair(world), capabilities={})
        await talk.see("Difference in pass rate")
        assert talk.calls == []


async def calls_that_fail_are_said_beside_the_answer(world: World) -> None:
    async with conversation(world) as talk:
        talk.failing["page_data"] = "The service does not answer."
        await talk.show("get_evaluation", _of(world, "v1"))
        await talk.see("The service does not answer.")
        await talk.see("Labels")


async def a_plan_starts_by_a_click_runs_asks_before_it_stops_and_becomes_its_result(
    world: World,
) -> None:
    async with conversation(world) as talk:
        talk.server = world.asking
        plan = classify(world.file_id, model="judge-slow") | {"again": True}
        plan["judge"] |= {"num_workers": 1}
        await talk.show("create_evaluation", plan, theme="light")
        await talk.see("it needs your agreement")
        start = talk.frame.get_by_role("button", name="Start: 84 calls")
        await start.click()
        await talk.frame.locator("progress[value]").wait_for(timeout=60_000)
        (started,) = [each for each in talk.calls if each["name"] == "create_evaluation"]
        assert len(started["arguments"]["confirm"]) == 60
        assert {**started["arguments"], "confirm": ""} == plan | {"confirm": ""}
        await _polls_only_in_view(talk)
        await talk.frame.get_by_role("button", name="Stop…").click()
        assert "cancel_evaluation" not in _called(talk)
        await talk.frame.get_by_role("button", name="Go on").click()
        await talk.frame.get_by_role("button", name="Stop…").click()
        await talk.frame.get_by_role("button", name="Stop it").click()
        await talk.see("Cancelled")
        await talk.frame.get_by_role("button", name="Show rows").click()
        await talk.frame.locator(".row").first.wait_for(timeout=60_000)
        told = [each["params"] for each in await talk.messages("ui/update-model-context")]
        assert re.search(r"user has started eval-[\w-]+ on the page", json.dumps(told[0]))
        _valid(await talk.messages(), "2")


async def a_card_that_is_taken_away_asks_for_nothing_more(world: World) -> None:
    running = await world.running()
    async with conversation(world) as talk:
        await talk.show("get_evaluation", {"evaluation_id": running})
        await talk.frame.locator("progress[value]").wait_for(timeout=60_000)
        await talk.page.evaluate("bridge.teardownResource({})")
        before = len(talk.calls)
        await talk.page.wait_for_timeout(SOME_POLLS_MS)
        assert len(talk.calls) == before
        assert await talk.frame.evaluate("document.getElementById('page').children.length") == 0
    await world.server.answer("cancel_evaluation", evaluation_id=running)


async def a_dry_run_asks_again_where_it_costs_and_a_declined_plan_offers_nothing(
    world: World,
) -> None:
    async with conversation(world) as talk:
        talk.server = world.asking
        dry = classify(world.file_id) | {"dry_run": True, "again": True}
        await talk.show("create_evaluation", dry)
        await talk.see("This is a plan")
        await talk.frame.get_by_role("button", name="Start").click()
        await talk.see("it needs your agreement")
        assert "dry_run" not in talk.calls[-1]["arguments"]
    async with conversation(world) as talk:
        answer = await world.asking.answer("create_evaluation", **dry)
        declined = answer | {"outcome": "declined"}
        await talk.open("create_evaluation")
        await talk.send("ToolInput", {"arguments": dry})
        await talk.send("ToolResult", {"content": [], "structuredContent": declined})
        await talk.see("nothing was started")
        assert await talk.frame.get_by_role("button", name="Start").count() == 0
    async with conversation(world) as talk:
        await talk.open("create_evaluation", capabilities={})
        await talk.send("ToolInput", {"arguments": dry})
        await talk.send("ToolResult", {"content": [], "structuredContent": answer})
        await talk.see("say so in the conversation")
        assert await talk.frame.get_by_role("button", name="Start").count() == 0


async def questions_have_ids_and_row_numbers_and_no_text_of_a_row(world: World) -> None:
    said: list[str] = []
    for name in ("hostile", "v1"):
        async with conversation(world) as talk:
            await talk.show("get_evaluation", _of(world, name))
            await talk.frame.get_by_role("button", name="Ask about the results").click()
            await talk.frame.get_by_role("button", name="Show rows").click()
            for number in range(3):
                await talk.frame.locator(".row summary").nth(number).click()
                row = talk.frame.locator(".row").nth(number)
                await row.get_by_role("button", name="Ask about this row").click()
            await talk.see("Asked in the conversation")
            said += [_spoken(each) for each in await talk.messages() if _is_spoken(each)]
            _valid(await talk.messages(), "2")
    async with conversation(world) as talk:
        await talk.show("compare_evaluations", _pair(world))
        await talk.frame.get_by_role("button", name="Ask about the comparison").click()
        await talk.see("Asked in the conversation")
        said += [_spoken(each) for each in await talk.messages() if _is_spoken(each)]
    assert len(said) == 9
    ids = re.compile(r"eval-[0-9a-z-]+|\brow \d+\b")
    allowed = {
        "What do the results of ID mean, and what should be done next?",
        "Look at ID of ID: is the verdict right, and why?",
        "What does the comparison of ID and ID mean, and which should be used?",
    }
    assert {ids.sub("ID", text) for text in said} == allowed


async def hostile_rows_in_a_conversation_stay_text(world: World) -> None:
    async with conversation(world) as talk:
        await talk.show("get_evaluation", _of(world, "hostile"))
        await talk.frame.get_by_role("button", name="Show rows").click()
        await talk.frame.get_by_role("button", name=re.compile("^all")).click()
        await talk.frame.locator(".row").nth(19).wait_for()
        for summary in await talk.frame.locator("summary").all():
            await summary.click()
        for frame in talk.page.frames:
            assert await frame.evaluate("window.ran === undefined")
        assert await Looked(talk.frame).foreign() == []
        assert TEXTS[1][:20] in await talk.text()
        assert _errors(talk.looked) == []
        hosts = ("https://conversation.test/", "https://sandbox.test/")
        assert [each for each in talk.looked.requested if not each.startswith(hosts)] == []
        assert await Looked(talk.frame).overflow() <= 0


async def every_figure_in_a_conversation_is_one_of_the_data(world: World) -> None:
    for tool, arguments in _views(world).items():
        async with conversation(world) as talk:
            name = tool.split()[0]
            view = {"get_evaluation": "evaluation", "compare_evaluations": "comparison"}[name]
            await talk.show(name, arguments)
            await talk.frame.get_by_role("button", name=UNFOLD).wait_for()
            ids = list(arguments.values())
            against = {"against": ids[1]} if len(ids) > 1 else {}
            asked = {"view": view, "evaluation_id": ids[0]} | against
            data = (await world.server.answer("page_data", **asked))["data"]
            await talk.frame.evaluate(
                "document.querySelectorAll('.axis, .tick, .eyebrow').forEach(each => each.remove())"
            )
            panels = await talk.frame.locator("header, .panel, .note").all_inner_texts()
            assert unexplained("\n".join(panels), data) == [], tool


async def axe_finds_nothing_in_a_conversation(world: World) -> None:
    plan = classify(world.file_id) | {"dry_run": True, "again": True}
    for scheme in ("light", "dark"):
        for width in (400, 800):
            for tool, arguments in (_views(world) | {"create_evaluation": plan}).items():
                async with _looked_at(world, tool, arguments, scheme, width) as talk:
                    if tool != "create_evaluation":
                        await talk.frame.get_by_role("button", name=UNFOLD).click()
                        await talk.frame.locator(".row summary").first.click()
                    await _accessible(talk)
            running = await world.running()
            asked = {"evaluation_id": running}
            async with _looked_at(world, "get_evaluation", asked, scheme, width) as talk:
                await talk.frame.locator("progress[value]").wait_for(timeout=60_000)
                await talk.frame.get_by_role("button", name="Stop…").click()
                await _accessible(talk)
            await world.server.answer("cancel_evaluation", evaluation_id=running)


@asynccontextmanager
async def _looked_at(
    world: World, tool: str, arguments: dict[str, Any], theme: str, width: int
) -> AsyncGenerator[Conversation]:
    # The scheme of the system is another one than that of the conversation.
    async with conversation(world, width=width, scheme="light") as talk:
        talk.server = world.asking if tool == "create_evaluation" else world.server
        await talk.show(tool.partition(" ")[0], arguments, theme=theme, variables=theme == "dark")
        await talk.frame.locator("h1").wait_for()
        yield talk


async def _accessible(talk: Conversation) -> None:
    looked = Looked(talk.frame)
    assert await looked.axe() == [], (await talk.text(), await looked.axe())
    assert await looked.overflow() <= 0, await talk.text()
    await _fits(talk)


async def a_keyboard_alone_suffices_in_a_conversation(world: World) -> None:
    async with conversation(world) as talk:
        await talk.show("get_evaluation", _of(world, "v1"))
        await talk.see("Show rows")
        for name in ("Full screen", "Show rows"):
            await _tab_to(talk, name)
        await talk.page.keyboard.press("Enter")
        await talk.frame.locator(".row").first.wait_for()
        await _tab_to(talk, "1")
        await talk.page.keyboard.press("Enter")
        await talk.frame.locator(".detail .judge").wait_for()
        await _tab_to(talk, "Ask about this row")
        await talk.page.keyboard.press("Space")
        await talk.see("Asked in the conversation")


async def a_card_follows_the_theme_and_the_size_that_it_is_given(world: World) -> None:
    async with conversation(world) as talk:
        await talk.show("get_evaluation", _of(world, "v1"), theme="light")
        await talk.see("Show rows")
        await talk.send("HostContextChange", {"theme": "dark"})
        await talk.frame.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        assert await talk.frame.locator(".row").count() == 0
        await talk.frame.get_by_role("button", name="Full screen").click()
        await talk.frame.locator(".row").first.wait_for(timeout=60_000)
        assert await talk.frame.get_by_role("button", name="Full screen").count() == 0


async def an_application_that_renames_tools_is_called_by_its_names(world: World) -> None:
    async with conversation(world) as talk:
        own = {"name": "evals__get_evaluation", "inputSchema": {"type": "object"}}
        answer = await talk.answer("get_evaluation", _of(world, "v1"))
        talk.failing["evals__page_data"] = "It was called by this name."
        await talk.open(tool="get_evaluation")
        await talk.send("HostContextChange", {"toolInfo": {"tool": own}})
        await talk.send("ToolInput", {"arguments": _of(world, "v1")})
        await talk.send("ToolResult", answer)
        await talk.see("It was called by this name.")


async def _polls_only_in_view(talk: Conversation) -> None:
    """Check that the card asks while it is seen, and does not while it is scrolled away."""
    await talk.page.evaluate("document.body.style.paddingBottom = '9000px'")
    await talk.page.evaluate("scrollTo(0, 8000)")
    await talk.page.wait_for_timeout(SOME_POLLS_MS // 7)
    before = _called(talk).count("page_data")
    await talk.page.wait_for_timeout(SOME_POLLS_MS)
    assert _called(talk).count("page_data") == before
    await talk.page.evaluate("scrollTo(0, 0)")
    await talk.page.wait_for_timeout(SOME_POLLS_MS)
    assert _called(talk).count("page_data") > before


async def _fits(talk: Conversation) -> None:
    """Check that the frame is as high as what is in it."""
    await talk.page.wait_for_timeout(200)
    inner = await talk.frame.evaluate("document.documentElement.scrollHeight")
    outer = await talk.page.evaluate("frame.offsetHeight")
    assert abs(inner - outer) <= 1, (inner, outer)


def _valid(messages: Sequence[Mapping[str, Any]], version: str) -> None:
    """Check each message against the schema that ext-apps publishes."""
    schema = json.loads(schema_of_messages(version).read_text(encoding="utf-8"))
    key = "$defs" if "$defs" in schema else "definitions"
    by_method: dict[str, str] = {}
    # Not `jsonschema.validate`, which would check the large schema itself for each message.
    validator: Any = validator_for(schema)
    for name, definition in schema[key].items():
        if method := definition.get("properties", {}).get("method", {}).get("const"):
            by_method[method] = name
    checked = 0
    for message in messages:
        if name := by_method.get(message.get("method", "")):
            body = {k: value for k, value in message.items() if k not in {"jsonrpc", "id"}}
            validator({**schema, "$ref": f"#/{key}/{name}"}).validate(body)
            checked += 1
    assert checked >= 3


async def _tab_to(talk: Conversation, name: str) -> None:
    for _ in range(80):
        await talk.page.keyboard.press("Tab")
        text = await talk.frame.evaluate("document.activeElement?.textContent ?? ''")
        if text.startswith(name):
            return
    raise AssertionError(f"no Tab leads to {name!r}")


def _views(world: World) -> dict[str, dict[str, Any]]:
    return {
        "get_evaluation classify": _of(world, "v1"),
        "get_evaluation score": _of(world, "score"),
        "get_evaluation compare": _of(world, "compare"),
        "compare_evaluations": _pair(world),
    }


def _of(world: World, name: str) -> dict[str, Any]:
    return {"evaluation_id": world.home.ids[name]}


def _pair(world: World) -> dict[str, Any]:
    return {"evaluation_id_a": world.home.ids["v1"], "evaluation_id_b": world.home.ids["v2"]}


def _called(talk: Conversation) -> list[str]:
    return [each["name"] for each in talk.calls]


def _errors(looked: Looked) -> list[str]:
    """Return what was logged, without what Chromium says about every frame of this kind."""
    return [each for each in looked.logged if not _HARMLESS.search(each)]


def _is_spoken(message: Mapping[str, Any]) -> bool:
    return message.get("method") in SPOKEN


def _spoken(message: Mapping[str, Any]) -> str:
    (part,) = message["params"]["content"]
    return part["text"]


CHECKS: Sequence[Check] = (
    a_card_appears_in_every_frame_of_both_generations,
    a_card_says_what_is_true_when_a_conversation_has_nothing_else,
    a_conversation_that_passes_no_calls_on_shows_the_answer,
    calls_that_fail_are_said_beside_the_answer,
    a_plan_starts_by_a_click_runs_asks_before_it_stops_and_becomes_its_result,
    a_card_that_is_taken_away_asks_for_nothing_more,
    a_dry_run_asks_again_where_it_costs_and_a_declined_plan_offers_nothing,
    questions_have_ids_and_row_numbers_and_no_text_of_a_row,
    hostile_rows_in_a_conversation_stay_text,
    every_figure_in_a_conversation_is_one_of_the_data,
    axe_finds_nothing_in_a_conversation,
    a_keyboard_alone_suffices_in_a_conversation,
    a_card_follows_the_theme_and_the_size_that_it_is_given,
    an_application_that_renames_tools_is_called_by_its_names,
)
