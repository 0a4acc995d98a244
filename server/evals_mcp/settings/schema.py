"""What can be configured, with its defaults; `settings` reads it from the file and the environment.

This module is on the way to the server's first answer: it imports little, and looks for the
platform's folders only when a default path is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from evals_mcp.settings.http import HttpSettings, OAuthSettings
from evals_mcp.settings.types import (
    AbsolutePath,
    BaseUrl,
    CredentialName,
    OwnFolder,
    Section,
    TokenSource,
    VariableName,
)
from evals_schemas.evaluation_api.rules import CONTAINS

ProviderName = Literal["together", "nugen", "local"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _default_data_dir() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - late, for a quick start

    return user_data_path("evals-mcp", appauthor=False) / "engine"


def _default_key_file() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - late, for a quick start

    return user_data_path("evals-mcp", appauthor=False) / "confirm.key"


def _default_cache_dir() -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 - late, for a quick start

    return user_cache_path("evals-mcp", appauthor=False) / "results"


class ModelEndpointSettings(TokenSource):
    """An OpenAI-compatible API of which the embedded engine calls the models."""

    base_url: BaseUrl | None = Field(
        default=None,
        description="URL up to and without /chat/completions, such as http://127.0.0.1:11434/v1. "
        "Absent: this endpoint is not there.",
    )


class NamedEndpointSettings(TokenSource):
    """An OpenAI-compatible API that a request refers to by its name in this file."""

    base_url: BaseUrl = Field(
        description="URL up to and without /chat/completions, such as https://models.example/v1. "
        "Required."
    )


class ServerSettings(Section):
    """The MCP server itself."""

    provider: ProviderName | None = Field(
        default=None,
        description='Evaluation service: "together", "nugen" or "local". nugen is there beside '
        "the others whenever it has a token. Absent: every vendor that has a token, else local.",
    )
    read_only: bool = Field(
        default=False,
        description="true leaves out every tool that uploads, starts or cancels anything.",
    )
    log_level: LogLevel = Field(
        default="warning",
        description='Least severe message on stderr: "debug", "info", "warning" or "error".',
    )


class TogetherSettings(TokenSource):
    """Together's evaluation service, or any other that speaks the same contract."""

    base_url: BaseUrl = Field(
        default="https://api.together.ai/v1", description="URL up to and without /evaluation."
    )
    token_env: VariableName | None = Field(
        default="TOGETHER_API_KEY",
        description="Environment variable that holds the token, in capitals. "
        "Unset: there is no token, and the local provider is the default.",
    )


class NugenSettings(TokenSource):
    """Nugen's benchmark evaluations, or any other service that speaks the same contract."""

    base_url: BaseUrl = Field(
        default="https://api.nugen.in", description="URL up to and without /api/v3."
    )
    token_env: VariableName | None = Field(
        default="NUGEN_API_KEY",
        description="Environment variable that holds the token, in capitals. "
        "Unset: there is no token, and this service is not used.",
    )
    generation: int | None = Field(
        default=None,
        description="Generation of its API, 1 to 3. Absent: found out from what it answers.",
        ge=1,
        le=3,
    )
    deadline_hours: float = Field(
        default=24.0,
        description="Hours, above 0, after which an evaluation that has not ended is given up: it "
        "is shown as failed, whatever the service says.",
        gt=0,
        allow_inf_nan=False,
    )


class BudgetSettings(Section):
    """What an evaluation may cost, and when the user is asked first."""

    confirm_above_usd: float = Field(
        default=1.0,
        description="Estimated cost in US dollars, 0 or more, above which the user is asked "
        "before an evaluation starts.",
        ge=0,
        allow_inf_nan=False,
    )
    confirm_above_calls: int = Field(
        default=1000,
        description="Model calls, 0 or more, above which the user is asked where the price is "
        "not known.",
        ge=0,
    )
    max_usd: float | None = Field(
        default=None,
        description="Estimated cost in US dollars, 0 or more, above which nothing is started at "
        "all. Absent: no limit.",
        ge=0,
        allow_inf_nan=False,
    )
    confirm_seconds: float = Field(
        default=900.0,
        description="Seconds, 1 to 86400, for which the code of a confirmation holds.",
        ge=1,
        le=86400,
        allow_inf_nan=False,
    )
    repeat_seconds: float = Field(
        default=900.0,
        description="Seconds, 0 to 86400, for which an identical evaluation is taken for a "
        "repetition and not started again unless the call says so. 0 never.",
        ge=0,
        le=86400,
        allow_inf_nan=False,
    )
    key_file: AbsolutePath = Field(
        default_factory=_default_key_file,
        description="File with the key of the codes, made when it is missing. Absent: "
        "`confirm.key` in the platform's data folder of evals-mcp.",
    )


class LocalSettings(Section):
    """The evaluation engine inside this server."""

    data_dir: OwnFolder = Field(
        default_factory=_default_data_dir,
        description="Folder of its database and files, made when it is missing. "
        "Absent: `engine` in the platform's data folder of evals-mcp.",
    )
    lease_seconds: float = Field(
        default=10.0,
        description="Seconds, 1 to 600, after which another process takes over the evaluations of "
        "one that no longer responds.",
        ge=1,
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
        description="true lets any name in a base URL of local.models and local.dedicated lead to "
        "a private network. Addresses, and names such as ollama or gpu.lan, may without it.",
    )
    benchmark_judge: str = Field(
        default=CONTAINS,
        description="What judges the answers of a benchmark evaluation: a rule, or the name of a "
        "model of local.models.",
        min_length=1,
    )
    dedicated: Mapping[str, NamedEndpointSettings] = Field(
        default_factory=dict[str, NamedEndpointSettings],
        description="Endpoints behind model_source dedicated, by the name that a request gives as "
        "model. Absent: none.",
    )


class DatasetSettings(Section):
    """Which files may be uploaded."""

    allowed_folders: tuple[AbsolutePath, ...] = Field(
        default=(Path(),),
        description="Folders whose files may be uploaded, with everything below them. "
        "An empty list allows no file.",
    )
    max_bytes: int = Field(
        default=2**30, description="Largest file in bytes, 1 or more; 1 GiB if absent.", ge=1
    )


class ResultSettings(Section):
    """Result files kept on this machine, so that a second look downloads nothing."""

    cache_dir: OwnFolder = Field(
        default_factory=_default_cache_dir,
        description="Folder of the kept files, made when it is missing; it may be emptied at any "
        "time. Absent: `results` in the platform's cache folder of evals-mcp.",
    )
    cache_max_bytes: int = Field(
        default=2**31,
        description="Bytes of all kept files together, 1 or more; those not read for longest go "
        "first. 2 GiB if absent.",
        ge=1,
    )


class EngineSettings(TokenSource):
    """The engine as a service of its own, for the command `evals-mcp engine`."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. Any other than a loopback address wants a token.",
        min_length=1,
    )
    port: int = Field(
        default=8123,
        description="TCP port to listen on, 0 to 65535; 0 takes a free one.",
        ge=0,
        le=65535,
    )
    token_env: VariableName | None = Field(
        default="EVALS_ENGINE_TOKEN",
        description="Environment variable with the token that requests must bring, in capitals. "
        "Unset: none is asked for.",
    )
    owners: Mapping[CredentialName, TokenSource] = Field(
        default_factory=dict[str, TokenSource],
        description="People or teams with tokens of their own, by name; each sees its own "
        "evaluations and files only. Those of the token above belong to `local`. Absent: none.",
    )


class Settings(Section):
    """All settings; every field has a default."""

    server: ServerSettings = Field(
        default_factory=ServerSettings, description="The MCP server itself."
    )
    together: TogetherSettings = Field(
        default_factory=TogetherSettings, description="Together's evaluation service."
    )
    nugen: NugenSettings = Field(
        default_factory=NugenSettings, description="Nugen's benchmark evaluations."
    )
    budget: BudgetSettings = Field(
        default_factory=BudgetSettings,
        description="What an evaluation may cost, and when the user is asked first.",
    )
    local: LocalSettings = Field(
        default_factory=LocalSettings, description="The evaluation engine inside this server."
    )
    credentials: Mapping[CredentialName, NamedEndpointSettings] = Field(
        default_factory=dict[str, NamedEndpointSettings],
        description="External model APIs by the name that a request refers to. Only their base "
        "URLs may be named with model_source external. Absent: none.",
    )
    datasets: DatasetSettings = Field(
        default_factory=DatasetSettings, description="Which files may be uploaded."
    )
    results: ResultSettings = Field(
        default_factory=ResultSettings, description="Result files kept on this machine."
    )
    engine: EngineSettings = Field(
        default_factory=EngineSettings, description="The engine as a service of its own."
    )

    http: HttpSettings = Field(default_factory=HttpSettings, description="The server over HTTP.")
    oauth: OAuthSettings = Field(
        default_factory=OAuthSettings,
        description="Where bearer tokens come from, for http.mode oauth.",
    )

    @property
    def providers(self) -> tuple[ProviderName, ...]:
        """The services in use; the first takes judged evaluations, if it is not nugen."""
        chosen = self.server.provider
        with_token: list[ProviderName] = []
        if self.together.token and chosen is None:
            with_token.append("together")
        if self.nugen.token and chosen != "nugen":
            with_token.append("nugen")
        if chosen is None:
            return tuple(with_token) or ("local",)
        return (chosen, *with_token)
