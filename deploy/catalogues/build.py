"""Writes what the catalogues of clients take: a registry entry, a bundle, a plugin, an extension.

    python deploy/catalogues/build.py OWNER [FOLDER]

OWNER is the account on the forge under which the project is published. FOLDER is `dist/catalogues`
if absent. The version is that of `pyproject.toml`. The same tree gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parent
ROOT = SOURCES.parents[1]

_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")
"""A name that the forge accepts."""

_BUNDLED_AT = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the bundle: the earliest that the format knows."""


def main(arguments: list[str]) -> int:
    """Write everything; return 2 for a wrong command line, else 0."""
    if len(arguments) not in (1, 2) or not _OWNER.fullmatch(arguments[0]):
        print("Usage: python deploy/catalogues/build.py OWNER [FOLDER]", file=sys.stderr)
        return 2
    folder = Path(arguments[1]) if len(arguments) == 2 else ROOT / "dist" / "catalogues"
    for path in build(arguments[0], folder):
        print(path)
    return 0


def build(owner: str, folder: Path) -> list[Path]:
    """Write everything for an owner into a folder, and return what clients are given."""
    facts = {"OWNER": owner, "VERSION": version()}
    plugin, extension = folder / "claude-plugin", folder / "gemini-extension"
    bundle = folder / f"evals-mcp-{facts['VERSION']}.mcpb"
    folder.mkdir(parents=True, exist_ok=True)
    _write_bundle(bundle, facts)
    facts["BUNDLE_SHA256"] = hashlib.sha256(bundle.read_bytes()).hexdigest()
    registry = _write(folder / "server.json", _filled(SOURCES / "server.json", facts))
    for name, target in (
        ("plugin.json", ".claude-plugin/plugin.json"),
        ("marketplace.json", ".claude-plugin/marketplace.json"),
        ("mcp.json", ".mcp.json"),
        ("README.md", "README.md"),
    ):
        _write(plugin / target, _filled(SOURCES / "claude-plugin" / name, facts))
    _write(plugin / ".claude-plugin" / "icon.png", (SOURCES / "icon.png").read_bytes())
    for source, below in _files(SOURCES / "gemini-extension"):
        _write(extension / below, _filled(source, facts))
    for source, below in _files(SOURCES / "skills"):
        for target in (plugin, extension):
            _write(target / "skills" / below, source.read_bytes())
    return [registry, bundle, plugin, extension]


def version() -> str:
    """Return the version of the project."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]


def _write_bundle(bundle: Path, facts: dict[str, str]) -> None:
    contents = {
        # Under its own name, tools that look for projects would read the place holders.
        str(below).removesuffix(".in"): _filled(source, facts)
        for source, below in _files(SOURCES / "mcpb")
    }
    contents["icon.png"] = (SOURCES / "icon.png").read_bytes()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name, _BUNDLED_AT), contents[name])


def _filled(path: Path, facts: dict[str, str]) -> bytes:
    """Return a text with its place holders filled in."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"@([A-Z0-9_]+)@", lambda match: facts[match[1]], text).encode()


def _files(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file of a folder and its path below the folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.relative_to(folder)


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
