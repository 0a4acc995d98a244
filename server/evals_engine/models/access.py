"""What judges and candidates need to call models, shared by all runs of a process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import anyio

from evals_engine.config import EngineConfig
from evals_engine.models.answer_formats import AnswerFormats
from evals_engine.models.client import ModelClient

CallLimit = AbstractAsyncContextManager[Any]
"""What a call is made in: entering it waits until one call more may be in flight."""


def _own_limit(calls: int) -> CallLimit:
    return anyio.Semaphore(calls, fast_acquire=True)


@dataclass(frozen=True)
class ModelAccess:
    """The configured endpoints, the client that calls them, and the formats that they accept."""

    config: EngineConfig
    client: ModelClient
    formats: AnswerFormats = field(default_factory=AnswerFormats)
    limit: Callable[[int], CallLimit] = _own_limit
    """Makes the limit of one judge or candidate from its calls in flight."""
