"""The answers that need only the settings: the server's description, its tools and its prompts.

They equal the answers of the SDK's server to the same requests, which a test compares. Requests of
any unusual form are left to that server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal, TypeGuard, cast

from evals_mcp.instructions import NAME, TITLE, instructions
from evals_mcp.views.app import EXTENSION, renders_pages

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Versions of the protocol that begin with `initialize`; all are accepted."""
MODERN_VERSION = "2026-07-28"
"""The version in which every request names its client and version."""

META = "io.modelcontextprotocol/"
"""Prefix of the protocol's keys in `_meta`."""

CAPABILITIES: Mapping[str, dict[str, Any]] = {
    "completions": {},
    "prompts": {"listChanged": False},
    "resources": {"listChanged": False, "subscribe": False},
    "tools": {"listChanged": False},
}
MODERN_CAPABILITIES: Mapping[str, dict[str, Any]] = {"extensions": {EXTENSION: {}}, **CAPABILITIES}
"""The handshake of earlier versions knows no extensions."""

Era = Literal["handshake", "modern"]
RequestId = str | int


@dataclass(frozen=True)
class EarlyAnswer:
    """One line to send."""

    line: bytes
    opens: RequestId | None = None
    """Id of a request that opens the connection, which the server must read too; else None."""


class EarlyAnswers:
    """Answers one client, whose first request sets the protocol's era for the connection."""

    def __init__(self, version: str, *, read_only: bool) -> None:
        """Answer for a server of this version; `read_only` hides every tool that writes."""
        self._server = {"name": NAME, "title": TITLE, "version": version}
        self._read_only = read_only
        self._era: Era | None = None
        self._renders_pages = False
        """Whether the client of the handshake does."""

    def answer(self, line: bytes) -> EarlyAnswer | None:
        """Return the answer to a line of the client; None if the server must read the line."""
        if (request := _request(line)) is None:
            return None
        method, params = request["method"], request.get("params", {})
        opening = self._opening(method, params)
        result = self._opened(method, params) if opening is None else self._welcome(params, opening)
        if result is None:
            return None
        if opening == "handshake":
            self._renders_pages = _announces_pages(params.get("capabilities"))
        self._era = opening or self._era
        message = {"jsonrpc": "2.0", "id": request["id"], "result": result}
        text = json.dumps(message, separators=(",", ":"))
        return EarlyAnswer(text.encode(), request["id"] if opening else None)

    def _opening(self, method: str, params: Mapping[str, Any]) -> Era | None:
        """Return the era that a request opens; None if it opens no connection."""
        if self._era is not None:
            return None
        if method == "initialize" and _introduces_itself(params):
            return "handshake"
        return "modern" if method == "server/discover" and _has_envelope(params) else None

    def _welcome(self, params: Mapping[str, Any], era: Era) -> dict[str, Any]:
        facts: dict[str, Any] = {"instructions": instructions(read_only=self._read_only)}
        if era == "modern":
            facts |= {"capabilities": MODERN_CAPABILITIES, "supportedVersions": [MODERN_VERSION]}
            return self._modern(facts)
        facts |= {"capabilities": CAPABILITIES, "serverInfo": self._server}
        return {**facts, "protocolVersion": params["protocolVersion"]}

    def _opened(self, method: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a result within the era; None for requests that are not answered here."""
        if self._era == "handshake" and not params.keys() - {"_meta"}:
            if method == "ping":
                return {}
            return None if _has_envelope(params) else self._listed(method, self._renders_pages)
        if self._era == "modern" and _has_envelope(params):
            capabilities = params["_meta"][f"{META}clientCapabilities"]
            listed = self._listed(method, _announces_pages(capabilities))
            return None if listed is None else self._modern(listed)
        return None

    def _listed(self, method: str, renders_pages: bool) -> dict[str, Any] | None:
        """Return the tools or the prompts; None if another method is called."""
        if method == "tools/list":
            tools = self._tools("tools")
            return {"tools": [*tools, *self._tools("app_tools")] if renders_pages else tools}
        return {"prompts": self._prompts} if method == "prompts/list" else None

    def _modern(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return a result in the form of its era: not cacheable, with the server's name."""
        return {
            **result,
            "resultType": "complete",
            "cacheScope": "private",
            "ttlMs": 0,
            "_meta": {f"{META}serverInfo": self._server},
        }

    def _tools(self, key: str) -> list[dict[str, Any]]:
        listed = self._committed[key]
        if not self._read_only:
            return listed
        return [tool for tool in listed if tool["annotations"]["readOnlyHint"]]

    @cached_property
    def _committed(self) -> dict[str, list[dict[str, Any]]]:
        """The committed lists of tools, which a test compares with the catalogues."""
        return json.loads(files("evals_schemas").joinpath("tools", "tools.json").read_bytes())

    @property
    def _prompts(self) -> list[dict[str, Any]]:
        from evals_mcp.prompts.catalog import prompts  # noqa: PLC0415 - only if a client asks

        return [prompt.listed for prompt in prompts(read_only=self._read_only).values()]


def _request(line: bytes) -> dict[str, Any] | None:
    """Parse a JSON-RPC request with id, method and named parameters; None for other lines."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not _is_object(message) or message.get("jsonrpc") != "2.0":
        return None
    has_id = isinstance(message.get("id"), RequestId) and not isinstance(message["id"], bool)
    has_form = isinstance(message.get("method"), str) and _is_object(message.get("params", {}))
    return message if has_id and has_form else None


def _introduces_itself(params: Mapping[str, Any]) -> bool:
    """Return whether `initialize` is complete and of a supported version."""
    return (
        params.get("protocolVersion") in HANDSHAKE_VERSIONS
        and _is_client(params.get("clientInfo"))
        and _are_capabilities(params.get("capabilities"))
    )


def _has_envelope(params: Mapping[str, Any]) -> bool:
    """Return whether a request has exactly the fields of a modern request."""
    meta = params.get("_meta")
    return (
        set(params) == {"_meta"}
        and _is_object(meta)
        and meta.get(f"{META}protocolVersion") == MODERN_VERSION
        and _is_client(meta.get(f"{META}clientInfo"))
        and _are_capabilities(meta.get(f"{META}clientCapabilities"))
    )


def _is_client(value: object) -> bool:
    return _is_object(value) and all(isinstance(value.get(key), str) for key in ("name", "version"))


def _are_capabilities(value: object) -> bool:
    return (
        _is_object(value)
        and all(map(_is_object, value.values()))
        and all(map(_is_object, value.get("extensions", {}).values()))
    )


def _announces_pages(capabilities: Any) -> bool:
    """Return whether a client renders pages, by its capabilities."""
    return renders_pages(capabilities.get("extensions", {}).get(EXTENSION))


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and all(isinstance(key, str) for key in cast("Any", value))
