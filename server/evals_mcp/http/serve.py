"""`evals-mcp serve --http`: from settings to a server that listens; unsafe ones do not start."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx2
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from evals_mcp.compose import open_providers
from evals_mcp.http.app import AppOptions, Front, build_app
from evals_mcp.http.limits import Limits
from evals_mcp.http.links import FilesByLink
from evals_mcp.http.logs import log_call
from evals_mcp.http.modes.access_tokens import JwksVerifier
from evals_mcp.http.modes.authentication import Authenticator, Refusal
from evals_mcp.http.modes.header import HeaderMode
from evals_mcp.http.modes.local import LocalMode
from evals_mcp.http.modes.oauth import WRITE, OAuthMode
from evals_mcp.http.modes.resource import Resource, metadata_route
from evals_mcp.http.safety import check_safe, remote_safe, services_of
from evals_mcp.http.telemetry import CallMetrics
from evals_mcp.launching.key_file import confirmation_key
from evals_mcp.lifetime import open_services
from evals_mcp.listener import Listener
from evals_mcp.local_engine.configuration import with_stop_seconds
from evals_mcp.server import CallRecord, build_server
from evals_mcp.service_spec import keyed_services
from evals_mcp.settings.folders import check_folders
from evals_mcp.settings.schema import Settings
from evals_mcp.tools.calls.request_context import Services
from evals_mcp.tools.catalog import BY_NAME
from evals_mcp.views.app.tools import APP_TOOLS_BY_NAME

_NO_LIMIT = 1_000_000_000

OpenServices = Callable[[], AbstractAsyncContextManager[Services]]


@dataclass(frozen=True)
class Entry:
    """The authentication, challenges and routes of the configured mode."""

    authenticator: Authenticator
    lacking: Callable[[], Refusal] | None = None
    routes: Sequence[BaseRoute] = ()


class HttpService:
    """Listens from its creation on, and answers while it runs."""

    def __init__(self, settings: Settings, version: str, host: str, port: int | None) -> None:
        """Check the settings, then bind the port.

        Raises:
            SettingsError: the mode lacks a setting, or does not suit the address or the services,
                or a folder cannot be written to.
            OSError: the address cannot be bound.
        """
        check_safe(settings, host)
        check_folders(settings, services_of(settings))
        self._settings = with_stop_seconds(remote_safe(settings), settings.http.stop_seconds)
        self._version = version
        self._listener = Listener(host, settings.http.port if port is None else port)
        self._stopping = False

    @property
    def url(self) -> str:
        """The URL of the MCP endpoint."""
        return f"{self._listener.base_url}{self._settings.http.path}"

    def run(self, announce: Callable[[str], None]) -> None:
        """Serve until SIGINT or SIGTERM; `announce` gets the URL when the server is ready."""
        self._listener.run(
            self._app(),
            lambda: announce(self.url),
            self._settings.http.stop_seconds,
            self._stop,
            self._settings.http.drain_seconds,
        )

    def _stop(self) -> None:
        self._stopping = True

    def _app(self) -> ASGIApp:
        names = services_of(self._settings)
        files = FilesByLink(self._settings, self._listener.base_url)
        is_local = self._settings.http.mode == "local"
        return http_app(
            self._settings,
            self._version,
            partial(
                open_services,
                self._settings,
                partial(open_providers, names=names),
                is_stopping=lambda: self._stopping,
                # Users of this machine name paths of it; others send their files.
                uploads_of=None if is_local else files.uploads_of,
            ),
            is_ready=lambda: not self._stopping,
            routes=() if is_local else (files.route,),
        )


def http_app(  # noqa: PLR0913 - each is one plain collaborator
    settings: Settings,
    version: str,
    opening: OpenServices,
    *,
    is_ready: Callable[[], bool] = lambda: True,
    routes: Sequence[BaseRoute] = (),
    issuer_client: httpx2.AsyncClient | None = None,
) -> Starlette:
    """The app of these settings; a test passes its own services and client."""
    client = issuer_client or httpx2.AsyncClient()
    entry = _entry(settings, client)
    metrics = CallMetrics()

    def note_call(call: CallRecord) -> None:
        log_call(call)
        metrics.record(call.tool, call.outcome, call.seconds)

    server = build_server(
        version,
        partial(_with_client, opening, client),
        read_only=settings.server.read_only,
        note_call=note_call,
    )
    return build_app(
        server,
        _front(settings),
        AppOptions(
            entry.authenticator,
            may_call=_reads,
            write_refusal=entry.lacking,
            routes=[*entry.routes, *routes],
            is_ready=is_ready,
        ),
    )


@asynccontextmanager
async def _with_client(
    opening: OpenServices, client: httpx2.AsyncClient
) -> AsyncGenerator[Services]:
    """The services, and the client of the issuer closed with them."""
    async with client, opening() as services:
        yield services


def _reads(tool: str) -> bool:
    definition = BY_NAME.get(tool) or APP_TOOLS_BY_NAME.get(tool)
    return definition is None or definition.read_only


def _front(settings: Settings) -> Front:
    http = settings.http
    one_user = http.mode == "local"
    return Front(
        path=http.path,
        allowed_hosts=http.allowed_hosts,
        allowed_origins=http.allowed_origins,
        max_body_bytes=http.max_body_bytes,
        limits=Limits(
            calls_per_minute=_NO_LIMIT if one_user else http.calls_per_minute,
            calls_at_once=_NO_LIMIT if one_user else http.calls_at_once,
            total_at_once=http.total_at_once,
        ),
        key_headers=tuple(_key_headers(settings).values()) if http.mode == "header" else (),
    )


def _entry(settings: Settings, client: httpx2.AsyncClient) -> Entry:
    match settings.http.mode:
        case "local":
            return Entry(LocalMode())
        case "header":
            secret = confirmation_key(settings.budget.key_file)
            return Entry(HeaderMode(_key_headers(settings), secret))
        case "oauth":
            return _oauth_entry(settings, client)


def _oauth_entry(settings: Settings, client: httpx2.AsyncClient) -> Entry:
    oauth = settings.oauth
    assert oauth.issuer
    assert oauth.resource
    resource = Resource(oauth.resource, oauth.issuer)
    mode = OAuthMode(
        JwksVerifier(client, oauth.issuer, oauth.resource, oauth.jwks_url),
        resource,
        {each.subject: each.service_keys() for each in oauth.subjects.values()},
        [spec.name for spec in keyed_services(settings.services)],
    )
    return Entry(mode, partial(mode.lacking, WRITE), [metadata_route(resource)])


def _key_headers(settings: Settings) -> dict[str, str]:
    """Return the header with the key of each service in use, by the names of the services."""
    specs = map(settings.service, services_of(settings))
    return {spec.name: spec.key_header for spec in specs if spec.key_header}
