"""Records of the store: files, evaluations, finished rows, status changes and creation keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NewType, Protocol

from evals_schemas.datasets.reader import Kind
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE

UserName = NewType("UserName", str)
"""Name of the user that a file or an evaluation belongs to."""

ProcessId = NewType("ProcessId", str)
"""Unique id of an operating-system process that runs evaluations."""

EVAL_OUTPUT = "eval-output"
"""Purpose of a result file of the evaluation contract."""

BENCHMARK_OUTPUT = "benchmark-output"
"""Purpose of the judged answers of a benchmark evaluation."""

BENCHMARK_PURPOSES = frozenset({BENCHMARK_PURPOSE, BENCHMARK_OUTPUT})
"""Purposes of files that only the benchmark contract shows."""


MARK_ROWS = 250
"""Rows between two rows of a data set of which it is noted where they begin."""


class Record(Protocol):
    """One record of a query's result, read by column name."""

    def __getitem__(self, name: str, /) -> Any:
        """Return the value of a column."""
        ...


@dataclass(frozen=True)
class StoredFile:
    """The record of a file, whose bytes are stored apart."""

    id: str
    owner: UserName
    filename: str
    purpose: str
    kind: Kind
    bytes: int
    line_count: int
    created_at: float
    upload_key: str | None
    """Key that allows the upload of an announced file; None once the bytes are stored."""


@dataclass(frozen=True)
class StoredEvaluation:
    """The record of an evaluation."""

    id: str
    owner: UserName
    type: str
    parameters: dict[str, Any]
    file_id: str
    status: str
    results: dict[str, Any] | None
    total_rows: int | None
    done_rows: int
    failed_rows: int
    """Rows among the done ones that have no valid verdict."""
    created_at: float
    updated_at: float
    cancel_requested: bool
    claims: int = 0
    """How often a process has claimed the evaluation without releasing it in good order."""
    sequential: dict[str, Any] | None = None
    """The evidence of an evaluation that may stop early, as last stored."""


@dataclass(frozen=True)
class FinishedRow:
    """A row of the ledger."""

    row_number: int
    state: str
    """`ok`, or the state of a row without a verdict; see `evals_engine.rows`."""
    outcome: str
    """JSON object of the row's token counts and of the fields that are added in the result file."""


@dataclass(frozen=True)
class CreationKey:
    """What recognises a create that is sent again, as SHA-256 digests in hexadecimal."""

    digest: str | None
    """Digest of the idempotency key; None for a create without a key, of a client that retries."""
    request_digest: str
    """Digest of the request."""
    retry_seconds: float = 0
    """Seconds in which the same request counts as a retry of a create; 0 for a first attempt."""


@dataclass(frozen=True)
class StatusChange:
    """A change of an evaluation's status, with its message and its time in Unix seconds."""

    status: str
    message: str
    time: float
    reason: str | None = None
    """Code of the message, see `Reason`; None if the message has no code."""

    @property
    def failure(self) -> dict[str, Any]:
        """The `results` of an evaluation that ends with this change without being completed."""
        return {"error": self.message} | ({"reason": self.reason} if self.reason else {})


def file_of(record: Record) -> StoredFile:
    """Return the file of a database record."""
    return StoredFile(**{name: record[name] for name in StoredFile.__dataclass_fields__})


def evaluation_of(record: Record) -> StoredEvaluation:
    """Return the evaluation of a database record."""
    values = {name: record[name] for name in StoredEvaluation.__dataclass_fields__}
    values["parameters"] = json.loads(values["parameters"])
    values["results"] = values["results"] and json.loads(values["results"])
    values["sequential"] = values["sequential"] and json.loads(values["sequential"])
    values["cancel_requested"] = bool(values["cancel_requested"])
    return StoredEvaluation(**values)
