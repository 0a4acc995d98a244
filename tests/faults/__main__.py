"""`python -m tests.faults > docs/faults.md`: runs the suite and prints the page."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults import client_cases, engine_cases
from tests.faults.page import page
from tests.faults.skipping_loop import run_skipping
from tests.faults.verdict import broken_by_a_call, broken_by_a_row


def main() -> int:
    # Broken promises are printed below; servers also log requests that were cut off.
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="faults-") as folder:
        calls = run_skipping(client_cases.observe, Path(folder))
        rows = run_skipping(engine_cases.observe, Path(folder, "engines"))
    broken = [text for case in client_cases.CASES for text in broken_by_a_call(case, calls)]
    broken += [text for case in engine_cases.CASES for text in broken_by_a_row(case, rows)]
    if calls.led_astray:
        broken.append(f"{calls.led_astray} redirects were followed")
    sys.stdout.write(page())
    sys.stderr.write("".join(f"{text}\n" for text in broken))
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
