"""`upload_dataset`: check a data set whole, then send it; a bad one is never sent."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.datasets_folder import allowed_file
from evals_mcp.errors import DatasetFaultError, InvalidRequestError, OperatorError
from evals_mcp.settings_schema import DatasetSettings
from evals_mcp.tools.session import ToolSession
from evals_schemas.datasets import Check, DatasetError, Kind, Row, check, kind_of, read_rows
from evals_schemas.tools import UploadDatasetInput, UploadDatasetOutput

_SENT = "Nothing was uploaded."
_VALUE = 200
_PREVIEW = 2400
"""Characters of both preview rows together, so that the answer stays short with many columns."""
_COLUMNS = 40
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class _Ready:
    """A file on disk that may be sent."""

    path: Path
    name: str
    found: Check


async def upload_dataset(
    arguments: UploadDatasetInput, session: ToolSession
) -> UploadDatasetOutput:
    """Check and store a data set."""
    if (arguments.path is None) == (arguments.rows is None):
        raise InvalidRequestError(
            "Pass either `path`, a .jsonl or .csv file, or `rows`, an array of objects. " + _SENT
        )
    with tempfile.TemporaryDirectory(prefix="evals-mcp-") as folder:
        ready = await to_thread.run_sync(
            _prepare, arguments, session.settings.datasets, Path(folder)
        )
        file = await session.provider.upload_dataset(ready.path, ready.name)
    columns = ready.found.columns
    return UploadDatasetOutput(
        file_id=file.id,
        name=clean(ready.name, 80),
        rows=ready.found.rows,
        columns=[clean(column, 60) for column in columns],
        preview=[_preview(row) for row in ready.found.preview],
        next_step=f"Call create_evaluation with input_data_file_path {file.id}. Every column must "
        "be used by a template or as a response column; if one is not, upload again with "
        "`columns`.",
    )


def _prepare(arguments: UploadDatasetInput, allowed: DatasetSettings, scratch: Path) -> _Ready:
    """Everything that reads and writes files; runs in a worker thread."""
    if arguments.path is None:
        name = arguments.name or "rows"
        return _written(arguments.rows or [], arguments.columns, name, scratch)
    path = allowed_file(arguments.path, allowed.allowed_folders)
    name, kind = arguments.name or path.name, kind_of(path.name)
    try:
        _check_size(path, allowed.max_bytes)
        found = _checked(path, kind)
        if arguments.columns is None:
            return _Ready(path, _named(name, kind), found)
        with path.open("rb") as stream:
            return _written(read_rows(stream, kind), arguments.columns, name, scratch)
    except OSError as error:
        raise DatasetFaultError(
            f"The data set cannot be read ({error.strerror}). {_SENT}"
        ) from None


def _check_size(path: Path, most: int) -> None:
    if (size := path.stat().st_size) > most:
        raise DatasetFaultError(
            f"The file has {size:,} bytes; datasets.max_bytes allows {most:,}. {_SENT} Pass fewer "
            "rows, or ask whoever runs this server to raise it."
        )


def _checked(path: Path, kind: Kind) -> Check:
    with path.open("rb") as stream:
        found = check(stream, kind)
    if problem := found.problem():
        raise DatasetFaultError(
            f"The data set cannot be used: {clean(problem, 600)}. {_SENT} Correct it and call "
            "upload_dataset again."
        )
    return found


def _written(
    rows: Iterable[Row], columns: Sequence[str] | None, name: str, scratch: Path
) -> _Ready:
    """Write rows as JSONL, and check what was written as any other file is."""
    path = scratch / "rows.jsonl"
    try:
        with path.open("w", encoding="utf-8", newline="\n") as target:
            for row in _chosen(rows, columns):
                target.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    except DatasetError as error:
        raise DatasetFaultError(f"The data set changed: {clean(str(error), 300)}.") from None
    except UnicodeEncodeError:
        raise DatasetFaultError(
            f"A row holds half a surrogate pair, which no UTF-8 file can. {_SENT}"
        ) from None
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OperatorError(
            f"The disk of the temporary folder {scratch.parent} is full. {_SENT} Whoever runs this "
            "server frees space, or sets TMPDIR to another folder; then call upload_dataset again."
        ) from None
    return _Ready(path, _named(name, "jsonl"), _checked(path, "jsonl"))


def _chosen(rows: Iterable[Row], columns: Sequence[str] | None) -> Iterator[Row]:
    for row in rows:
        if columns is None:
            yield row
            continue
        if missing := [column for column in columns if column not in row]:
            there = ", ".join(clean(column, 60) for column in list(row)[:_COLUMNS])
            raise DatasetFaultError(
                f"`columns`: there is no {clean(missing[0], 60)!r}; the columns are {there}. "
                + _SENT
            )
        yield {column: row[column] for column in columns}


def _named(name: str, kind: Kind) -> str:
    """A file name with the ending that the content has."""
    plain = name.replace("\\", "/").rpartition("/")[2].strip() or "rows"
    stem = plain.removesuffix(Path(plain).suffix) if _has_known_ending(plain) else plain
    return f"{stem[:100] or 'rows'}.{kind}"


def _has_known_ending(name: str) -> bool:
    return Path(name).suffix.lower() in {".jsonl", ".csv", ".json", ".ndjson", ".txt"}


def _preview(row: Row) -> dict[str, str]:
    shown = list(row.items())[:_COLUMNS]
    limit = max(12, min(_VALUE, _PREVIEW // (2 * len(shown))))
    return {clean(column, 60): clean(_text(value), limit) for column, value in shown}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
