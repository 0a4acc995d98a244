"""Builds the page: `server/evals_mcp/views/page.html` from `page/`.

`python -m tests.page.build` writes it and the shapes that it gets; `differences` compares both with
what is there, byte for byte.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.locked_packages import NODE, npm_packages
from tests.page.shapes import shapes

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "page"
PAGE = ROOT / "server" / "evals_mcp" / "views" / "page.html"
SHAPES = SOURCES / "src" / "shapes.ts"
FOLDER = ROOT / "build" / "page"
"""Where the packages are, and a copy of the sources while they are built."""


def built(output: Path, changes: Mapping[str, tuple[str, str]] | None = None) -> None:
    """Check the types of the sources and build the page.

    Args:
        output: the file to write.
        changes: for names of sources, a text and what takes its place; for tests.

    Raises:
        SystemExit: the packages cannot be installed, a type is wrong, or the build fails.
    """
    npm_packages(FOLDER, SOURCES / "package-lock.json")
    for name in ("build.mjs", "tsconfig.json"):
        shutil.copy(SOURCES / name, FOLDER)
    shutil.rmtree(FOLDER / "src", ignore_errors=True)
    shutil.copytree(SOURCES / "src", FOLDER / "src")
    for name, (old, new) in (changes or {}).items():
        source = FOLDER / "src" / name
        text = source.read_text(encoding="utf-8")
        assert old in text
        source.write_text(text.replace(old, new), encoding="utf-8")
    compiler = FOLDER / "node_modules" / "typescript" / "bin" / "tsc"
    for command in ([compiler, "--noEmit"], ["build.mjs", output]):
        if subprocess.run([NODE, *command], cwd=FOLDER, check=False).returncode:
            sys.exit(f"{command[0]} failed on {SOURCES}.")


def differences() -> list[str]:
    """Return the built files that are not what their sources give."""
    fresh = FOLDER.parent / "page.html"
    stale = [] if SHAPES.read_text(encoding="utf-8") == shapes() else [SHAPES]
    built(fresh)
    if fresh.read_bytes() != PAGE.read_bytes():
        stale.append(PAGE)
    return [str(path.relative_to(ROOT)) for path in stale]


def main() -> None:
    """Write the shapes, and build."""
    SHAPES.write_text(shapes(), encoding="utf-8", newline="\n")
    built(PAGE)


if __name__ == "__main__":
    main()
