"""How the browser looks: opened pages with everything that they log or request."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.page.browser.packages import AXE
from tests.page.browser.world import World

WAIT = 60_000
"""Milliseconds after which something hangs."""

ELEMENTS = frozenset(
    """
    html head meta title style script body main article header footer nav section div p span b i em
    small h1 h2 h3 h4 dl dt dd ol ul li code bdi button label input select option table thead tbody
    tfoot tr th td details summary figure svg g rect line circle text noscript progress
    """.split()  # noqa: SIM905 - names of elements, without quotation marks
)
"""The elements that the page makes."""


@dataclass
class Looked:
    """An opened page."""

    page: Any
    logged: list[str] = field(default_factory=list[str])
    """Messages of the console, and errors."""
    requested: list[str] = field(default_factory=list[str])

    async def text(self) -> str:
        """Return what a person reads."""
        return await self.page.inner_text("#page")

    async def axe(self) -> list[str]:
        """Return the violations that axe-core finds: WCAG 2.0 to 2.2, A and AA, best practice."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}"
            for each in found["violations"]
        ]

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    async def foreign(self) -> list[str]:
        """Return elements that the page never makes, and addresses that elements have."""
        return await self.page.evaluate(
            """known => [...document.querySelectorAll('*')].filter(each =>
                 !known.includes(each.localName) || each.hasAttribute('href') ||
                 each.hasAttribute('src') || each.hasAttribute('onclick'))
               .map(each => each.outerHTML.slice(0, 100))""",
            sorted(ELEMENTS),
        )


@asynccontextmanager
async def looking(
    world: World, address: str, *, width: int = 800, scheme: str = "light", **options: Any
) -> AsyncGenerator[Looked]:
    """Open an address in a context of its own, and wait until there is something to read."""
    size = {"width": width, "height": 900}
    context = await world.browser.new_context(viewport=size, color_scheme=scheme, **options)
    context.set_default_timeout(WAIT)
    page = await context.new_page()
    looked = Looked(page)
    try:
        page.on("console", lambda message: looked.logged.append(message.text))
        page.on("pageerror", lambda error: looked.logged.append(str(error)))
        page.on("request", lambda request: looked.requested.append(request.url))
        await page.goto(address)
        await page.wait_for_selector("h1, .failure")
        yield looked
    except Exception:
        with suppress(Exception):  # what the page shows explains; the failure itself is raised
            print(await looked.text(), *looked.logged, sep="\n", file=sys.stderr)
        raise
    finally:
        await context.close()


async def tab_to(page: Any, name: str, *, back: bool = False, whole: bool = False) -> None:
    """Press Tab until the focus is on something of this name."""
    for _ in range(120):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        text = await page.evaluate(
            "(e => (e.getAttribute('aria-label') ?? '') + ' ' + (e.labels?.[0]?.textContent ?? '')"
            " + ' ' + e.textContent)(document.activeElement)"
        )
        if (text.strip() == name) if whole else (name in text and text.strip() != ""):
            visible = await page.evaluate("document.activeElement.matches(':focus-visible')")
            if visible and await page.evaluate("document.activeElement !== document.body"):
                return
    raise AssertionError(f"no Tab leads to {name!r}")
