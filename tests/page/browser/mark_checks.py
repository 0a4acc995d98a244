"""What must be true of marks in a browser. A check's name is a sentence about it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.page.browser.checks import unharmed
from tests.page.browser.looking import WAIT, Looked, looking, tab_to
from tests.page.browser.world import World, viewer

Check = Callable[[World], Awaitable[None]]


def _at(address: str, evaluation_id: str) -> str:
    base, token = address.split("#")
    return f"{base}?evaluation={evaluation_id}#{token}"


async def rows_are_marked_by_keyboard_alone_and_keep_the_focus(world: World) -> None:
    with viewer(world) as (address, _):
        at = _at(address, world.home.ids["v1"])
        async with looking(world, at) as looked:
            page = looked.page
            await page.wait_for_selector(".row", timeout=WAIT)
            await tab_to(page, "at random")
            await page.keyboard.press("Enter")
            await page.wait_for_selector("text=20 of 20 that match")
            first: str = await page.locator("summary").first.evaluate("each => each.textContent")
            await tab_to(page, first.strip(), whole=True)
            await page.keyboard.press("Enter")
            for key, sign, opinion in (("Enter", "✓", "right"), ("Space", "✗", "wrong")):
                # The whole name, since texts of the row may hold the word.
                await tab_to(page, f"{sign} {opinion}", whole=True)
                await page.keyboard.press(key)
                await page.wait_for_selector(
                    f".marking button[aria-pressed=true]:has-text('{opinion}')"
                )
                focused = await page.evaluate("document.activeElement.textContent")
                assert opinion in focused, "marking moves the focus"
            # A list of labels changes by the keyboard as well; each choice is kept.
            await tab_to(page, "It should be")
            await page.keyboard.press("ArrowDown")
            kept = '.marking[aria-busy="false"] option:checked:not([value=""])'
            await page.wait_for_selector(kept, state="attached")
            chosen = await page.locator(".marking select").input_value()
            assert (
                "0 of 1 verdicts"
                in await page.locator(".panel", has_text="Your marks").inner_text()
            )
            assert await page.evaluate("document.activeElement.localName") == "select"
            await looked.page.reload()
            await page.wait_for_selector(".row", timeout=WAIT)
            await page.get_by_role("button", name=re.compile("at random")).click()
            row = page.locator(".row").first
            await row.locator(".marked").wait_for(timeout=WAIT)
            assert "you" in await row.locator(".marked").inner_text()
            await row.locator("summary").click()
            assert await page.locator(".marking select").input_value() == chosen
            await page.get_by_role("button", name="wrong", exact=True).click()
            await row.locator(".marked").wait_for(state="detached")
            assert await page.locator(".panel", has_text="Your marks").count() == 0
            assert looked.logged == []


async def marks_of_a_sample_give_the_servers_figures_and_are_in_the_report(world: World) -> None:
    evaluation_id = world.home.ids["v2"]
    with viewer(world) as (address, _):
        async with looking(world, _at(address, evaluation_id)) as looked:
            await mark_sample(looked.page, ["right", "right", "wrong", "unsure", "right"])
            panel = looked.page.locator(".panel", has_text="Your marks")
            await panel.locator("text=3 of 4 verdicts drawn at random").wait_for(timeout=WAIT)
            said = await panel.inner_text()
            answer = await looked.page.evaluate(
                """async id => (await (await fetch('call', {method: 'POST', headers: {
                  Authorization: `Bearer ${sessionStorage.getItem('evals-mcp token')}`},
                  body: JSON.stringify({name: 'evaluation', arguments: {evaluation_id: id}})
                })).json())""",
                evaluation_id,
            )
            marks: dict[str, Any] = answer["marks"]
            assert (marks["sample"]["right"], marks["sample"]["wrong"]) == (3, 1)
            for sentence in marks["sentences"]:
                assert sentence in said
            assert "75.0" in said
            for scheme in ("light", "dark"):
                await looked.page.emulate_media(color_scheme=scheme)
                for width in (400, 800):
                    await looked.page.set_viewport_size({"width": width, "height": 900})
                    assert (found := await looked.axe()) == [], (scheme, width, found)
                    assert await looked.overflow() <= 0
    await world.report("marked", evaluation_id)
    async with looking(world, world.reports.pop("marked").as_uri()) as looked:
        text = await looked.text()
        assert "Marked by a person" in text
        assert "3 of 4 verdicts drawn at random are marked right" in text
        await looked.page.get_by_role("button", name=re.compile("^all")).click()
        while not await looked.page.locator("summary:has(.marked)").count():
            await looked.page.get_by_role("button", name="Show more rows").click()
        await looked.page.locator("summary:has(.marked)").first.click()
        await looked.page.locator("text=/^Marked (right|wrong|unsure)/").wait_for(timeout=WAIT)
        assert await looked.page.locator(".marking").count() == 0
        assert await looked.page.get_by_role("button", name=re.compile("random")).count() == 0
        assert await looked.axe() == []


async def mark_sample(page: Any, opinions: Sequence[str]) -> None:
    """Open the first rows of the sample and mark each."""
    await page.wait_for_selector(".row", timeout=WAIT)
    await page.get_by_role("button", name=re.compile("at random")).click()
    await page.wait_for_selector("text=20 of 20 that match")
    for place, opinion in enumerate(opinions):
        row = page.locator(".row").nth(place)
        await row.locator("summary").click()
        await row.get_by_role("button", name=opinion, exact=True).click()
        await row.locator(".marked").wait_for(timeout=WAIT)


async def a_score_is_marked_with_a_number_and_a_wrong_one_is_refused_in_words(
    world: World,
) -> None:
    with viewer(world) as (address, process):
        async with looking(world, _at(address, world.home.ids["score"])) as looked:
            page = looked.page
            await mark_sample(page, ["wrong"])
            number = page.get_by_role("spinbutton")
            await number.fill("99")
            await number.press("Enter")
            await page.wait_for_selector("text=Give a number from 0 to 10.")
            await number.fill("3.5")
            await number.press("Enter")
            await page.get_by_role("alert").wait_for(state="detached")
            await page.reload()
            await page.wait_for_selector(".row", timeout=WAIT)
            await page.get_by_role("button", name=re.compile("at random")).click()
            await page.locator("summary").first.click()
            assert await page.get_by_role("spinbutton").input_value() == "3.5"
            process.terminate()
            process.wait(60)
            await page.get_by_role("button", name="right", exact=True).click()
            await page.wait_for_selector(".marking >> text=The viewer no longer answers")
            pressed = page.locator(".marking button[aria-pressed=true]")
            assert "wrong" in await pressed.inner_text(), "what was not kept is shown as kept"


async def hostile_labels_can_be_what_a_verdict_should_be(world: World) -> None:
    with viewer(world) as (address, _):
        base = address.split("#")[0]
        async with looking(world, _at(address, world.home.ids["hostile"])) as looked:
            await mark_sample(looked.page, ["wrong"])
            shown = await looked.page.locator(".marking").inner_text()
            assert "It should be" in shown
            assert "<b>good</b>" in shown or "<img" in shown
            await _unharmed_in_viewer(looked, base)


async def _unharmed_in_viewer(looked: Looked, base: str) -> None:
    await unharmed(looked, [base, f"{base}call"])


async def changed_rows_are_searched_and_show_the_marks_of_both_sides(world: World) -> None:
    ids = world.home.ids
    with viewer(world) as (address, _):
        base, token = address.split("#")
        at = f"{base}?a={ids['v2']}&b={ids['small']}#{token}"
        async with looking(world, at) as looked:
            page = looked.page
            await page.wait_for_selector(".row", timeout=WAIT)
            number = int(await page.locator(".row .number").first.inner_text())
            await page.evaluate(
                """async mark => (await fetch('call', {method: 'POST', headers: {
                  Authorization: `Bearer ${sessionStorage.getItem('evals-mcp token')}`},
                  body: JSON.stringify({name: 'mark', arguments: mark})})).json()""",
                {"evaluation_id": ids["v2"], "row": number, "opinion": "unsure"},
            )
            await page.reload()
            await _search_changed_rows(looked, "you")
    await world.report("searched", ids["v2"], ids["small"])
    async with looking(world, world.reports.pop("searched").as_uri()) as looked:
        await _search_changed_rows(looked, "marked")


async def _search_changed_rows(looked: Looked, who: str) -> None:
    page = looked.page
    row = page.locator(".row").first
    await row.locator(".marked").first.wait_for(timeout=WAIT)
    shown = " ".join((await row.locator(".marks").inner_text()).split())
    assert f"A: {who}" in shown
    assert f"B: {who}" in shown, "the same answer was judged on both sides"
    gist = await row.locator(".gist").inner_text()
    every = await page.locator("h2 [role=status]").inner_text()
    await page.get_by_role("searchbox").fill(gist.upper())
    await page.wait_for_function(
        "every => document.querySelector('h2 [role=status]').textContent !== every", arg=every
    )
    found = await page.locator(".row .gist").all_inner_texts()
    # The examples ask some questions more than once, also with other words around them.
    assert found[0] == gist
    assert all(gist.lower() in each.lower() for each in found), (gist, found)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for width in (400, 800):
            await page.set_viewport_size({"width": width, "height": 900})
            assert (wrong := await looked.axe()) == [], (scheme, width, wrong)
            assert await looked.overflow() <= 0
    await row.locator("summary").click()
    marked = row.locator("text=/^Marked unsure/")
    await marked.nth(1).wait_for(timeout=WAIT)
    assert await marked.count() == 2
    await page.get_by_role("searchbox").fill("no row has this")
    await page.wait_for_selector("text=No row matches.")
    await page.get_by_role("searchbox").fill("")
    await page.wait_for_selector(f"text={every}")
    assert looked.logged == []


async def a_server_that_only_reads_shows_marks_and_takes_none(world: World) -> None:
    evaluation_id = world.home.ids["compare"]
    with viewer(world) as (address, _):
        async with looking(world, _at(address, evaluation_id)) as looked:
            await mark_sample(looked.page, ["right"])
    read_only = {"EVALS_MCP_SERVER__READ_ONLY": "true"}
    with viewer(world, **read_only) as (address, _):
        async with looking(world, _at(address, evaluation_id)) as looked:
            page = looked.page
            await page.wait_for_selector(".row", timeout=WAIT)
            assert await page.locator("text=1 of 1 verdicts drawn at random").count() == 1
            # Its sample can still be looked at.
            await page.get_by_role("button", name=re.compile("at random")).click()
            await page.locator("summary:has(.marked)").click()
            await page.locator("text=Marked right.").wait_for(timeout=WAIT)
            assert await page.locator(".marking").count() == 0


CHECKS: Sequence[Check] = (
    rows_are_marked_by_keyboard_alone_and_keep_the_focus,
    marks_of_a_sample_give_the_servers_figures_and_are_in_the_report,
    a_score_is_marked_with_a_number_and_a_wrong_one_is_refused_in_words,
    changed_rows_are_searched_and_show_the_marks_of_both_sides,
    hostile_labels_can_be_what_a_verdict_should_be,
    a_server_that_only_reads_shows_marks_and_takes_none,
)
