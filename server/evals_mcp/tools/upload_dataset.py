"""`upload_dataset`: checks a whole data set, then sends it; a faulty one is never sent."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.datasets.allowed_folder import allowed_file
from evals_mcp.datasets.benchmark_questions import question_warnings
from evals_mcp.datasets.preparation import (
    BENCHMARK_COLUMNS,
    NOT_SENT,
    PreparationOptions,
    PreparedFile,
    prepare_rows,
)
from evals_mcp.datasets.stored_copy import stored_copy
from evals_mcp.errors import EvalsMCPError, InvalidRequestError, UnsupportedError
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import BENCHMARK as BENCHMARK_ID
from evals_mcp.providers.rest.ids import DATASET
from evals_mcp.state.names import NAME_CHARS, checked_name
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE, DATASET_PURPOSE, File
from evals_schemas.evaluation_types import BENCHMARK, CLASSIFY
from evals_schemas.tools.inputs import UploadDatasetInput
from evals_schemas.tools.outputs import UploadDatasetOutput


async def upload_dataset(
    arguments: UploadDatasetInput, session: ToolSession
) -> UploadDatasetOutput:
    """Check and store a data set or a benchmark, unless it is already stored."""
    _check_arguments(arguments, session.provider)
    purpose = BENCHMARK_PURPOSE if arguments.benchmark else DATASET_PURPOSE
    with tempfile.TemporaryDirectory(prefix="evals-mcp-") as folder, ExitStack() as opened:
        ready = await _prepare(arguments, session, Path(folder), opened)
        oddities: list[str] = []
        if arguments.benchmark:
            oddities = await to_thread.run_sync(question_warnings, ready.path)
        stored = await _stored_copy(ready, purpose, session.provider)
        file = stored or await _send(ready, purpose, session.provider)
    name, warnings = await _name(file, ready, arguments, session) if stored else (ready.name, [])
    return UploadDatasetOutput(
        file_id=file.id,
        name=clean(name, NAME_CHARS),
        rows=ready.rows,
        columns=list(ready.columns),
        columns_not_listed=ready.columns_not_listed or None,
        preview=list(ready.preview),
        reused=stored is not None,
        warnings=[*ready.warnings, *oddities, *warnings],
        next_step=_next_step(file.id, purpose),
    )


async def _stored_copy(ready: PreparedFile, purpose: str, provider: Provider) -> File | None:
    """Return the copy at the service that the rows are for; None if it has none.

    A copy at another service is not used: its models are others.
    """
    kind = BENCHMARK if purpose == BENCHMARK_PURPOSE else CLASSIFY
    services = provider.services
    receiver = next((each for each in services if kind in each.types), None)
    if len(services) == 1 or receiver is None:
        return await stored_copy(ready.path, purpose, ready.rows, provider)
    stored = await stored_copy(ready.path, purpose, ready.rows, receiver)
    if stored is None:
        return None
    id_kind = BENCHMARK_ID if purpose == BENCHMARK_PURPOSE else DATASET
    public_id = await provider.complete_id(f"{receiver.name}:{stored.id}", id_kind)
    return stored.model_copy(update={"id": public_id})


def _check_arguments(arguments: UploadDatasetInput, provider: Provider) -> None:
    if (arguments.path is None) == (arguments.rows is None):
        raise InvalidRequestError(
            "Pass either `path`, a .jsonl, .csv, .tsv, .json or .parquet file, or `rows`, an array "
            f"of objects. {NOT_SENT}"
        )
    if arguments.benchmark and BENCHMARK not in provider.types:
        raise UnsupportedError(
            f"`benchmark`: {provider.name} has no benchmarks. {NOT_SENT} Call upload_dataset "
            "without it, and create_evaluation with a judge; or ask the operator of this server "
            "for a service with benchmarks, local or nugen."
        )


async def _prepare(
    arguments: UploadDatasetInput, session: ToolSession, scratch: Path, opened: ExitStack
) -> PreparedFile:
    """Read, check and write the file to send.

    A file of this machine stays open until `opened` is closed.
    """
    allowed = session.settings.datasets
    text_columns = BENCHMARK_COLUMNS if arguments.benchmark else ()
    options = PreparationOptions(scratch, allowed.max_bytes, arguments.columns, text_columns)
    if arguments.path is None:
        rows, name = arguments.rows or [], arguments.name or "rows"
        return await to_thread.run_sync(prepare_rows, rows, name, options)
    path, folders, own_name = arguments.path, allowed.allowed_folders, None
    if session.uploads is not None:
        sent, own_name = session.uploads.sent_file(path)
        path, folders = str(sent), (sent.parent,)
    file = await to_thread.run_sync(opened.enter_context, allowed_file(path, folders))
    name = arguments.name or own_name or file.name
    owner = session.provider.account
    return await session.prepare_file(file.path, name, options, file.name, owner)


async def _name(
    stored: File, ready: PreparedFile, arguments: UploadDatasetInput, session: ToolSession
) -> tuple[str, list[str]]:
    """Return the name of a data set that was stored before, and what was not done.

    A name of this call replaces the earlier one in what this server shows.
    """
    item = item_of(session.provider, stored.id)
    try:
        if arguments.name is None:
            return await session.names.of(item) or stored.filename or ready.name, []
        await session.names.replace(item, checked_name(ready.name))
    except EvalsMCPError as error:
        return stored.filename or ready.name, [f"The name was not stored: {str(error).rstrip('.')}"]
    return ready.name, []


async def _send(ready: PreparedFile, purpose: str, provider: Provider) -> File:
    if purpose == BENCHMARK_PURPOSE:
        return await provider.upload_benchmark(ready.path, ready.name)
    return await provider.upload_dataset(ready.path, ready.name)


def _next_step(file_id: str, purpose: str) -> str:
    if purpose == BENCHMARK_PURPOSE:
        return (
            f"Call create_evaluation with type benchmark, benchmark_id {file_id} and the model_id "
            "of a model from list_models."
        )
    return (
        f"Call create_evaluation with input_data_file_path {file_id}. Columns that nothing uses "
        "are kept for the results and not sent to a judge."
    )
