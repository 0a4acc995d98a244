"""Where the offered values come from: one function for each kind of value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.completions.remembered import OfferedValue
from evals_mcp.datasets.allowed_folder import allowed_file
from evals_mcp.datasets.first_columns import columns_in, dataset_columns
from evals_mcp.datasets.formats import KNOWN_ENDINGS
from evals_mcp.errors import InvalidRequestError
from evals_mcp.prompts.definition import Values
from evals_mcp.tools.calls.naming import with_given_names
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.model_offers import is_rule
from evals_schemas.rubrics.table import newest

_FOLDER_ENTRIES = 1_000
"""Entries of an allowed folder that are looked at."""

_START_BYTES = 65_536
"""Bytes of a file in which its columns are looked for."""

_SHOWN = 200
"""Characters of a value at most; a longer one cannot be typed and is not offered."""


Source = Callable[[ToolSession, Mapping[str, str]], Awaitable[Sequence[OfferedValue]]]
"""Returns all values of a kind that the caller may use, the newest first, given the other
arguments that have been typed. Raises EvalsMCPError."""


async def _evaluations(session: ToolSession, _: Mapping[str, str]) -> list[OfferedValue]:
    jobs, _failures = await session.provider.evaluations_with_failures(limit=100)
    names = await with_given_names(session.names, session.provider, None)
    return [
        OfferedValue(job.workflow_id, names.of_evaluation(job.workflow_id) or "") for job in jobs
    ]


async def _data_sets(session: ToolSession, _: Mapping[str, str]) -> list[OfferedValue]:
    """Return files of this machine, if the caller works on it, and then stored data sets."""
    names = [] if session.uploads else await to_thread.run_sync(_files, session)
    files, _failures = await session.provider.datasets_with_failures()
    return [
        *(OfferedValue(name) for name in names),
        *(OfferedValue(file.id, file.filename or "") for file in files),
    ]


def _files(session: ToolSession) -> list[str]:
    """Return the names of the data files in the allowed folders, without folders in them."""
    data_files: list[str] = []
    for folder in session.settings.datasets.allowed_folders:
        path = Path(folder)
        if path.resolve() == Path(path.resolve().anchor):
            continue  # allows nothing, see `allowed_file`
        try:
            entries = path.iterdir()
            names = [entry.name for entry, _ in zip(entries, range(_FOLDER_ENTRIES), strict=False)]
        except OSError:
            continue
        data_files += sorted(name for name in names if Path(name).suffix.lower() in KNOWN_ENDINGS)
    return data_files


async def _columns(session: ToolSession, others: Mapping[str, str]) -> list[OfferedValue]:
    """Return the columns of the data set that was named before; nothing without one."""
    if not (data_set := others.get("file", "").strip()):
        return []
    if Path(data_set).suffix.lower() not in KNOWN_ENDINGS:
        columns = await dataset_columns(data_set, session.provider)
    elif session.uploads:
        columns = []  # paths are of another machine
    else:
        folders = session.settings.datasets.allowed_folders
        columns = await to_thread.run_sync(_columns_of_file, data_set, folders)
    return [OfferedValue(column) for column in columns]


def _columns_of_file(name: str, folders: Sequence[Path]) -> list[str]:
    with allowed_file(name, folders) as file, file.path.open("rb") as stream:
        return columns_in(stream.read(_START_BYTES)) or []


async def _judges(session: ToolSession, _: Mapping[str, str]) -> list[OfferedValue]:
    models = await session.provider.list_models()
    judges = await session.provider.list_judges()
    names = [model.id for model in models if not is_rule(model)]
    if judges is not None:
        names = [name for name in names if name in judges]
    return [OfferedValue(name) for name in names]


async def _rubrics(_: ToolSession, __: Mapping[str, str]) -> list[OfferedValue]:
    return [OfferedValue(rubric.name, rubric.measures) for rubric in newest()]


SOURCES: Mapping[Values, Source] = {
    "data_set": _data_sets,
    "column": _columns,
    "evaluation": _evaluations,
    "judge": _judges,
    "rubric": _rubrics,
}
"""The source of each kind of value. A new kind is a line here."""


async def offered(
    values: Values, session: ToolSession, others: Mapping[str, str]
) -> tuple[OfferedValue, ...]:
    """Return the values of a kind that can be typed: one line, no invisible characters.

    Args:
        values: the kind.
        session: the collaborators of the caller.
        others: the other arguments that have been typed.

    Raises:
        EvalsMCPError: a service or a file cannot be read.
    """
    try:
        offers = await SOURCES[values](session, others)
    except InvalidRequestError:
        return ()  # what was typed so far names no file
    return tuple(
        offer for offer in offers if offer.value and clean(offer.value, _SHOWN) == offer.value
    )
