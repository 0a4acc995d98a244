"""The worker side of uploaded files: reads a file of any format and checks its rows.

A small file may unfold to many gigabytes, so files are read in worker processes, which have limits
of memory and time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evals_mcp.datasets.preparation import PreparationOptions, PreparedFile, prepare_file
from evals_mcp.errors import DatasetFaultError, EvalsMCPError, InvalidRequestError, OperatorError

PrepareFile = Callable[[Path, str, PreparationOptions, str, str], Awaitable[PreparedFile]]
"""Checks a file as `prepare_file` does, in a worker process. The last argument is the owner."""

_ERRORS: Mapping[str, type[EvalsMCPError]] = {
    error.__name__: error for error in (DatasetFaultError, InvalidRequestError, OperatorError)
}


def open_files(_setup: Any) -> tuple[None, Callable[[Any], dict[str, Any]]]:
    """Return no facts, and a function from `file_item` to what `prepared_file` takes."""

    def prepare(item: Any) -> dict[str, Any]:
        options = PreparationOptions(scratch=Path(item["scratch"]), **item["options"])
        try:
            prepared = prepare_file(Path(item["path"]), item["name"], options, item["source_name"])
        except EvalsMCPError as error:
            kind = next(name for name, known in _ERRORS.items() if isinstance(error, known))
            return {"error": kind, "message": str(error)}
        return asdict(prepared) | {"path": str(prepared.path)}

    return None, prepare


def file_item(
    path: Path, name: str, options: PreparationOptions, source_name: str
) -> dict[str, Any]:
    """Return the item that asks a worker to check a file; arguments as of `prepare_file`."""
    limits = {
        "max_bytes": options.max_bytes,
        "columns": options.columns,
        "text_columns": options.text_columns,
    }
    return {
        "path": str(path),
        "name": name,
        "source_name": source_name,
        "scratch": str(options.scratch),
        "options": limits,
    }


def prepared_file(result: dict[str, Any]) -> PreparedFile:
    """Return the file that a worker has checked.

    Raises:
        EvalsMCPError: the error that `prepare_file` raised there.
    """
    if "error" in result:
        raise _ERRORS[result["error"]](result["message"])
    path = Path(result.pop("path"))
    return PreparedFile(path=path, **result)
