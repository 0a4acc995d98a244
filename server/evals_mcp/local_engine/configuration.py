"""The configuration of the engine, made from the settings of this server."""

from __future__ import annotations

from dataclasses import replace

from pydantic import SecretStr

from evals_engine.compute.jobs import Limits
from evals_engine.config import EngineConfig, ModelEndpoint, Quotas
from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.service import LOCAL, LocalSettings, ModelEndpointSettings
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import NamedEndpointSettings, TokenSource

STDIO_STOP_SECONDS = 2.0
"""Seconds for the rows in flight over stdio, where clients end a server that stays longer."""

LEASE_SECONDS, NODES_LEASE_SECONDS = 10.0, 30.0
"""Seconds of a lease on one machine, and of several nodes, which an outage of their database or
network must not make take over from each other."""

SERVICE_STOP_SECONDS = 30.0
"""Seconds for the rows in flight of an engine that is a service of its own."""


def engine_config(settings: Settings, *, as_service: bool = False) -> EngineConfig:
    """Return the engine's configuration; it has tokens of owners only as a separate service.

    Raises:
        SettingsError: An owner of a separate service has no token, or the settings are those of
            a server that uses another engine.
    """
    local = settings.section(LocalSettings)
    if local.url is not None:
        raise SettingsError(
            "local.url makes a server use an engine that runs elsewhere, and this process is an "
            "engine itself: remove local.url here, and set it where `evals-mcp serve` runs"
        )
    return EngineConfig(
        data_dir=local.data_dir,
        serverless=_serverless(local.models, local.allow_private),
        dedicated={
            name: replace(_endpoint(endpoint), allow_private=local.allow_private)
            for name, endpoint in local.dedicated.items()
        },
        external=tuple(_endpoint(endpoint) for endpoint in settings.credentials.values()),
        token=settings.engine.token if as_service else None,
        tokens=_owner_tokens(settings) if as_service else {},
        server_token=_named_token("server", settings.engine.server) if as_service else None,
        metrics_token=_named_token("metrics", settings.engine.metrics) if as_service else None,
        database_url=local.database_url,
        lease_seconds=_lease_seconds(local),
        stop_seconds=_stop_seconds(local, as_service=as_service),
        benchmark_judge=local.benchmark_judge,
        quotas=Quotas(
            local.max_unfinished, local.max_evaluations, local.max_user_bytes, local.max_rows
        ),
        compute_workers=local.compute_workers,
        compute_limits=compute_limits(local),
    )


def with_stop_seconds(settings: Settings, seconds: float) -> Settings:
    """Return settings with a time for the engine to stop, unless they have one already."""
    local = settings.section(LocalSettings)
    if local.stop_seconds is not None:
        return settings
    return settings.model_copy(
        update={LOCAL.name: local.model_copy(update={"stop_seconds": seconds})}
    )


def _stop_seconds(local: LocalSettings, *, as_service: bool) -> float:
    if local.stop_seconds is not None:
        return local.stop_seconds
    return SERVICE_STOP_SECONDS if as_service else STDIO_STOP_SECONDS


def _lease_seconds(local: LocalSettings) -> float:
    if local.lease_seconds is not None:
        return local.lease_seconds
    return LEASE_SECONDS if local.database_url is None else NODES_LEASE_SECONDS


def compute_limits(local: LocalSettings) -> Limits:
    """Return what one row may take in a worker process."""
    return Limits(memory_bytes=local.compute_memory_mb * 2**20)


def _owner_tokens(settings: Settings) -> dict[str, SecretStr]:
    """Return the tokens by owner. Raises SettingsError for an owner without a token."""
    tokens: dict[str, SecretStr] = {}
    for name, source in settings.engine.owners.items():
        if source.token is None:
            advice = source.token_env and f"set the variable {source.token_env}"
            raise SettingsError(
                f"engine.owners.{name} has no token: {advice or 'set its token_file or token_env'}"
            )
        tokens[name] = source.token
    return tokens


def _named_token(name: str, source: TokenSource) -> SecretStr | None:
    """Return a token of [engine]. Raises SettingsError if its variable is named and unset."""
    if source.token is None and source.token_env is not None:
        raise SettingsError(
            f"engine.{name} has no token: set the variable {source.token_env}, or remove "
            f"engine.{name}.token_env"
        )
    return source.token


def _endpoint(endpoint: NamedEndpointSettings) -> ModelEndpoint:
    return ModelEndpoint(
        endpoint.base_url, endpoint.token, requests_per_minute=endpoint.requests_per_minute
    )


def _serverless(models: ModelEndpointSettings, allow_private: bool) -> ModelEndpoint | None:
    if models.base_url is None:
        return None
    return ModelEndpoint(models.base_url, models.token, allow_private, models.requests_per_minute)
