"""Stores a new evaluation of either contract: within the owner's limit, once for each key.

A client that sends a create again with the same `Idempotency-Key` gets the evaluation that the
first one started. A key belongs to one owner and is bound to the body that came with it, for as
long as the evaluation exists. If two processes get the same key at once, a unique index in the
database decides which one creates the evaluation.

The vendor's SDKs send a create without a key again if its answer was lost. A retry gets the
evaluation that the same request has started a short time ago. Most SDKs count their retries in a
header, so that a first attempt always starts an evaluation; the first SDK does not, and what it
sends twice within half a minute counts as one create.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from evals_engine.config import Quotas
from evals_engine.errors import ApiError
from evals_engine.models.request_keys import Keys
from evals_engine.runs.dispatch import Dispatch
from evals_engine.store.protocols import Records
from evals_engine.store.records import CreationKey, StoredEvaluation, UserName

HEADER = "Idempotency-Key"
MAX_CHARACTERS = 255

RETRY_COUNT = "X-Stainless-Retry-Count"
"""Header of the vendor's SDKs: how often they have sent this request before."""

RETRY_SECONDS = 900.0
"""Seconds in which an SDK sends its last retry: it may wait some minutes for each answer."""

FIRST_SDK = "Together/v1 "
"""Start of the user agent of the vendor's first SDK, which retries without counting."""

_UNCOUNTED_SECONDS = 30.0
"""Seconds in which this SDK sends its last retry after answers that come at once."""

REPLAYED = {"Idempotent-Replayed": "true"}
"""Headers of an answer to a create that has started nothing, because an earlier one did."""

RETRY_AFTER = 30
"""Seconds after which a refused create may be sent again; an evaluation may have ended by then."""


@dataclass(frozen=True)
class NewEvaluation:
    """An evaluation to be stored."""

    prefix: str
    """The beginning of its id; a random part and the Unix seconds follow."""
    owner: UserName
    type: str
    parameters: dict[str, Any]
    """The parameters as they are stored: without keys of models."""
    file_id: str
    """The data set or the benchmark."""
    now: float
    """Unix seconds."""
    keys: Keys | None = None
    """Keys of models that came with the request; only this process has them."""


@dataclass(frozen=True)
class Creation:
    """Stores new evaluations with the collaborators that all creates share."""

    store: Records
    dispatch: Dispatch
    quotas: Quotas

    def store_evaluation(self, new: NewEvaluation, key: CreationKey | None) -> str:
        """Store a new evaluation and return its id. Blocking.

        If another process has stored one with the same key meanwhile, return that one's id. An
        evaluation with keys of models is leased to this process.

        Raises:
            ApiError: 422, the key came with another body before; 429 or 400, the owner has as many
                evaluations as are allowed, or no process can have the keys.
        """
        check = partial(_refuse_too_many, self.quotas)
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
            process_id = self.dispatch.keep_keys(evaluation.id, new.keys or {})
            is_stored = False
            try:
                message = "Job is pending evaluation"
                is_stored = self.store.add_evaluation(evaluation, message, process_id, key, check)
            finally:
                if not is_stored:
                    self.dispatch.forget_keys(evaluation.id)
            if is_stored:
                return evaluation.id
            if key and (earlier := created_before(self.store, evaluation.owner, key, new.now)):
                return earlier


def creation_key(headers: Mapping[str, str], body: object) -> CreationKey | None:
    """Return the idempotency key of a create, bound to its body, or what recognises a retry.

    Return None without a header for either.

    Args:
        headers: Looked up without regard to case.
        body: The request's JSON; white space and the order of fields make no difference.

    Raises:
        ApiError: 400, the key is empty, too long or not printable.
    """
    text = headers.get(HEADER)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    if text is None:
        return _retried(headers, canonical)
    if not (0 < len(text) <= MAX_CHARACTERS and text.isascii() and text.isprintable()):
        raise ApiError(
            400, f"{HEADER}: 1 to {MAX_CHARACTERS} printable ASCII characters.", param=HEADER
        )
    return CreationKey(_digest(text), _digest(canonical))


def _retried(headers: Mapping[str, str], canonical: str) -> CreationKey | None:
    """Return what recognises a retry of a request; None for a client that is not known to retry."""
    if (retries := headers.get(RETRY_COUNT)) is not None:
        is_first = not retries.isdecimal() or not retries.strip("0")
        return CreationKey(None, _digest(canonical), 0 if is_first else RETRY_SECONDS)
    if headers.get("User-Agent", "").startswith(FIRST_SDK):
        # Apart from the same request of another client, which is not what this one retries.
        return CreationKey(None, _digest(FIRST_SDK + canonical), _UNCOUNTED_SECONDS)
    return None


def created_before(store: Records, owner: UserName, key: CreationKey, now: float) -> str | None:
    """Return the id of the evaluation that this create has started before; None if it has not.

    Args:
        store: The evaluations.
        owner: The user.
        key: What recognises the create.
        now: Unix seconds.

    Raises:
        ApiError: 422, the key came with another body before.
    """
    if key.digest is None:
        since = now - key.retry_seconds
        return store.created_lately(owner, key.request_digest, since) if key.retry_seconds else None
    created = store.created_with(owner, key.digest)
    if created is None:
        return None
    evaluation_id, request_digest = created
    if request_digest != key.request_digest:
        raise ApiError(
            422,
            f"This {HEADER} came with another request before: send a new key with a new request.",
            param=HEADER,
            code="idempotency_key_reused",
        )
    return evaluation_id


def _refuse_too_many(quotas: Quotas, unfinished: int, stored: int) -> None:
    """Refuse a create with which an owner has more evaluations than are allowed.

    Args:
        quotas: What is allowed.
        unfinished: Evaluations that wait or run, the new one included.
        stored: All evaluations, the new one included.

    Raises:
        ApiError: 429 if too many have not ended, 400 if too many are stored.
    """
    if unfinished > quotas.unfinished:
        refused = ApiError(
            429,
            f"{unfinished - 1} of your evaluations have not ended, and {quotas.unfinished} may "
            "wait at once (local.max_unfinished): wait for some to end, or cancel some.",
            code="too_many_evaluations",
        )
        refused.headers = {"Retry-After": str(RETRY_AFTER)}
        raise refused
    if stored > quotas.evaluations:
        raise ApiError(
            400,
            f"You have {stored - 1} evaluations, and {quotas.evaluations} may be stored "
            "(local.max_evaluations): delete some, or ask the administrator to raise the limit.",
            code="quota",
        )


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
