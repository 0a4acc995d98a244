"""Whether a request and its data set fit together, checked before anything is spent.

A service finds a missing or unused column only after the job has started, and ends it. Here the
first row is read, the transfer is ended, and templates and columns are compared.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import AsyncIterator, Iterator, Sequence

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.errors import DatasetFaultError, InvalidRequestError, NotFoundError
from evals_mcp.providers.protocol import JudgedRequest, Provider
from evals_mcp.template_columns import can_be_named, columns_read, functions
from evals_schemas.datasets import IMAGE_COLUMN, MAX_ROW_BYTES, Fault, scan
from evals_schemas.evaluations import RULE_PREFIX, AnyParameters, ModelRequest, candidates
from evals_schemas.tools import RESPONSE_COLUMNS

_COLUMNS = 40

_MODEL_NAME = re.compile(
    r"/|^(gpt|o[134]|claude|gemini|llama|qwen|mistral|mixtral|deepseek|kimi|glm|phi|gemma)\b",
    re.IGNORECASE,
)


async def check_request(request: JudgedRequest, provider: Provider) -> None:
    """Compare a request with the columns of its data set.

    Raises:
        InvalidRequestError: a template is none or names no column, there is nothing that a rule
            could judge, a response column is missing, or a column is unused.
        NotFoundError: there is no such data set.
        DatasetFaultError: it has no row to read.
    """
    file_id = request.parameters.input_data_file_path
    columns = await dataset_columns(file_id, provider)
    # A long template takes a while to parse; other calls go on meanwhile.
    await to_thread.run_sync(check_columns, request, columns)


async def dataset_columns(file_id: str, provider: Provider) -> list[str]:
    """The columns of a stored data set, from the first bytes of it.

    Raises:
        NotFoundError: there is none of that id.
        DatasetFaultError: its first row cannot be read.
    """
    try:
        async with provider.dataset_content(file_id) as chunks:
            columns = await _first_columns(chunks)
    except NotFoundError:
        raise NotFoundError(
            "`input_data_file_path` names no data set of yours: take a file_id from list_datasets "
            "or from the answer of upload_dataset."
        ) from None
    if columns is None:
        raise DatasetFaultError(
            "The first row of the data set cannot be read: it must be JSONL or CSV in UTF-8. "
            "Call upload_dataset, which checks a file before it sends it."
        )
    return columns


def check_columns(request: JudgedRequest, columns: Sequence[str]) -> None:
    """The part of the check that needs no data set but its columns.

    Raises:
        InvalidRequestError: see `check_request`.
    """
    parameters = request.parameters
    _check_candidates(parameters, columns)
    used = {IMAGE_COLUMN}
    for field, column in _response_columns(parameters):
        if column not in columns:
            raise InvalidRequestError(_no_response_column(field, column, columns))
        used.add(column)
    if nameless := [name for name in columns if name not in used and not can_be_named(name)]:
        raise InvalidRequestError(_unnameable(nameless, columns))
    for field, template in _templates(parameters):
        for name in sorted(columns_read(field, template)):
            if name in columns:
                used.add(name)
            elif name not in functions():
                raise InvalidRequestError(_no_template_column(field, name, columns))
    if unused := [column for column in columns if column not in used]:
        kept = [name for name in columns if name in used]
        raise InvalidRequestError(_unused(unused, kept, parameters))


def _check_candidates(parameters: AnyParameters, columns: Sequence[str]) -> None:
    """Refuse a rule with nothing to judge, and a column's name where a model's belongs."""
    sides = candidates(parameters)
    if parameters.judge.model.startswith(RULE_PREFIX) and not sides:
        raise InvalidRequestError(
            "`response_column` or `model_to_evaluate` is missing: a rule compares an answer with "
            f"what is expected. The data set has {_names(columns)}."
        )
    for field, side in sides.items():
        name = side.model if isinstance(side, ModelRequest) else ""
        taken = name in columns and name not in sides.values()
        if taken and not _MODEL_NAME.search(name):
            raise InvalidRequestError(
                f"`{field}.model` is {clean(name, 60)!r}, a column of the data set. For ready "
                f"answers give its name as `{RESPONSE_COLUMNS[field]}` and leave `{field}` out."
            )


def _response_columns(parameters: AnyParameters) -> Iterator[tuple[str, str]]:
    for model, side in candidates(parameters).items():
        if isinstance(side, str):
            yield RESPONSE_COLUMNS[model], side


def _templates(parameters: AnyParameters) -> Iterator[tuple[str, str]]:
    yield "judge.system_template", parameters.judge.system_template
    for model, side in candidates(parameters).items():
        if isinstance(side, ModelRequest):
            yield f"{model}.system_template", side.system_template
            yield f"{model}.input_template", side.input_template


def _no_response_column(field: str, column: str, columns: Sequence[str]) -> str:
    text = f"`{field}`: the data set has no column {clean(column, 60)!r}. It has {_names(columns)}."
    if _MODEL_NAME.search(column):
        model = next(name for name, taken in RESPONSE_COLUMNS.items() if taken == field)
        text += f" To run a model on every row, pass it as an object in `{model}` instead."
    return text


def _no_template_column(field: str, name: str, columns: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, columns, n=1)
    hint = f" Did you mean {clean(near[0], 60)!r}?" if near else ""
    return (
        f"`{field}` uses {{{{{clean(name, 60)}}}}}, which is no column of the data set. "
        f"It has {_names(columns)}.{hint}"
    )


def _unnameable(nameless: Sequence[str], columns: Sequence[str]) -> str:
    kept = [name for name in columns if name not in nameless]
    return (
        f"No template can read the column {_names(nameless)}: Jinja2 takes letters, digits and _, "
        "not a digit first. Rename it in the data set or name it as a response column"
        f"{_or_without(kept)}."
    )


def _unused(unused: Sequence[str], used: Sequence[str], parameters: AnyParameters) -> str:
    """Every way to use a column, or to do without it."""
    ready = "" if candidates(parameters) else ", name it in `response_column` if it holds answers"
    return (
        f"Nothing uses the column {_names(unused)}: each must be read by a template or be a "
        "response column, or the service ends the evaluation. Use it in `judge.system_template`"
        f"{ready}{_or_without(used)}."
    )


def _or_without(kept: Sequence[str]) -> str:
    return f", or call upload_dataset again with `columns` [{_names(kept)}]" if kept else ""


def _names(columns: Sequence[str]) -> str:
    named = ", ".join(repr(clean(column, 60)) for column in columns[:_COLUMNS])
    return f"{named} and {len(columns) - _COLUMNS} more" if len(columns) > _COLUMNS else named


async def _first_columns(chunks: AsyncIterator[bytes]) -> list[str] | None:
    """Read no further than the first row, or than a row may be long."""
    start = bytearray()
    async for chunk in chunks:
        start += chunk
        if b"\n" in chunk and (columns := _columns_of(bytes(start[: start.rindex(b"\n") + 1]))):
            return columns
        if len(start) > MAX_ROW_BYTES:
            return None
    return _columns_of(bytes(start))


def _columns_of(start: bytes) -> list[str] | None:
    """The columns, where the lines so far tell them. A JSON object begins with a brace."""
    lines = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not lines.startswith(b"{"):
        return _header_of(lines)
    first = next(scan(io.BytesIO(lines), "jsonl"), None)
    return None if first is None or isinstance(first, Fault) else list(first)


def _header_of(lines: bytes) -> list[str] | None:
    try:
        return next(csv.reader(io.StringIO(lines.decode(), newline=""), strict=True), None)
    except (UnicodeDecodeError, csv.Error):
        return None
