"""What judges and candidates need to call models, shared by all runs of a process."""

from __future__ import annotations

from dataclasses import dataclass, field

from evals_engine.config import EngineConfig
from evals_engine.models.answer_formats import AnswerFormats
from evals_engine.models.client import ModelClient


@dataclass(frozen=True)
class ModelAccess:
    """The configured endpoints, the client that calls them, and the formats that they accept."""

    config: EngineConfig
    client: ModelClient
    formats: AnswerFormats = field(default_factory=AnswerFormats)
