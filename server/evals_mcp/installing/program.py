"""The command that an entry names: the whole path of the installed `evals-mcp`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from evals_mcp.errors import OperatorError
from evals_mcp.installing.entries import Launch

_TEMPORARY = re.compile(r"[\\/](uv[\\/](cache|archive-v\d+)|archive-v\d+|pipx[\\/]\.cache)[\\/]")


def running_program(argument: str, interpreter: str, config: Path | None) -> Launch:
    """Return how to start this installation again.

    Args:
        argument: The first item of the command line, `sys.argv[0]`.
        interpreter: The running Python.
        config: The configuration file of `--config`, which the entry then names, too.

    Raises:
        OperatorError: this installation is one that may vanish at any time.
    """
    options = ("--config", str(config.expanduser().absolute())) if config else ()
    program = Path(os.path.abspath(argument))  # noqa: PTH100 - keeps links, which point to the newest version
    if _TEMPORARY.search(str(program)) or _TEMPORARY.search(interpreter):
        raise OperatorError(
            "this evals-mcp runs from a cache that may be emptied at any time: install it, such as "
            "with `python3 -m venv ~/.evals-mcp` and `~/.evals-mcp/bin/pip install`, and run "
            "`install` from there"
        )
    if program.stem == "evals-mcp" and program.is_file():
        return Launch(str(program), options)
    suffix = ".exe" if os.name == "nt" else ""
    beside = Path(interpreter).with_name(f"evals-mcp{suffix}")
    if beside.is_file():
        return Launch(str(beside), options)
    return Launch(interpreter, ("-m", "evals_mcp", *options))
