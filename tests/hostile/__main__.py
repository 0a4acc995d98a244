"""Runs all hostile cases, every nth of each kind, or some of one kind, and prints a table.

python -m tests.hostile [n]
python -m tests.hostile templates|cells|files number…
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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

KINDS = ("templates", "cells", "files")

CALLS = 15
"""How often the second user works alone before each case."""


async def _run(folder: Path, chosen: Mapping[str, slice | Collection[int]]) -> None:
    seen: list[Observed] = []

    def show(observed: Observed) -> None:
        seen.append(observed)
        _print(observed.line)

    _print(HEAD)
    for name in chosen:
        (folder / name).mkdir()
    if templates := _of(TEMPLATES, chosen.get("templates")):
        await observe_templates(folder / "templates", templates, show, CALLS)
    if cells := _of(CELLS, chosen.get("cells")):
        await observe_cells(folder / "cells", cells, show, CALLS)
    if files := _of(list(FILES), chosen.get("files")):
        await observe_files(folder / "files", files, show, CALLS)
    _print(totals(seen))


def _of(cases: Sequence[Any], chosen: slice | Collection[int] | None) -> Sequence[Any]:
    """Return the chosen cases; they are numbered from 1."""
    if isinstance(chosen, slice):
        return cases[chosen]
    return [case for number, case in enumerate(cases, 1) if number in (chosen or ())]


def _chosen(arguments: Sequence[str]) -> Mapping[str, slice | Collection[int]]:
    """Return which cases of each kind the arguments name."""
    if arguments and arguments[0] in KINDS:
        return {arguments[0]: [int(number) for number in arguments[1:]]}
    step = int(arguments[0]) if arguments else 1
    return dict.fromkeys(KINDS, slice(None, None, step))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="hostile-") as folder:
        anyio.run(_run, Path(folder), _chosen(sys.argv[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
