"""The embedded engine: its settings and its entry in the table of services."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from evals_mcp.service_spec import Capabilities, ServiceSpec
from evals_mcp.settings.types import BaseUrl, NamedEndpointSettings, OwnFolder, TokenSource
from evals_schemas.evaluation_api.rules import CONTAINS
from evals_schemas.evaluation_types import BENCHMARK, JUDGED_TYPES


def _default_data_dir() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - late, for a quick start

    return user_data_path("evals-mcp", appauthor=False) / "engine"


class ModelEndpointSettings(TokenSource):
    """An OpenAI-compatible API through which the embedded engine calls models."""

    base_url: BaseUrl | None = Field(
        default=None,
        description="URL up to and without /chat/completions, such as http://127.0.0.1:11434/v1. "
        "Absent: there is no such endpoint.",
    )
    requests_per_minute: float | None = Field(
        default=None,
        description="Calls a minute, above 0, that all engines of local.database_url together make "
        "there. Absent: as many as num_workers allows; a Retry-After is always obeyed.",
        gt=0,
        allow_inf_nan=False,
    )


_OF_THIS_SERVER = frozenset(
    {
        *("url", "token", "token_file", "token_env"),
        *("beside_vendors", "compute_workers", "compute_memory_mb"),
    }
)
"""Settings that hold for a server with `url`, too; the others are of the engine itself."""


class LocalSettings(TokenSource):
    """The evaluation engine inside this server, or a served one that this server uses."""

    url: BaseUrl | None = Field(
        default=None,
        description="URL of an `evals-mcp engine`, as the command prints it, which this server "
        "uses with the token of [engine.server] there; its users are owners at that engine. "
        "Absent: the engine inside this server.",
    )

    data_dir: OwnFolder = Field(
        default_factory=_default_data_dir,
        description="Folder of its database and files, created if it is missing. "
        "Absent: `engine` in the platform's data folder of evals-mcp.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="URL of a PostgreSQL database, postgresql://USER:PASSWORD@HOST:5432/DATABASE, "
        "that the engines of several machines share; needs the extra `postgres`. Absent: SQLite in "
        "data_dir.",
    )
    lease_seconds: float | None = Field(
        default=None,
        description="Seconds, 1 to 600, after which another process takes over the evaluations of "
        "a process that no longer responds. Absent: 10, and 30 with database_url.",
        ge=1,
        le=600,
        allow_inf_nan=False,
    )
    stop_seconds: float | None = Field(
        default=None,
        description="Seconds, 0 to 600, that the rows being judged have to finish when the server "
        "stops; the next process judges the others. Absent: 2 over stdio, http.stop_seconds over "
        "HTTP, 30 for evals-mcp engine.",
        ge=0,
        le=600,
        allow_inf_nan=False,
    )
    models: ModelEndpointSettings = Field(
        default_factory=ModelEndpointSettings,
        description="Endpoint behind model_source serverless. "
        "Absent: rule judges only, which call no model.",
    )
    allow_private: bool = Field(
        default=False,
        description="true lets any host name in a base URL of local.models and local.dedicated "
        "resolve to a private network. IP addresses, and names such as ollama or gpu.lan, need no "
        "such permission.",
    )
    beside_vendors: bool = Field(
        default=True,
        description="false leaves the local engine out while a vendor's service is used. It is "
        "never offered in http.mode header.",
    )
    benchmark_judge: str = Field(
        default=CONTAINS,
        description="Judge of the answers in a benchmark evaluation: a rule, or the name of a "
        "model of local.models.",
        min_length=1,
    )
    max_unfinished: int = Field(
        default=1_000,
        description="Evaluations of one user, 1 or more, that may wait or run at once.",
        ge=1,
    )
    max_evaluations: int = Field(
        default=10_000,
        description="Stored evaluations of one user, 1 or more; delete_data makes room.",
        ge=1,
    )
    max_user_bytes: int = Field(
        default=20 * 2**30,
        description="Bytes of all files of one user, 1 or more, result files included; 20 GiB if "
        "absent.",
        ge=1,
    )
    max_rows: int = Field(default=5_000_000, description="Rows of one data set, 1 or more.", ge=1)
    compute_workers: int = Field(
        default=2,
        description="Worker processes, 1 to 64, that render templates, compute rules and read "
        "uploaded files. The engine and the tools have as many each, started when they are needed. "
        "With 2 or more, one user never holds all of them.",
        ge=1,
        le=64,
    )
    compute_memory_mb: int = Field(
        default=512,
        description="Memory of one worker process in MiB, 128 to 65536. What needs more ends its "
        "row or its upload. Enforced on Linux only.",
        ge=128,
        le=65536,
    )
    dedicated: Mapping[str, NamedEndpointSettings] = Field(
        default_factory=dict[str, NamedEndpointSettings],
        description="Endpoints behind model_source dedicated, by the name that a request gives as "
        "model. Absent: none.",
    )

    @model_validator(mode="after")
    def _leaves_the_engine_its_settings(self) -> Self:
        """Refuse settings of the engine beside the URL of an engine, which has its own."""
        names = sorted(self.model_fields_set - _OF_THIS_SERVER)
        if self.url is not None and names:
            raise ValueError(
                f"has url and {', '.join(names)}: with local.url, everything that an engine needs "
                "is configured where `evals-mcp engine` runs; move these settings there, or remove "
                "local.url to run the engine inside this server"
            )
        return self


def _is_offered_beside(section: LocalSettings) -> bool:
    return section.beside_vendors


def _has_earlier_work(section: LocalSettings) -> bool:
    if section.url is not None:
        return False  # the engine there goes on by itself
    return section.database_url is not None or section.data_dir.exists()


LOCAL = ServiceSpec(
    name="local",
    settings=LocalSettings,
    description="The evaluation engine inside this server.",
    types=frozenset({*JUDGED_TYPES, BENCHMARK}),
    open="evals_mcp.local_engine.opening:open_local",
    open_idle="evals_mcp.local_engine.opening:open_local_idle",
    capabilities=Capabilities(
        runs_rules=True,
        lists_models=False,
        has_prices=False,
        can_cancel=True,
        reports_progress=True,
        takes_keys=True,
        is_engine=True,
        stops_early=True,
        hands_on_answers=True,
    ),
    is_offered_beside=_is_offered_beside,
    has_earlier_work=_has_earlier_work,
)
