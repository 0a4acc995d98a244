"""Builds the wheel and runs it away from this tree, as a fresh install would.

Run by `make wheel`. The wheel is unpacked into a folder of its own and imported from there with the
installed dependencies, from a working directory that holds nothing of this repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

EXPECTED = (
    "evals_engine/py.typed",
    "evals_engine/store/queries.sql",
    "evals_engine/store/migrations/0001_evaluations.sql",
    "evals_mcp/cli.py",
    "evals_mcp/py.typed",
    "evals_mcp/result_files/index.sql",
    "evals_mcp/views/page.html",
    "evals_schemas/py.typed",
    "evals_schemas/tools/outputs.py",
)


def main() -> None:
    """Build, look inside, and run."""
    with tempfile.TemporaryDirectory(prefix="evals-mcp-wheel-") as folder:
        wheel = build(Path(folder))
        installed = Path(folder) / "installed"
        with zipfile.ZipFile(wheel) as archive:
            missing = set(EXPECTED) - set(archive.namelist())
            assert not missing, f"the wheel lacks {sorted(missing)}"
            archive.extractall(installed)
        away = Path(folder) / "away"
        away.mkdir()
        version = run(installed, away, "--version").strip()
        tools = json.loads(run(installed, away, "tools"))["tools"]
        initialized = run(installed, away, stdin=INITIALIZE)
    assert '"serverInfo"' in initialized, initialized
    print(f"{wheel.name}: version {version}, {len(tools)} tools, answers initialize")


INITIALIZE = (
    json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "wheel", "version": "1"},
            },
        }
    )
    + "\n"
)


def build(folder: Path) -> Path:
    """Build the wheel with the installed build backend; nothing is downloaded."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    return wheel


def run(installed: Path, away: Path, *arguments: str, stdin: str = "") -> str:
    """Run the installed command and answer what it prints."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("EVALS_")},
        "PYTHONPATH": str(installed),
        "EVALS_MCP_LOCAL__DATA_DIR": str(away / "data"),
        "EVALS_MCP_STATE__FOLDER": str(away / "state"),
    }
    code = (
        "import sys, evals_mcp; from evals_mcp.cli import main; "
        f"assert evals_mcp.__file__.startswith({str(installed)!r}), evals_mcp.__file__; "
        "sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=stdin,
        cwd=away,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        timeout=60,
    )
    return done.stdout


if __name__ == "__main__":
    main()
