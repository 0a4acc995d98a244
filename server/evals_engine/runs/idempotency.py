"""Creates that may be sent again: the same `Idempotency-Key` never starts two evaluations.

A key belongs to one owner and is bound to the body that came with it, for as long as the evaluation
is there. Two processes that are given the same key at once are told apart by a unique index.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from evals_engine.errors import ApiError
from evals_engine.store.records import CreationKey, UserName
from evals_engine.store.store import Store

HEADER = "Idempotency-Key"
MAX_CHARACTERS = 255


def creation_key(headers: Mapping[str, str], body: object) -> CreationKey | None:
    """The key that a create came with, bound to its body; None without the header.

    Args:
        headers: Looked up without regard to case.
        body: The request's JSON; white space and the order of fields make no difference.

    Raises:
        ApiError: 400, the key is empty, too long or not printable.
    """
    text = headers.get(HEADER)
    if text is None:
        return None
    if not (0 < len(text) <= MAX_CHARACTERS and text.isascii() and text.isprintable()):
        raise ApiError(
            400, f"{HEADER}: 1 to {MAX_CHARACTERS} printable ASCII characters.", param=HEADER
        )
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return CreationKey(_digest(text), _digest(canonical))


def created_before(store: Store, owner: UserName, key: CreationKey) -> str | None:
    """The id of the evaluation that this key has started; None when it has started none.

    Raises:
        ApiError: 422, the key came with another body then.
    """
    found = store.created_with(owner, key.digest)
    if found is None:
        return None
    evaluation_id, request_digest = found
    if request_digest != key.request_digest:
        raise ApiError(
            422,
            f"This {HEADER} came with another request before: send a new key with a new request.",
            param=HEADER,
            code="idempotency_key_reused",
        )
    return evaluation_id


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
