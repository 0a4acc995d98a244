"""Measures the first paint of a report beside that of an empty page: the median of ten pairs.

`python -m tests.page.browser.paint`. A benchmark and not a test: its figure is that of the machine.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from tests.page.browser.packages import FLAGS, chromium, install
from tests.page.browser.world import large_report

PAIRS = 10
ROWS = 500
PAINT = """
new Promise(done => new PerformanceObserver(list => done(list.getEntries()[0].startTime))
  .observe({type: 'paint', buffered: true}))
"""
EMPTY = "<!doctype html><html lang=en><title>Empty</title><p>Empty</p></html>"


async def main() -> None:
    """Print both medians."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - installed before

    with TemporaryDirectory() as name:
        folder = Path(name)
        empty = folder / "empty.html"
        empty.write_text(EMPTY, encoding="utf-8")
        report = await large_report(folder, ROWS)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            paints: dict[Path, list[float]] = {empty: [], report: []}
            for _ in range(PAIRS):
                for path, times in paints.items():
                    times.append(await _first_paint(browser, path))
            await browser.close()
    of_empty, of_report = (median(times) for times in paints.values())
    print(f"first paint of an empty page: {of_empty:.0f} ms")
    print(
        f"first paint of a report of {ROWS} rows: {of_report:.0f} ms ({of_report - of_empty:+.0f})"
    )


async def _first_paint(browser: Any, path: Path) -> float:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(path.as_uri())
    await page.wait_for_selector("p, h1")
    time = await page.evaluate(PAINT)
    await context.close()
    return time


if __name__ == "__main__":
    chromium()
    install()
    anyio.run(main)
