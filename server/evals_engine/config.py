"""The configuration of the engine: its data directory, its tokens and the models it may call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from evals_engine.compute.jobs import Limits
from evals_schemas.evaluation_api.rules import CONTAINS


@dataclass(frozen=True)
class ModelEndpoint:
    """An OpenAI-compatible API."""

    base_url: str
    """URL without `/chat/completions`, such as `http://127.0.0.1:11434/v1`."""
    token: SecretStr | None = None
    """Bearer token of each call; None sends no token."""
    allow_private: bool = False
    """Whether a public name in the base URL may resolve to an address of a private network."""
    requests_per_minute: float | None = None
    """Calls a minute of all nodes of a database together; None for no limit of the rate."""


@dataclass(frozen=True)
class Quotas:
    """The most that one owner may have; what exceeds a quota is refused with its setting."""

    unfinished: int = 1_000
    """Evaluations that wait or run at once: `local.max_unfinished`."""
    evaluations: int = 10_000
    """Stored evaluations, ended ones included: `local.max_evaluations`."""
    bytes: int = 20 * 1024**3
    """Bytes of all files, result files included: `local.max_user_bytes`."""
    rows: int = 5_000_000
    """Rows of one data set: `local.max_rows`."""


@dataclass(frozen=True)
class EngineConfig:
    """The settings of the engine, which reads nothing from the environment."""

    data_dir: Path
    """Directory of the database and the files; created if absent, may be shared by processes."""
    database_url: SecretStr | None = None
    """URL of the PostgreSQL database that several nodes share; None for SQLite in `data_dir`."""
    serverless: ModelEndpoint | None = None
    """Endpoint of `model_source: serverless`; None leaves only the rule judges."""
    dedicated: Mapping[str, ModelEndpoint] = field(default_factory=dict[str, ModelEndpoint])
    """Endpoints of `model_source: dedicated`, by the model name in a request."""
    external: tuple[ModelEndpoint, ...] = ()
    """The only endpoints that a request with `model_source: external` may name."""
    token: SecretStr | None = None
    """Bearer token of the owner `local`. Without any token, authentication is off."""
    tokens: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])
    """Bearer tokens of further owners, by owner; an owner sees only what it created itself."""
    server_token: SecretStr | None = None
    """Bearer token of an MCP server, which names the owner of each request; None for no server."""
    metrics_token: SecretStr | None = None
    """Bearer token that reads the metrics and nothing else; `token` reads them too."""
    benchmark_judge: str = CONTAINS
    """Judge of benchmark answers: a rule, or a model of the serverless endpoint."""
    max_upload_bytes: int = 2 * 1024**3
    """Largest file that is accepted, in bytes."""
    quotas: Quotas = field(default_factory=Quotas)
    """What one owner may have."""
    body_seconds: float = 60.0
    """Seconds that a request's body may take; one second more for each KiB received."""
    compute_workers: int = 2
    """Worker processes for templates and rules, at most."""
    compute_limits: Limits = field(default_factory=Limits)
    """What one row may take in a worker process."""
    max_retries: int = 5
    """Retries of a model call after 429, 5xx or a lost connection."""
    call_timeout: float = 600.0
    """Seconds after which an unanswered model call is given up."""
    lease_seconds: float = 10.0
    """Seconds for which a process holds a lease without renewing it."""
    stop_seconds: float = 30.0
    """Seconds that rows in flight have to finish when the engine stops or a run is cancelled."""
    runs_evaluations: bool = True
    """Whether this process claims and runs evaluations; if not, it only reads and stores."""
