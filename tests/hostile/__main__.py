"""`python -m tests.hostile`: runs all hostile cases and prints a table, as they end."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from tests.hostile.cases import CELLS, FILES, TEMPLATES
from tests.hostile.suite import HEAD, Observed, observe_cells, observe_files, observe_templates


async def _run(folder: Path) -> None:
    _print(HEAD)
    for name in ("templates", "cells", "files"):
        (folder / name).mkdir()
    await observe_templates(folder / "templates", TEMPLATES, _show)
    await observe_cells(folder / "cells", CELLS, _show)
    await observe_files(folder / "files", list(FILES), _show)


def _show(observed: Observed) -> None:
    _print(observed.line)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="hostile-") as folder:
        anyio.run(_run, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
