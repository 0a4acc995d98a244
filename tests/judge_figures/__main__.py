"""Records what independent libraries compute, for the tests of agreement and corrected figures.

The libraries are fetched once, at the versions and hashes of `packages/libraries.lock`. With a
clone of https://github.com/UW-Madison-Lee-Lab/LLM-judge-reporting at commit 082884d, the interval
of Lee et al. is recorded anew, too; without one, its recorded values stay.

    python -m tests.judge_figures [clone]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.locked_packages import python_packages

FOLDER = Path(__file__).parent
RECORDED = FOLDER / "recorded.json"
BUILD = Path(__file__).parents[2] / "build" / "judge_figures"


def main(clone: str | None) -> int:
    """Write the recorded values; return the exit status of what computes them."""
    python = python_packages(BUILD, FOLDER / "packages" / "libraries.lock")
    command = [python, FOLDER / "libraries.py", RECORDED, *([clone] if clone else [])]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
