"""Settings of the server over HTTP: its address, who may call, and how often."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, create_model

from evals_mcp.settings.types import BaseUrl, CredentialName, Section, TokenSource, Url

Mode = Literal["local", "header", "oauth"]


def _checked_path(path: str) -> str:
    """Refuse anything but a plain path, and the paths of the health checks."""
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]{0,100}", path) or path in {"/healthz", "/readyz"}:
        raise ValueError("must be a path such as /mcp, and neither /healthz nor /readyz")
    return path


class HttpSettings(Section):
    """The server over HTTP, for the command `evals-mcp serve --http`."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. An address other than loopback requires mode header or "
        "oauth.",
        min_length=1,
    )
    port: int = Field(
        default=8000,
        description="TCP port to listen on, 0 to 65535; 0 takes a free one.",
        ge=0,
        le=65535,
    )
    path: Annotated[str, AfterValidator(_checked_path)] = Field(
        default="/mcp", description="Path of the MCP endpoint."
    )
    public_url: BaseUrl | None = Field(
        default=None,
        description="URL under which users reach this server, without http.path, such as "
        "https://evals.example. Links for sending files begin with it. Absent: the address "
        "that the server listens on.",
    )
    mode: Mode = Field(
        default="local",
        description='Who may call: "local" (programs of this machine, with the configured '
        'tokens), "header" (each request contains its own key for the service) or "oauth" (bearer '
        "tokens of an issuer).",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1:*", "localhost:*", "[::1]:*"),
        description="Host headers that are answered, as clients send them; name:* takes every "
        "port. Behind a proxy: the public name.",
    )
    allowed_origins: tuple[str, ...] = Field(
        default=("http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"),
        description="Origins of web pages that may call. Requests of programs have none.",
    )
    max_body_bytes: int = Field(
        default=4 * 1024 * 1024,
        description="Longest request in bytes, 1024 or more; inline rows are the longest.",
        ge=1024,
    )
    calls_per_minute: int = Field(
        default=240,
        description="Requests of one user in a minute on average, 1 or more; twice as many in a "
        "burst. Not counted in mode local.",
        ge=1,
    )
    calls_at_once: int = Field(
        default=16,
        description="Requests of one user at once, 1 or more. Not counted in mode local.",
        ge=1,
    )
    total_at_once: int = Field(
        default=512,
        description="Requests of all users at once, 1 or more; others get the status 503.",
        ge=1,
    )
    drain_seconds: float = Field(
        default=0.0,
        description="Seconds, 0 to 600, in which requests are still accepted after a stop signal "
        "while /readyz answers 503, so that a load balancer can stop sending requests.",
        ge=0,
        le=600,
        allow_inf_nan=False,
    )
    stop_seconds: float = Field(
        default=30.0,
        description="Seconds, 0 to 600, in which calls in progress may finish after a stop.",
        ge=0,
        le=600,
        allow_inf_nan=False,
    )


class SubjectSettings(Section):
    """A subject of access tokens, with its keys for services; see `oauth_settings_class`."""

    subject: str = Field(description="The token's `sub`. Required.", min_length=1)

    def service_keys(self) -> Mapping[str, SecretStr]:
        """Return the subject's keys by the names of the services."""
        sources = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: source.token
            for name, source in sources.items()
            if isinstance(source, TokenSource) and source.token
        }


class OAuthSettings(Section):
    """Source of bearer tokens, for http.mode oauth."""

    issuer: Url | None = Field(
        default=None,
        description="The issuer's URL, as its tokens have it in `iss`. Required for mode oauth.",
    )
    resource: BaseUrl | None = Field(
        default=None,
        description="Public URL of the MCP endpoint, which tokens must have in `aud`. Required "
        "for mode oauth.",
    )
    jwks_url: BaseUrl | None = Field(
        default=None,
        description="Address of the issuer's published keys. Absent: read from its metadata.",
    )
    subjects: Mapping[CredentialName, SubjectSettings] = Field(
        default_factory=dict[str, SubjectSettings],
        description="Subjects with keys of their own. Absent: none.",
    )


def oauth_settings_class(services: Sequence[str]) -> type[OAuthSettings]:
    """Return the section [oauth] whose subjects may have a key for each of these services."""
    keys: dict[str, Any] = {
        name: (
            TokenSource,
            Field(default_factory=TokenSource, description=f"Key for {name}. Absent: none."),
        )
        for name in services
    }
    subject: Any = create_model(
        "SubjectSettings", __base__=SubjectSettings, __module__=__name__, **keys
    )
    description = OAuthSettings.model_fields["subjects"].description
    subjects: Any = (
        Mapping[CredentialName, subject],
        Field(default_factory=dict, description=description),
    )
    return create_model(
        "OAuthSettings", __base__=OAuthSettings, __module__=__name__, subjects=subjects
    )
