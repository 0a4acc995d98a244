"""The cost of a tool list in tokens of the o200k encoding: ours and other servers'."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bpe_openai import get_encoding  # pyright: ignore[reportMissingTypeStubs]  # it has none

from benchmarks.child_process import ChildFailedError, fresh_settings
from benchmarks.figures import Figure
from benchmarks.peers.registry import peers, reason
from benchmarks.start import ours_and_floor
from benchmarks.stdio_session import Server, list_tools, session

TOKEN_BUDGET = 3800

PART = 50_000
"""Characters that are encoded at once, because the encoder accepts at most 200,000 tokens."""

Tool = Mapping[str, Any]


def run() -> list[Figure]:
    """Count name, description and input schema of every tool, as compact JSON."""
    with fresh_settings() as settings, peers() as (others, missing):
        ours, floor = ours_and_floor(settings)
        tools = tools_of(ours)
        total = list_tokens(tools)
        figures = [
            Figure("tools/list", total, "tokens", budget=TOKEN_BUDGET, note=largest(tools)),
            Figure("tools", len(tools), "tools"),
            *(beside(server, total) for server in (floor, *others)),
        ]
    return [
        *figures,
        *(Figure(f"tools/list, {name}", None, "tokens", note=missing[name]) for name in missing),
    ]


def beside(server: Server, ours: int) -> Figure:
    """Return the figure of another server's list, or why it has none."""
    name = f"tools/list, {server.name}"
    try:
        tools = tools_of(server)
    except (ChildFailedError, OSError) as error:
        return Figure(name, None, "tokens", note=reason(error))
    total = list_tokens(tools)
    note = (
        f"{server.title}: {total / ours:.2f} x evals-mcp's; tools: {len(tools)}; {largest(tools)}"
    )
    return Figure(name, total, "tokens", note=note)


def tools_of(server: Server) -> list[Tool]:
    """Return what a model reads of each tool."""
    with session(server) as process:
        tools = list_tools(process)
    return [
        {key: tool.get(key) for key in ("name", "description", "inputSchema")} for tool in tools
    ]


def list_tokens(tools: Sequence[Tool]) -> int:
    return tokens(compact(tools))


def largest(tools: Sequence[Tool]) -> str:
    """Return the tool that costs most, as the text of a note."""
    counts = {str(tool["name"]): tokens(compact(tool)) for tool in tools}
    name = max(counts, key=lambda tool: counts[tool])
    return f"the largest is {name} with {counts[name]:,}"


def tokens(text: str) -> int:
    """Return the tokens of a text, exact to one token for each part after the first."""
    encoding = get_encoding("o200k_base")
    parts = (text[start : start + PART] for start in range(0, len(text), PART))
    return sum(len(encoding.encode_ordinary(part)) for part in parts)


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
