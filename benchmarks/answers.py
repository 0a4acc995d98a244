"""The largest answer on an evaluation that a model has to read, in tokens of the o200k encoding.

Every tool that tells something of an evaluation is called with its defaults, so a list with pages
gives its first. All servers read evaluations of the same rows, of which every third fails, judged
by a rule. Of an answer that comes as text and as structured content, a client shows one: each is
counted alone, and the larger counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.child_process import Child, ChildFailedError, fresh_settings
from benchmarks.engine_client import Engine, engine, row
from benchmarks.figures import Figure
from benchmarks.peers.promptfoo import evaluate
from benchmarks.peers.registry import GENERATED, PROMPTFOO, peers, reason
from benchmarks.start import ours_and_floor
from benchmarks.stdio_session import Server, call_tool, session
from benchmarks.tools import compact, tokens

SIZES = (500, 10_000)
"""Rows of an evaluation."""

BUDGET = 2000
"""Tokens of our largest answer on the larger one."""

WORKERS = 8

UNREACHED = "what it answers comes from a service that cannot be had offline"


@dataclass(frozen=True)
class Evaluations:
    """Two completed evaluations of the same rows on an engine."""

    address: str
    """Where the engine's REST API is."""
    mixed: str
    """Id of the one in which every third row fails."""
    passing: str
    """Id of the one in which none does, so that a comparison has much to show."""
    result_file: str
    """Id of the mixed one's rows."""


Calls = Sequence[tuple[str, Mapping[str, Any]]]
"""Tools and their arguments."""


def run() -> list[Figure]:
    """Both sizes, every server."""
    return [figure for rows in SIZES for figure in answers_on(rows)]


def answers_on(rows: int) -> list[Figure]:
    """The figures of evaluations with that many rows."""
    name = f"answers: largest on {rows:,} rows"
    with engine() as upstream:
        known = evaluations(upstream, rows)
        with fresh_settings() as settings, peers(known.address) as (others, missing):
            ours, _ = ours_and_floor(settings | together(known))
            largest, note = largest_answer(ours, lambda _: our_calls(known))
            budget = BUDGET if rows == max(SIZES) else None
            return [
                Figure(name, largest, "tokens", budget=budget, note=note),
                *(beside(f"{name}, {one.name}", one, known, rows, largest) for one in others),
                *(
                    Figure(f"{name}, {absent}", None, "tokens", note=why)
                    for absent, why in missing.items()
                ),
            ]


def evaluations(upstream: Engine, rows: int) -> Evaluations:
    file_id = upstream.upload(rows)
    # Every column has to stand in a template.
    expected = "{% if question %}{{ expected }}{% endif %}"
    anything = "{% if question and expected %}signal{% endif %}"
    mixed = upstream.classify(file_id, "rule/contains", expected, WORKERS)
    passing = upstream.classify(file_id, "rule/contains", anything, WORKERS)
    result_file = upstream.wait(mixed)["results"]["result_file_id"]
    upstream.wait(passing)
    address = str(upstream.client.base_url).rstrip("/")
    return Evaluations(address, mixed, passing, result_file)


def together(known: Evaluations) -> dict[str, str]:
    """Settings with which the engine is the service."""
    return {
        "EVALS_MCP_SERVER__PROVIDER": "together",
        "EVALS_MCP_TOGETHER__BASE_URL": known.address,
        "EVALS_MCP_TOGETHER__TOKEN": "a-token-of-the-answers-benchmark",
    }


def our_calls(known: Evaluations) -> Calls:
    one = {"evaluation_id": known.mixed}
    both = {"evaluation_id_a": known.mixed, "evaluation_id_b": known.passing}
    return [
        ("get_status", one),
        ("get_evaluation", one),
        ("read_results", one),
        ("list_evaluations", {}),
        ("compare_evaluations", both),
    ]


def generated_calls(known: Evaluations) -> Calls:
    return [
        ("get_status", {"id": known.mixed}),
        ("get_evaluation", {"id": known.mixed}),
        ("list_evaluations", {}),
        ("get_file_content", {"id": known.result_file}),
    ]


def promptfoo_calls(server: Child) -> Calls:
    listed = json.loads(call_tool(server, "list_evaluations", {})["content"][0]["text"])
    evaluation = listed["data"]["evaluations"][0]["evalId"]
    return [("list_evaluations", {}), ("get_evaluation_details", {"id": evaluation})]


def beside(name: str, peer: Server, known: Evaluations, rows: int, ours: int) -> Figure:
    """A peer's largest answer, or why there is none."""
    calls: dict[str, Callable[[Child], Calls]] = {
        GENERATED: lambda _: generated_calls(known),
        PROMPTFOO: promptfoo_calls,
    }
    if peer.name not in calls:
        return Figure(name, None, "tokens", note=UNREACHED)
    try:
        if peer.name == PROMPTFOO:
            evaluate(peer, (row(number) for number in range(rows)))
        largest, note = largest_answer(peer, calls[peer.name])
    # Whatever another project's server answers breaks no table.
    except (ChildFailedError, OSError, LookupError, ValueError) as error:
        return Figure(name, None, "tokens", note=reason(error))
    note = f"{peer.title}: {largest / ours:,.1f} x evals-mcp's; {note}"
    return Figure(name, largest, "tokens", note=note)


def largest_answer(server: Server, calls: Callable[[Child], Calls]) -> tuple[int, str]:
    """Tokens of the largest answer, and a note with all of them.

    Raises:
        ChildFailedError: a call failed.
    """
    with session(server) as process:
        counts = {
            tool: answer_tokens(process, tool, arguments) for tool, arguments in calls(process)
        }
    return max(counts.values()), ", ".join(f"{tool} {count:,}" for tool, count in counts.items())


def answer_tokens(server: Child, tool: str, arguments: Mapping[str, Any]) -> int:
    """Tokens of one answer in the form in which it is larger."""
    result = call_tool(server, tool, arguments)
    text = "\n".join(block.get("text", "") for block in result["content"])
    if result.get("isError"):
        raise ChildFailedError(f"{tool}: {text}")
    structured = result.get("structuredContent")
    return max(tokens(text), tokens(compact(structured)) if structured else 0)
