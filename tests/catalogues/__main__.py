"""Builds what the catalogues take and has each one's own validator read it.

The validators are fetched once from the registries. They run in an empty home folder.

    make catalogues
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.locked_packages import NODE, npm_packages, python_packages

PACKAGES = Path(__file__).parent / "packages"
ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "catalogues"
NPM = BUILD / "npm"


def main() -> int:
    """Print a line for each validator; return 1 if one of them found a fault, else 0."""
    npm_packages(NPM, PACKAGES / "package-lock.json")
    python = python_packages(BUILD / "python", PACKAGES / "validators.lock")
    claude = NPM / "node_modules" / "@anthropic-ai" / "claude-code"
    subprocess.run([NODE, claude / "install.cjs"], check=True, capture_output=True)
    with TemporaryDirectory() as scratch:
        built = Path(scratch, "built")
        written = ROOT / "deploy" / "catalogues" / "build.py"
        subprocess.run([sys.executable, written, "example-owner", built], check=True)
        bundle = Path(scratch, "bundle")
        with zipfile.ZipFile(next(built.glob("*.mcpb"))) as archive:
            archive.extractall(bundle)
        plugin, extension = str(built / "claude-plugin"), str(built / "gemini-extension")
        checks = {
            "registry entry, skills": [python, "-m", "skillsaw", "lint", "--strict", str(built)],
            "plugin, by skillsaw": [python, "-m", "skillsaw", "lint", "--strict", plugin],
            "plugin": [_program("claude"), "plugin", "validate", plugin, "--strict"],
            "extension": [_program("gemini"), "extensions", "validate", extension],
            "bundle": [_program("mcpb"), "validate", str(bundle / "manifest.json")],
        }
        passed = [_passes(name, command, Path(scratch)) for name, command in checks.items()]
    return 0 if all(passed) else 1


def _program(name: str) -> Path:
    return NPM / "node_modules" / ".bin" / name


def _passes(name: str, command: list[str | Path], home: Path) -> bool:
    environment = {**os.environ, "HOME": str(home), "NO_COLOR": "1"}
    environment["PATH"] = f"{Path(NODE).parent}{os.pathsep}{environment['PATH']}"
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(f"{'ok  ' if ended.returncode == 0 else 'fail'}  {name}")
    if ended.returncode:
        print(ended.stdout + ended.stderr)
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
