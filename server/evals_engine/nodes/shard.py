"""A shard of an evaluation as the process that has begun it sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals_engine.store.records import StatusChange, StoredEvaluation, evaluation_of

PREPARATION, CONCLUSION = -2, -1
"""Numbers of the first and the last shard of an evaluation; those from 0 on are rows."""


@dataclass(frozen=True, eq=False)
class Shard:
    """A shard that this process has begun."""

    evaluation: StoredEvaluation
    key: int
    """The evaluation's key in the tables of shards and rows."""
    number: int
    epoch: int
    """How often it was begun; it is this process's as long as that stays so."""
    claims: int
    """How often it was begun without a row having been stored since."""
    calls: int
    """Its share of the evaluation's rows in flight; 0 while it uses that of the one before it."""
    first_row: int
    size: int
    byte_at: int
    row_at: int
    """The row that begins at `byte_at`, from which the shard is read."""
    failed: int
    """Rows of the shard that are stored as failed."""
    failure: StatusChange | None
    """Why the evaluation ends early; None if its rows decide how it ends."""

    @property
    def identity(self) -> dict[str, int]:
        """What names the shard, and this process's right to it, in statements."""
        return {"key": self.key, "number": self.number, "epoch": self.epoch}

    def before(self, following: Shard) -> dict[str, int]:
        """Return what names the shard and the one after it."""
        return {**self.identity, "next_number": following.number}

    @property
    def ends_early(self) -> bool:
        """Whether no further row of the evaluation is to be judged."""
        return self.evaluation.cancel_requested or self.failure is not None


@dataclass(frozen=True)
class Following:
    """What comes after a shard."""

    shard: Shard | None
    """The next shard, which this process has begun; None if it has not."""
    is_last: bool = False
    """Whether nobody needs the share of the calls afterwards, because no shard is left to begin."""


@dataclass(frozen=True)
class Orders:
    """What the database says about a shard that this process still has."""

    stops: bool
    """Whether its evaluation was cancelled or fails."""
    failed_elsewhere: int
    """Rows of other shards of the evaluation that have failed."""


NOTHING_BEGUN = Following(None)
"""The share of a shard passes through the queue."""


def shard_of(record: Mapping[str, Any]) -> Shard:
    """Return a shard from its record and that of its evaluation."""
    failure = record["failure"] and StatusChange(**json.loads(record["failure"]))
    return Shard(
        evaluation=evaluation_of(record),
        key=record["key"],
        number=record["number"],
        epoch=record["epoch"],
        claims=record["shard_claims"],
        calls=record["calls"],
        first_row=record["first_row"],
        size=record["size"],
        byte_at=record["byte_at"],
        row_at=record["row_at"],
        failed=record["shard_failed"],
        failure=failure,
    )
