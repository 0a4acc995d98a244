"""Stores a new evaluation of either contract under a free id, once for each idempotency key."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from evals_engine.models.request_keys import Keys
from evals_engine.runs.idempotency import created_before
from evals_engine.runs.scheduler import Scheduler
from evals_engine.store.records import CreationKey, StoredEvaluation, UserName
from evals_engine.store.store import Store


@dataclass(frozen=True)
class NewEvaluation:
    """What is to be recorded."""

    prefix: str
    """How its id begins; a random part and the Unix seconds follow."""
    owner: UserName
    type: str
    parameters: dict[str, Any]
    """As they are stored: without keys of models."""
    file_id: str
    """The data set or the benchmark."""
    now: float
    """Unix seconds."""
    keys: Keys | None = None
    """Keys of models that came with the request, which this process alone has."""


def record(store: Store, scheduler: Scheduler, new: NewEvaluation, key: CreationKey | None) -> str:
    """The id of the new evaluation, or of the one that another process began with the same key.

    Blocking. One with keys of models is leased to this process.
    """
    while True:
        evaluation = StoredEvaluation(
            id=f"{new.prefix}-{secrets.token_hex(2)}-{int(new.now)}",
            owner=new.owner,
            type=new.type,
            parameters=new.parameters,
            file_id=new.file_id,
            status="pending",
            results=None,
            total_rows=None,
            done_rows=0,
            failed_rows=0,
            created_at=new.now,
            updated_at=new.now,
            cancel_requested=False,
        )
        if new.keys:
            scheduler.keep_keys(evaluation.id, new.keys)
        lease = scheduler.lease() if new.keys else None
        if store.add_evaluation(evaluation, "Job is pending evaluation", lease, key):
            return evaluation.id
        if key and (earlier := created_before(store, evaluation.owner, key)):
            return earlier
