"""Says about an id that is not a data set's what it is, and which data set may be meant."""

from __future__ import annotations

import re

from evals_mcp.cleaning import quoted
from evals_mcp.errors import EvalsMCPError, NotFoundError
from evals_mcp.near_names import near_file_name
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import DATASET, noun_of
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE

_FIELD = "`input_data_file_path`"

_FILE_NAME = re.compile(r"[/\\]|\.[A-Za-z0-9]{2,8}$")
"""What names of files have, and no id has."""

_START = len("file-")
"""Characters that all ids of data sets begin with."""


async def missing_dataset(provider: Provider, file_id: str) -> NotFoundError:
    """Return the error for an id without a data set, with what to give or to call instead.

    Args:
        provider: whose data sets are searched for a name that is near.
        file_id: the value of `input_data_file_path`.
    """
    shown = quoted(file_id, 80)
    noun = noun_of(file_id)
    if noun and noun != DATASET.noun:
        return NotFoundError(
            f"{_FIELD} {shown} is the id of a{'n' if noun[0] in 'aeiou' else ''} {noun}: take the "
            "file_id of a data set from list_datasets or from the answer of upload_dataset."
        )
    if near := await _near(provider, file_id):
        return NotFoundError(f"{_FIELD}: no data set has the id {shown}. Did you mean {near}?")
    if _FILE_NAME.search(file_id):
        return NotFoundError(
            f"{_FIELD} {shown} is the name of a file, not an id: call upload_dataset with `path`, "
            "then give the file_id of its answer."
        )
    return NotFoundError(
        f"{_FIELD} is not a data set of yours: take a file_id from list_datasets or from the "
        "answer of upload_dataset."
    )


async def _near(provider: Provider, file_id: str) -> str | None:
    """Return the id of the data set with this name, or with an id that this one begins."""
    try:
        listed = await provider.list_datasets()
    except EvalsMCPError:
        return None
    files = [file for file in listed if file.purpose != BENCHMARK_PURPOSE]
    named = {file.filename: file for file in reversed(files) if file.filename}
    begun = [file for file in files if len(file_id) > _START and file.id.startswith(file_id)]
    near = near_file_name(file_id, named)
    found = begun[0] if begun else named[near] if near else None
    return found and f"{quoted(found.id, 80)}, {quoted(found.filename, 60)}"
