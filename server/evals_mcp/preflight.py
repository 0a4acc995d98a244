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

from jinja2 import TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evals_mcp.cleaning import clean
from evals_mcp.errors import DatasetFaultError, InvalidRequestError, NotFoundError
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_schemas.datasets import IMAGE_COLUMN, MAX_ROW_BYTES, Fault, scan
from evals_schemas.evaluations import AnyParameters, ModelRequest, candidates
from evals_schemas.tools import RESPONSE_COLUMNS

_AGAIN = "Nothing was started; correct this and call create_evaluation again."
_COLUMNS = 40

_MODEL_NAME = re.compile(
    r"/|^(gpt|o[134]|claude|gemini|llama|qwen|mistral|mixtral|deepseek|kimi|glm|phi|gemma)\b",
    re.IGNORECASE,
)


async def check_request(request: AnyRequest, provider: Provider) -> None:
    """Compare a request with the columns of its data set.

    Raises:
        InvalidRequestError: a template does not compile or names no column, a response column is
            missing, or a column is unused.
        NotFoundError: there is no such data set.
        DatasetFaultError: it has no row to read.
    """
    file_id = request.parameters.input_data_file_path
    check_columns(request, await dataset_columns(file_id, provider))


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
            "or from the answer of upload_dataset. " + _AGAIN
        ) from None
    if columns is None:
        raise DatasetFaultError(
            "The first row of the data set cannot be read: it must be JSONL or CSV in UTF-8. "
            "Call upload_dataset, which checks a file before it sends it."
        )
    return columns


def check_columns(request: AnyRequest, columns: Sequence[str]) -> None:
    """The part of the check that needs no data set but its columns.

    Raises:
        InvalidRequestError: see `check_request`.
    """
    used = {IMAGE_COLUMN}
    for field, column in _response_columns(request.parameters):
        if column not in columns:
            raise InvalidRequestError(_no_response_column(field, column, columns))
        used.add(column)
    for field, template in _templates(request.parameters):
        for name in _variables(field, template):
            if name not in columns:
                raise InvalidRequestError(_no_template_column(field, name, columns))
            used.add(name)
    if unused := [column for column in columns if column not in used]:
        raise InvalidRequestError(_unused(unused, [name for name in columns if name in used]))


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


def _variables(field: str, template: str) -> list[str]:
    """The columns a template reads, in alphabetical order.

    Raises:
        InvalidRequestError: it is no template.
    """
    environment = ImmutableSandboxedEnvironment()
    try:
        environment.from_string(template)
        names = meta.find_undeclared_variables(environment.parse(template))
    except (TemplateError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = f" (line {line})" if line else ""
        raise InvalidRequestError(
            f"`{field}` is no Jinja2 template{where}: {clean(str(error), 120)}. A column is read "
            "with {{column}}; braces that are meant as text go between {% raw %} and {% endraw %}. "
            + _AGAIN
        ) from None
    return sorted(names - environment.globals.keys())


def _no_response_column(field: str, column: str, columns: Sequence[str]) -> str:
    text = f"`{field}`: the data set has no column {clean(column, 60)!r}. {_there(columns)} "
    if _MODEL_NAME.search(column):
        model = next(name for name, taken in RESPONSE_COLUMNS.items() if taken == field)
        text += f"To run a model on every row, pass it as an object in `{model}` instead. "
    return text + _AGAIN


def _no_template_column(field: str, name: str, columns: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, columns, n=1)
    hint = f" Did you mean {clean(near[0], 60)!r}?" if near else ""
    return (
        f"`{field}` uses {{{{{clean(name, 60)}}}}}, which is no column of the data set. "
        f"{_there(columns)}{hint} {_AGAIN}"
    )


def _unused(unused: Sequence[str], used: Sequence[str]) -> str:
    return (
        f"Nothing uses the column {_names(unused)}: each must be read by a template or be a "
        "response column, or the service ends the evaluation. Use it in judge.system_template, or "
        f"call upload_dataset again with `columns` [{_names(used)}]. {_AGAIN}"
    )


def _there(columns: Sequence[str]) -> str:
    return f"It has {_names(columns)}."


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
