"""Takes the pictures of `docs/pictures`. Run by `make pictures`; look at each before a commit."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tests.page.browser.packages import chromium, install

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"
SCALE = 1.25

Act = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class Picture:
    """One view."""

    name: str
    height: int
    """Pixels from the top; a page that is shorter is shown whole."""
    width: int = 900
    scheme: str = "light"
    act: Act | None = None
    """What a person does first."""


async def _open_row(page: Any) -> None:
    await page.locator("summary").nth(1).click()
    await page.wait_for_selector(".detail")


async def _mark_some(page: Any) -> None:
    from tests.page.browser.mark_checks import mark_sample  # noqa: PLC0415 - installed before

    await mark_sample(page, ["right", "right", "wrong"])
    await page.locator("summary").nth(1).click()
    await page.locator("summary").nth(0).click()
    await page.locator(".panel", has_text="Your marks").wait_for()


async def _choose_two(page: Any) -> None:
    boxes = page.locator("input[type=checkbox]")
    await boxes.nth(-1).check()
    await boxes.nth(-2).check()


async def _half_way(page: Any) -> None:
    await page.wait_for_selector("dd:has-text('rows/s')", timeout=60_000)
    await page.wait_for_selector("dt:has-text('left') + dd:has-text('s')", timeout=60_000)


REPORTS = (
    Picture("classify", 1000),
    Picture("score", 900, scheme="dark"),
    Picture("compare", 980, act=_open_row),
    Picture("comparison", 700),
    Picture("judges", 1060, scheme="dark"),
    Picture("scores", 1100, width=400),
    Picture("stopped", 800),
)


_SIDES = (("a", "v1"), ("b", "v2"))


async def main() -> None:
    """Take every picture."""
    from tests.page.browser.world import open_world, viewer  # noqa: PLC0415 - installed before

    FOLDER.mkdir(exist_ok=True)
    async with open_world(5) as world:
        for picture in REPORTS:
            await _take(world, picture, world.reports[picture.name].as_uri())
        rows = Picture("changed-rows", 760, act=_open_row)
        await _take(world, rows, world.reports["comparison"].as_uri(), below=".rows")
        running = await world.running()
        with viewer(world) as (address, _):
            base, token = address.split("#")
            at = f"{base}?evaluation={running}#{token}"
            await _take(world, Picture("running", 620, act=_half_way), at)
            await world.server.answer("cancel_evaluation", evaluation_id=running)
            at = f"{base}?evaluation={world.home.ids['v2']}#{token}"
            await _take(world, Picture("marks", 780, act=_mark_some), at, below=".rows")
            await _take(world, Picture("list", 900, act=_choose_two), address)
        await _conversation(world)


async def _conversation(world: Any) -> None:
    """Take the pictures of the page in a conversation, from a plan to its result."""
    from tests.page.browser.conversation import conversation  # noqa: PLC0415 - as above
    from tests.page.examples import classify  # noqa: PLC0415 - as above

    plan = classify(world.file_id, model="judge-slow") | {"again": True}
    plan["judge"] |= {"num_workers": 2}
    said = "Judge the answers of our support bot, and stop the run when I say so."
    size: dict[str, Any] = {"width": 840, "device_scale_factor": SCALE}
    async with conversation(world, **size) as talk:
        talk.server = world.asking
        await talk.say(said)
        await talk.show("create_evaluation", plan, theme="light", variables=True)
        await talk.frame.get_by_role("button", name="Start").wait_for()
        await talk.picture(FOLDER / "app-plan.png")
        await talk.send("HostContextChange", {"theme": "dark"})
        await talk.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        await talk.frame.get_by_role("button", name="Start").click()
        await talk.frame.locator("dt:has-text('left') + dd:has-text('s')").wait_for(timeout=60_000)
        await talk.picture(FOLDER / "app-running.png")
        await talk.frame.get_by_role("button", name="Stop…").click()
        await talk.frame.get_by_role("button", name="Stop it").click()
    async with conversation(world, **size) as talk:
        await talk.say("How did the second version do?")
        arguments = {"evaluation_id": world.home.ids["v2"]}
        await talk.show("get_evaluation", arguments, theme="light", variables=True)
        await talk.frame.get_by_role("button", name="Show rows").wait_for()
        await talk.picture(FOLDER / "app-result.png")
    async with conversation(world, **size) as talk:
        await talk.say("Is it better than the first one?")
        both = {f"evaluation_id_{side}": world.home.ids[name] for side, name in _SIDES}
        await talk.show("compare_evaluations", both, theme="dark", variables=True)
        await talk.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        await talk.frame.get_by_role("button", name="Show the rows that changed").wait_for()
        await talk.picture(FOLDER / "app-comparison.png")


async def _take(world: Any, picture: Picture, address: str, below: str | None = None) -> None:
    size = {"width": picture.width, "height": picture.height}
    context = await world.browser.new_context(
        viewport=size, color_scheme=picture.scheme, device_scale_factor=SCALE
    )
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_selector("article h1, .failure", timeout=60_000)
    await page.wait_for_selector(".row, .running, .evaluations li", timeout=60_000)
    if picture.act:
        await picture.act(page)
    top = await page.locator(below).first.evaluate("e => e.offsetTop + 2") if below else 0
    whole = await page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": top, "width": picture.width, "height": min(picture.height, whole - top)}
    await page.screenshot(path=FOLDER / f"{picture.name}.png", full_page=True, clip=clip)
    await context.close()
    print(f"{picture.name}.png")


if __name__ == "__main__":
    chromium()
    install()
    anyio.run(main)
    sys.exit(0)
