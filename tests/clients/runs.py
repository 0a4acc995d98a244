"""The clients, and the ways in which each is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from tests.clients.install import Lock, python
from tests.locked_packages import NODE

DRIVERS = Path(__file__).parent / "drivers"

Transport = Literal["stdio", "http"]
View = Literal["text", "structured"]
TRANSPORTS: tuple[Transport, ...] = ("stdio", "http")
VIEWS: tuple[View, ...] = ("text", "structured")


@dataclass(frozen=True)
class Run:
    """One client, used in one way."""

    client: str
    """Name of the client, with its variant if there are several besides transport and view."""
    driver: str
    over: Transport = "stdio"
    view: View | None = None
    """The part of an answer that is shown; None if the client itself decides."""
    lock: Lock | None = None
    """The lock of a Python client; None for Node."""
    options: tuple[str, ...] = ()
    """Further arguments of the driver."""

    def command(self, target: dict[str, Any]) -> list[str]:
        """Return the driver's command line for a server."""
        program = NODE if self.lock is None else python(self.lock)
        script = str(DRIVERS / self.driver)
        return [str(program), script, json.dumps(target), self.view or "", *self.options]


def _typescript(name: str, *options: str) -> list[Run]:
    return [
        Run(name, "typescript.mjs", over, view, options=options)
        for over, view in product(TRANSPORTS, VIEWS)
    ]


SDK = "@modelcontextprotocol/sdk"
CLIENT = "@modelcontextprotocol/client"

RUNS = (
    *_typescript(SDK, SDK),
    *_typescript(CLIENT, CLIENT),
    *_typescript(f"{CLIENT}, negotiating", CLIENT, "auto"),
    Run("inspector --cli, legacy era", "inspector.mjs", options=("legacy",)),
    Run("inspector --cli, modern era", "inspector.mjs", options=("modern",)),
    *(
        Run("fastmcp", "fastmcp_client.py", over, view, "with_mcp_2")
        for over, view in product(TRANSPORTS, VIEWS)
    ),
    *(Run("pydantic-ai", "pydantic_ai_agent.py", over, lock="with_mcp_2") for over in TRANSPORTS),
    *(Run("openai-agents", "openai_agent.py", over, lock="with_mcp_2") for over in TRANSPORTS),
    *(
        Run("langchain-mcp-adapters", "langchain_adapter.py", over, lock="with_mcp_1")
        for over in TRANSPORTS
    ),
)
