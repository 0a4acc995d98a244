"""Refuses settings that are unsafe for several users, and restricts what such users may do."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

from evals_mcp.errors import SettingsError
from evals_mcp.service_spec import keyed_services, keyless_services
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import TokenSource, is_loopback


def check_safe(settings: Settings, host: str) -> None:
    """Refuse settings that would admit strangers or nobody.

    Raises:
        SettingsError: names the setting to change.
    """
    if settings.budget.max_usd_per_day is not None and not settings.state.shared:
        raise SettingsError(
            "budget.max_usd_per_day needs a state that all servers share: give them one "
            "state.folder and leave state.shared out, or remove budget.max_usd_per_day"
        )
    mode = settings.http.mode
    if mode == "local" and not is_loopback(host):
        raise SettingsError(
            'http.host is not a loopback address, and http.mode is "local", which authenticates '
            'nobody: set http.mode to "header" or "oauth", or listen on 127.0.0.1'
        )
    keyed = {spec.name: spec for spec in keyed_services(settings.services)}
    if mode == "header" and not keyed.keys() >= set(services_of(settings)):
        names = " or ".join(f'"{name}"' for name in keyed)
        raise SettingsError(
            f'http.mode "header" needs a service that takes keys: set server.provider to {names}, '
            'or http.mode to "oauth" to share the engine of this server'
        )
    if mode == "oauth":
        _check_oauth(settings)
    if mode != "local":
        _check_vendors(settings)


def _check_vendors(settings: Settings) -> None:
    """Refuse unencrypted addresses of services, to which users' keys are sent."""
    for name in services_of(settings):
        section = getattr(settings, name)
        if isinstance(section, TokenSource) and _in_clear(getattr(section, "base_url", "")):
            raise SettingsError(
                f"{name}.base_url must begin with https://, since users' keys are sent to it"
            )


def _in_clear(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _check_oauth(settings: Settings) -> None:
    for name in ("issuer", "resource"):
        if getattr(settings.oauth, name) is None:
            raise SettingsError(f'oauth.{name} is required for http.mode "oauth"')
    resource = settings.oauth.resource or ""
    if urlsplit(resource).path != settings.http.path:
        raise SettingsError(
            f"oauth.resource must be the public URL of the endpoint and end with http.path, "
            f"{settings.http.path}"
        )
    for name in ("issuer", "resource", "jwks_url"):
        if _in_clear(getattr(settings.oauth, name) or ""):
            raise SettingsError(f"oauth.{name} must begin with https://")
    subjects = Counter(one.subject for one in settings.oauth.subjects.values())
    if len(subjects) < subjects.total():
        raise SettingsError(
            "two sections of oauth.subjects have the same subject: each needs its own"
        )


def services_of(settings: Settings) -> tuple[str, ...]:
    """Return the names of the services in use.

    In mode header without server.provider: every service with keys. In mode oauth: server.provider,
    the services that a subject has a key for, and those that are offered beside them.
    """
    chosen, mode = settings.server.provider, settings.http.mode
    keyed = tuple(spec.name for spec in keyed_services(settings.services))
    if mode == "header":
        return (chosen,) if chosen else keyed
    if mode == "local":
        return settings.providers
    with_keys = {name for each in settings.oauth.subjects.values() for name in each.service_keys()}
    used = tuple(name for name in keyed if name in with_keys)
    if chosen is not None:
        others = tuple(name for name in used if name != chosen)
        return settings.with_services_beside((chosen, *others))
    if used:
        return settings.with_services_beside(used)
    return tuple(spec.name for spec in keyless_services(settings.services)[:1])


def remote_safe(settings: Settings) -> Settings:
    """Return settings without rights that only a user of this machine may have.

    A path in `upload_dataset` is a path on the server's disk, which remote users must not read.
    """
    if settings.http.mode == "local":
        return settings
    closed = settings.datasets.model_copy(update={"allowed_folders": ()})
    return settings.model_copy(update={"datasets": closed})
