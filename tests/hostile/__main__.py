"""Runs all hostile cases, or every nth of each kind, and prints a table, as they end.

python -m tests.hostile [n]
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from tests.hostile.cases import CELLS, FILES, TEMPLATES
from tests.hostile.suite import (
    HEAD,
    Observed,
    observe_cells,
    observe_files,
    observe_templates,
    totals,
)

CALLS = 15
"""How often the second user works alone before each case."""


async def _run(folder: Path, step: int) -> None:
    seen: list[Observed] = []

    def show(observed: Observed) -> None:
        seen.append(observed)
        _print(observed.line)

    _print(HEAD)
    for name in ("templates", "cells", "files"):
        (folder / name).mkdir()
    await observe_templates(folder / "templates", TEMPLATES[::step], show, CALLS)
    await observe_cells(folder / "cells", CELLS[::step], show, CALLS)
    await observe_files(folder / "files", list(FILES)[::step], show, CALLS)
    _print(totals(seen))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="hostile-") as folder:
        anyio.run(_run, Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
