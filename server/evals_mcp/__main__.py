"""The entry of the command `evals-mcp` and of `python -m evals_mcp`.

An older Python can read this module, but not what it imports: it says which Python is needed.
"""

from __future__ import annotations

import sys

OLDEST = (3, 11)
"""The oldest Python that the server runs on, as in `pyproject.toml`."""


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.version_info[:2] < OLDEST:
        have = ".".join(map(str, sys.version_info[:3]))
        sys.stderr.write(
            f"evals-mcp needs Python 3.11 or newer; this is Python {have} ({sys.executable})\n"
        )
        return 2
    from evals_mcp.cli import main as run  # noqa: PLC0415 - after the check

    return run()


if __name__ == "__main__":
    sys.exit(main())
