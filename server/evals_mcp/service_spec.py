"""What the server knows about an evaluation service before the service is opened.

A service is described by one `ServiceSpec`; `evals_mcp.services` lists all of them. Settings, the
HTTP modes, the provider for several services and the advice in error messages follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class Capabilities:
    """What a service can do. The defaults describe a vendor's service."""

    runs_rules: bool = False
    """Whether `rule/…` may be named as a judge."""
    lists_models: bool = True
    """Whether the lists of models are complete, so that a name missing from them is refused."""
    has_prices: bool = True
    """Whether model calls have a price in the service's list of models."""
    can_cancel: bool = False
    """Whether a running evaluation can be cancelled."""
    reports_progress: bool = False
    """Whether a status reports how many rows are done, and running evaluations give out rows."""
    takes_keys: bool = False
    """Whether an idempotency key with a create ensures that only one evaluation starts."""
    is_engine: bool = False
    """Whether the service is this project's engine, so that its prompts, its limit of workers, its
    metrics and the questions of its benchmarks are known before a start."""
    stops_early: bool = False
    """Whether an evaluation can end once it is decided."""
    hands_on_answers: bool = False
    """Whether an evaluation can judge the answers that another one generates, once it has ended."""
    missing_endpoint: str | None = None
    """The setting of the endpoint for models, if the service needs one and the setting is absent.
    None if models can be called."""
    benchmark_judge: str | None = None
    """The rule or model that judges benchmarks; None if it is not known."""
    dedicated_models: frozenset[str] | None = None
    """The names behind `model_source` dedicated; None if they are not known."""


@dataclass(frozen=True)
class ServiceSpec:
    """An evaluation service: its settings, its keys, what it runs, and how it is opened."""

    name: str
    """The section in the configuration, the value of server.provider and the prefix of ids."""
    settings: type[BaseModel]
    """The model of the section, a `Section`; of a service with a token, a `TokenSource` with a
    `base_url`."""
    description: str
    """The description of the section."""
    types: frozenset[str]
    """The types of evaluation that the service runs: `classify`, `score`, `compare`,
    `benchmark`."""
    open: str
    """The function that opens the service, as `module:function`. It takes the `Settings` and
    returns an async context manager with a `Member`; see `evals_mcp.compose`. Its module is
    imported by the first call that needs a provider."""
    open_idle: str | None = None
    """Likewise, for a process that must run no evaluation; None if `open` runs none anyway."""
    key_variable: str | None = None
    """The environment variable with the token; None if the service needs no token."""
    key_header: str | None = None
    """The HTTP header with a user's own key, for http.mode header; None if there is no key."""
    used_beside_others: bool = False
    """Whether the service is used beside server.provider whenever it has a token."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    """What the service can do, as far as no setting changes it."""
    is_offered_beside: Callable[[Any], bool] = lambda _: False
    """Whether a service without a token is offered beside others, by the settings of its section.
    Strangers, who bring keys of their own in http.mode header, are never offered it."""
    has_earlier_work: Callable[[Any], bool] = lambda _: False
    """Whether opening the service continues earlier work, by the settings of its section."""


def keyed_services(services: Sequence[ServiceSpec]) -> list[ServiceSpec]:
    """Return the services that need a token or a user's key."""
    return [spec for spec in services if spec.key_variable is not None]


def keyless_services(services: Sequence[ServiceSpec]) -> list[ServiceSpec]:
    """Return the services that need no token; the first is used if no service has a token."""
    return [spec for spec in services if spec.key_variable is None]


def advice_for_type(
    services: Sequence[ServiceSpec], kind: str, missing_key: Callable[[str], str | None] | None
) -> str:
    """Return the sentence that says how to get a service for a type of evaluation.

    Args:
        services: All services that a configuration can name.
        kind: The type.
        missing_key: Returns what a user with own keys does to add the key of a service, or None;
            None if the configuration alone decides.
    """
    keyed = [spec for spec in keyed_services(services) if kind in spec.types]
    if missing_key is not None:
        remedy = next(filter(None, (missing_key(spec.name) for spec in keyed)), None)
        return f"For {kind}: {remedy}." if remedy else f"This server offers no {kind}."
    ways = [f"set {spec.key_variable} in its environment ({spec.name}.token)" for spec in keyed]
    ways += [
        f'write provider = "{spec.name}" under [server], which runs {kind} on this machine'
        for spec in keyless_services(services)
        if kind in spec.types
    ]
    return f"Ask the administrator to {', or to '.join(ways)}." if ways else ""
