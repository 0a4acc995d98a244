"""All settings with their defaults, for the services that a table lists.

The server's first answer waits for this module, so it imports little and looks up the platform's
folders only when a default path is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import Field, create_model

from evals_mcp.service_spec import ServiceSpec, keyed_services, keyless_services
from evals_mcp.settings.http import HttpSettings, OAuthSettings, oauth_settings_class
from evals_mcp.settings.types import (
    AbsolutePath,
    CredentialName,
    NamedEndpointSettings,
    OwnFolder,
    Section,
    TokenSource,
    VariableName,
)

LogLevel = Literal["debug", "info", "warning", "error"]

_Section = TypeVar("_Section", bound=Section)


def _default_key_file() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - late, for a quick start

    return user_data_path("evals-mcp", appauthor=False) / "confirm.key"


def _default_export_folder() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - late, for a quick start

    return user_data_path("evals-mcp", appauthor=False) / "exports"


def _default_state_folder() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - late, for a quick start

    return user_data_path("evals-mcp", appauthor=False)


def _default_cache_dir() -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 - late, for a quick start

    return user_cache_path("evals-mcp", appauthor=False) / "results"


class ServerSettings(Section):
    """The MCP server itself."""

    provider: str | None = Field(
        default=None,
        description="Evaluation service; `settings_class` adds the choices.",
    )
    read_only: bool = Field(
        default=False,
        description="true hides every tool that uploads, starts, cancels or deletes anything.",
    )
    log_level: LogLevel = Field(
        default="warning",
        description='Least severe message on stderr: "debug", "info", "warning" or "error".',
    )


class BudgetSettings(Section):
    """Limits on the cost of an evaluation, and when the user is asked first."""

    confirm_above_usd: float = Field(
        default=1.0,
        description="Estimated cost in US dollars, 0 or more, above which the user is asked "
        "before an evaluation starts.",
        ge=0,
        allow_inf_nan=False,
    )
    confirm_above_calls: int = Field(
        default=1000,
        description="Model calls, 0 or more, above which the user is asked if the price is "
        "unknown.",
        ge=0,
    )
    max_usd: float | None = Field(
        default=None,
        description="Estimated cost in US dollars, 0 or more, above which nothing is started. "
        "Absent: no limit.",
        ge=0,
        allow_inf_nan=False,
    )
    max_usd_per_day: float | None = Field(
        default=None,
        description="US dollars, 0 or more, that the evaluations of one user may cost in any 24 "
        "hours; those that run count with the high end of their estimate. Absent: no limit.",
        ge=0,
        allow_inf_nan=False,
    )
    confirm_seconds: float = Field(
        default=900.0,
        description="Seconds, 1 to 86400, for which a confirmation code is valid.",
        ge=1,
        le=86400,
        allow_inf_nan=False,
    )
    repeat_seconds: float = Field(
        default=900.0,
        description="Seconds, 0 to 86400, in which an identical evaluation counts as a "
        "repetition and is not started again unless the call asks for it; while it runs, it "
        "always counts. 0: never.",
        ge=0,
        le=86400,
        allow_inf_nan=False,
    )
    key_file: AbsolutePath = Field(
        default_factory=_default_key_file,
        description="File with the key that signs the codes, created if it is missing. Absent: "
        "`confirm.key` in the platform's data folder of evals-mcp.",
    )


class StateSettings(Section):
    """What the server remembers between calls: creates, declined requests, locks."""

    folder: OwnFolder = Field(
        default_factory=_default_state_folder,
        description="Folder of `state.db` and `locks`, created if it is missing. Absent: the "
        "platform's data folder of evals-mcp.",
    )
    max_bytes: int = Field(
        default=2**26,
        description="Bytes of records, 1 or more, for each user; 64 MiB if absent.",
        ge=1,
    )
    shared: bool = Field(
        default=True,
        description="false if several servers answer at one address without sharing the folder: "
        "whatever needs common state is then refused, and a user's no counts at the server that "
        "received it only.",
    )


class ExportSettings(Section):
    """Files that pass between users and this server."""

    folder: OwnFolder = Field(
        default_factory=_default_export_folder,
        description="Folder of exported results and, over HTTP, of the files that users send by a "
        "link, kept for a day; created for this user alone, and no file is overwritten. "
        "Absent: `exports` in the platform's data folder of evals-mcp.",
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
    """Result files kept on this machine, so that reading them again downloads nothing."""

    cache_dir: OwnFolder = Field(
        default_factory=_default_cache_dir,
        description="Folder of the kept files, created if it is missing; it may be emptied at any "
        "time. Absent: `results` in the platform's cache folder of evals-mcp.",
    )
    cache_max_bytes: int = Field(
        default=2**31,
        description="Bytes of all kept files together, 1 or more; the least recently read are "
        "deleted first. 2 GiB if absent.",
        ge=1,
    )


class EngineSettings(TokenSource):
    """The engine with a port of its own, for the command `evals-mcp engine`."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. An address other than loopback requires a token.",
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
        description="Environment variable with the token that requests must contain, in "
        "capitals. Unset: requests need no token.",
    )
    owners: Mapping[CredentialName, TokenSource] = Field(
        default_factory=dict[str, TokenSource],
        description="People or teams with tokens of their own, by name; each sees its own "
        "evaluations and files only. Those of the token above belong to `local`. Absent: none.",
    )
    server: TokenSource = Field(
        default_factory=TokenSource,
        description="The token of MCP servers with this engine as local.url. Its bearer acts "
        "for every owner. Absent: no server may use the engine so.",
    )
    metrics: TokenSource = Field(
        default_factory=TokenSource,
        description="A token that reads GET /metrics and nothing else; the token above reads it "
        "too. Absent: if owners or servers have tokens, nobody else reads it.",
    )


class Settings(Section):
    """All settings; every field has a default.

    The sections of the services are added by `settings_class`.
    """

    services: ClassVar[tuple[ServiceSpec, ...]] = ()
    """The services that have a section."""

    server: ServerSettings = Field(
        default_factory=ServerSettings, description="The MCP server itself."
    )
    budget: BudgetSettings = Field(
        default_factory=BudgetSettings,
        description="What an evaluation may cost, and when the user is asked first.",
    )
    state: StateSettings = Field(
        default_factory=StateSettings,
        description="What the server remembers between calls.",
    )
    credentials: Mapping[CredentialName, NamedEndpointSettings] = Field(
        default_factory=dict[str, NamedEndpointSettings],
        description="External model APIs by the name that a request refers to. model_source "
        "external accepts only their base URLs. Absent: none.",
    )
    datasets: DatasetSettings = Field(
        default_factory=DatasetSettings, description="Which files may be uploaded."
    )
    export: ExportSettings = Field(
        default_factory=ExportSettings, description="Files that are written for the user."
    )
    results: ResultSettings = Field(
        default_factory=ResultSettings, description="Result files kept on this machine."
    )
    engine: EngineSettings = Field(
        default_factory=EngineSettings, description="The engine with a port of its own."
    )
    http: HttpSettings = Field(default_factory=HttpSettings, description="The server over HTTP.")
    oauth: OAuthSettings = Field(
        default_factory=OAuthSettings,
        description="Source of bearer tokens, for http.mode oauth.",
    )

    def section(self, kind: type[_Section]) -> _Section:
        """Return the section of a service by its class. Raises LookupError for an unknown one."""
        for spec in self.services:
            if spec.settings is kind:
                return cast("_Section", getattr(self, spec.name))
        raise LookupError(kind.__name__)

    def service(self, name: str) -> ServiceSpec:
        """Return a service by its name. Raises LookupError for an unknown one."""
        for spec in self.services:
            if spec.name == name:
                return spec
        raise LookupError(name)

    def has_earlier_work(self) -> bool:
        """Return whether opening a service in use continues earlier work."""
        return any(
            spec.has_earlier_work(getattr(self, spec.name))
            for spec in map(self.service, self.providers)
        )

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the services in use. The first is the default: server.provider if set."""
        chosen = self.server.provider
        with_token = [
            spec.name
            for spec in keyed_services(self.services)
            if cast("TokenSource", getattr(self, spec.name)).token
            and (chosen is None or (spec.used_beside_others and spec.name != chosen))
        ]
        if chosen is not None:
            return self.with_services_beside((chosen, *with_token))
        if with_token:
            return self.with_services_beside(tuple(with_token))
        return tuple(spec.name for spec in keyless_services(self.services)[:1])

    def with_services_beside(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return names of services, with the services that are offered beside them at the end."""
        beside = [
            spec.name
            for spec in keyless_services(self.services)
            if spec.name not in names and spec.is_offered_beside(getattr(self, spec.name))
        ]
        return (*names, *beside)


@lru_cache
def settings_class(services: tuple[ServiceSpec, ...]) -> type[Settings]:
    """Return the settings with a section for each service.

    The choices of server.provider and the keys under [oauth.subjects] are those services, too.
    """
    server = _server_settings_class(services)
    oauth = oauth_settings_class([spec.name for spec in keyed_services(services)])
    fields: dict[str, Any] = {
        spec.name: (
            spec.settings,
            Field(default_factory=spec.settings, description=spec.description),
        )
        for spec in services
    }
    fields["server"] = _redeclared(Settings, "server", server)
    fields["oauth"] = _redeclared(Settings, "oauth", oauth)
    built: Any = create_model("Settings", __base__=Settings, __module__=__name__, **fields)
    built.services = services
    return built


def _server_settings_class(services: Sequence[ServiceSpec]) -> type[ServerSettings]:
    names = [f'"{spec.name}"' for spec in services]
    description = f"Evaluation service: {', '.join(names[:-1])} or {names[-1]}."
    for spec in services:
        if spec.used_beside_others:
            description += f" {spec.name} is used beside the others whenever it has a token."
    description += " Absent: every vendor that has a token"
    for spec in keyless_services(services)[:1]:
        description += f", or {spec.name} if none has"
    choice: Any = Literal[tuple(spec.name for spec in services)]
    provider: Any = (choice | None, Field(default=None, description=f"{description}."))
    return create_model(
        "ServerSettings", __base__=ServerSettings, __module__=__name__, provider=provider
    )


def _redeclared(owner: type[Section], name: str, kind: type[Section]) -> tuple[Any, Any]:
    """Return a section's declaration with another class."""
    description = owner.model_fields[name].description
    return kind, Field(default_factory=kind, description=description)
