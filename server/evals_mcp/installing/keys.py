"""Which environment variables hold keys, by the table of services and the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from evals_mcp.service_spec import ServiceSpec, keyed_services
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import Section, TokenSource

_OTHER_SIDE = frozenset({"engine", "http", "oauth"})
"""Sections whose tokens are those of callers, not keys that the server needs."""


def key_variables(services: tuple[ServiceSpec, ...], settings: Settings | None) -> tuple[str, ...]:
    """Return the variables of the services' keys, then those that the settings name."""
    names = [spec.key_variable for spec in keyed_services(services) if spec.key_variable]
    if settings is not None:
        for name in type(settings).model_fields:
            if name not in _OTHER_SIDE:
                names += _token_variables(getattr(settings, name))
    return tuple(dict.fromkeys(names))


def key_headers(services: tuple[ServiceSpec, ...]) -> dict[str, str]:
    """Return the headers of http.mode header, each with the variable of its key."""
    return {
        spec.key_header: spec.key_variable
        for spec in keyed_services(services)
        if spec.key_header and spec.key_variable
    }


def _token_variables(value: object) -> Iterator[str]:
    if isinstance(value, TokenSource) and value.token_env:
        yield value.token_env
    if isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _token_variables(getattr(value, name))
    elif isinstance(value, Mapping):
        for below in cast("Mapping[str, object]", value).values():
            yield from _token_variables(below)
