"""What can be configured of the server over HTTP: where it listens, who may call, and how much."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from evals_mcp.settings.types import BaseUrl, CredentialName, Section, TokenSource, Url

Mode = Literal["local", "header", "oauth"]


def _checked_path(path: str) -> str:
    """Refuse what is no plain path, and those that are taken."""
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]{0,100}", path) or path in {"/healthz", "/readyz"}:
        raise ValueError("must be a path such as /mcp, and neither /healthz nor /readyz")
    return path


class HttpSettings(Section):
    """The server over HTTP, for the command `evals-mcp serve --http`."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. Any other than a loopback address wants mode header or "
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
    mode: Mode = Field(
        default="local",
        description='Who may call: "local" (programs of this machine, with the configured '
        'tokens), "header" (each request brings its own key for the service) or "oauth" (bearer '
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
        description="Requests of all users at once, 1 or more; further ones are told to come back.",
        ge=1,
    )
    drain_seconds: float = Field(
        default=0.0,
        description="Seconds, 0 to 600, for which requests are still taken after a stop signal "
        "while /readyz says no; a load balancer has taken the server out by then.",
        ge=0,
        le=600,
        allow_inf_nan=False,
    )
    stop_seconds: float = Field(
        default=30.0,
        description="Seconds, 0 to 600, that calls in flight get to finish when the server stops.",
        ge=0,
        le=600,
        allow_inf_nan=False,
    )


class SubjectSettings(Section):
    """A subject of access tokens, and its keys for the services."""

    subject: str = Field(description="The token's `sub`. Required.", min_length=1)
    together: TokenSource = Field(
        default_factory=TokenSource, description="Its key for Together. Absent: none."
    )
    nugen: TokenSource = Field(
        default_factory=TokenSource, description="Its key for Nugen. Absent: none."
    )


class OAuthSettings(Section):
    """Where bearer tokens come from, for http.mode oauth."""

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
        description="Where the issuer publishes its keys. Absent: its metadata is asked.",
    )
    subjects: Mapping[CredentialName, SubjectSettings] = Field(
        default_factory=dict[str, SubjectSettings],
        description="Subjects with keys of their own. Absent: none.",
    )
