"""What the browser tests need: Playwright, axe-core and a Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.page.build import FOLDER, SOURCES

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PLAYWRIGHT = ROOT / "build" / "page-browser"
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Return the path of a Chromium.

    Raises:
        SystemExit: this machine has none where it is looked for.
    """
    path = os.environ.get("EVALS_CHROMIUM", "/usr/bin/chromium")
    if shutil.which(path) is None:
        sys.exit(
            f"There is no Chromium at {path}, and the page is tested in one. Install it "
            "(Debian: apt-get install -y chromium), or name another with EVALS_CHROMIUM."
        )
    return path


def install() -> None:
    """Put Playwright where this process imports it from; what is there already is used again.

    Raises:
        SystemExit: it could not be installed.
    """
    lock, marker = HERE / "requirements.lock", PLAYWRIGHT / "installed"
    if not (marker.exists() and marker.read_bytes() == lock.read_bytes()):
        shutil.rmtree(PLAYWRIGHT, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--require-hashes", "--target", str(PLAYWRIGHT), "-r", str(lock)]
        if subprocess.run([*pip, *options], check=False).returncode:
            sys.exit(f"{lock} could not be installed; pip needs its registry.")
        shutil.copy(lock, marker)
    sys.path.append(str(PLAYWRIGHT))
    assert SOURCES.is_dir()
