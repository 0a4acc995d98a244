"""Runs every check and prints a line for each; names of checks as arguments choose some."""

from __future__ import annotations

import sys
import time
import traceback

import anyio

from tests.page.browser.packages import chromium, install


def main() -> int:
    """Return 0 if every check passed, else 1."""
    chromium()
    install()
    return anyio.run(_run, sys.argv[1:])


async def _run(names: list[str]) -> int:
    from tests.page.browser import app_checks, checks, label_checks, mark_checks  # noqa: PLC0415 - installed above
    from tests.page.browser.world import open_world  # noqa: PLC0415 - as above

    failures = 0
    async with open_world() as world:
        for check in (
            *checks.CHECKS,
            *mark_checks.CHECKS,
            *label_checks.CHECKS,
            *app_checks.CHECKS,
        ):
            if names and not any(name in check.__name__ for name in names):
                continue
            started = time.monotonic()
            try:
                await check(world)
            except Exception:  # noqa: BLE001 - the other checks run as well
                failures += 1
                outcome = "FAIL"
                traceback.print_exc()
            else:
                outcome = "ok"
            seconds = time.monotonic() - started
            print(f"{outcome:4} {check.__name__.replace('_', ' ')} ({seconds:.1f} s)", flush=True)
    print(f"{failures} checks failed" if failures else "The page does what it should.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
