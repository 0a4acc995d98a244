"""What the engine is told when it is made: where its data is and which models it may call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from evals_schemas.evaluation_api.rules import CONTAINS


@dataclass(frozen=True)
class ModelEndpoint:
    """An OpenAI-compatible API."""

    base_url: str
    """Up to and without `/chat/completions`, such as `http://127.0.0.1:11434/v1`."""
    token: SecretStr | None = None
    """Sent as a bearer token; None sends none."""
    allow_private: bool = False
    """Whether a public name in the base URL may lead to an address of a private network."""


@dataclass(frozen=True)
class EngineConfig:
    """Everything the engine needs to know; nothing of it is read from the environment."""

    data_dir: Path
    """Database and files; made when absent, shared by every process that is given the same."""
    serverless: ModelEndpoint | None = None
    """Behind `model_source: serverless`; None leaves the rule judges only."""
    dedicated: Mapping[str, ModelEndpoint] = field(default_factory=dict[str, ModelEndpoint])
    """Behind `model_source: dedicated`, by the name a request gives as model."""
    external: tuple[ModelEndpoint, ...] = ()
    """The only base URLs that `model_source: external` may name, with their tokens."""
    token: SecretStr | None = None
    """The bearer token of the owner `local`. Without it and `tokens` none is asked for."""
    tokens: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])
    """Further owners' bearer tokens, by owner; each sees what was made with the own token alone."""
    benchmark_judge: str = CONTAINS
    """What judges a benchmark's answers: a rule, or a model of the serverless endpoint."""
    max_upload_bytes: int = 2 * 1024**3
    """The largest file taken."""
    max_unfinished: int = 1_000
    """Evaluations of one owner that may wait or run at once; a further one is refused."""
    body_seconds: float = 60.0
    """How long a request's body may take; longer by a second for each KiB that has come."""
    max_retries: int = 5
    """Further tries of a model call after 429, 5xx or a lost connection."""
    call_timeout: float = 600.0
    """Seconds until an unanswered model call is given up."""
    lease_seconds: float = 10.0
    """How long a process owns a run without saying that it is alive."""
