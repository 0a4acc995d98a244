"""What the tool list costs a model, in tokens of the o200k encoding."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bpe_openai import get_encoding  # pyright: ignore[reportMissingTypeStubs]  # it has none

from benchmarks.child_process import child, fresh_settings
from benchmarks.figures import Figure
from benchmarks.start import SERVER
from benchmarks.stdio_session import initialize, list_tools

TOKEN_BUDGET = 3000
COUNT_BUDGET = 12


def run() -> list[Figure]:
    """Count name, description and input schema of every tool, as compact JSON."""
    encoding = get_encoding("o200k_base")
    with fresh_settings() as settings:
        tools = tools_of(SERVER, settings)
    seen = [
        {key: tool.get(key) for key in ("name", "description", "inputSchema")} for tool in tools
    ]
    tokens = {str(tool["name"]): len(encoding.encode(compact(tool))) for tool in seen}
    largest = max(tokens, key=lambda name: tokens[name])
    note = f"the largest is {largest} with {tokens[largest]}"
    total = len(encoding.encode(compact(seen)))
    return [
        Figure("tools/list", total, "tokens", budget=TOKEN_BUDGET, note=note),
        Figure("tools", len(tools), "tools", budget=COUNT_BUDGET),
    ]


def tools_of(command: Sequence[str], settings: Mapping[str, str]) -> list[dict[str, Any]]:
    with child(command, settings) as server:
        initialize(server)
        return list_tools(server)


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
