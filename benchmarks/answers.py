"""The largest tool answer about an evaluation, in tokens of the o200k encoding.

Each tool that reports on an evaluation is called with its defaults, so a list gives its first page.
All servers read evaluations of the same rows, judged by a rule that every third row fails. A client
shows either the text or the structured content of an answer, so each is counted by itself and the
larger one is taken.
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
"""The most tokens that our largest answer on the larger evaluation may have."""

WORKERS = 8

UNREACHED = "what it answers comes from a service that cannot be had offline"


@dataclass(frozen=True)
class Evaluations:
    """Two completed evaluations of the same rows on an engine."""

    address: str
    """The base URL of the engine's REST API."""
    mixed: str
    """Id of the evaluation in which every third row fails."""
    passing: str
    """Id of the evaluation in which no row fails, so that a comparison has many flips."""
    result_file: str
    """Id of the data set of the first one."""


Calls = Sequence[tuple[str, Mapping[str, Any]]]
"""Tools with their arguments."""


def run() -> list[Figure]:
    """Measure every server at both sizes."""
    return [figure for rows in SIZES for figure in answers_on(rows)]


def answers_on(rows: int) -> list[Figure]:
    """Return the figures of evaluations with this many rows."""
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
    # Every column must occur in a template.
    expected = "{% if question %}{{ expected }}{% endif %}"
    anything = "{% if question and expected %}signal{% endif %}"
    mixed = upstream.classify(file_id, "rule/contains", expected, WORKERS)
    passing = upstream.classify(file_id, "rule/contains", anything, WORKERS)
    result_file = upstream.wait(mixed)["results"]["result_file_id"]
    upstream.wait(passing)
    address = str(upstream.client.base_url).rstrip("/")
    return Evaluations(address, mixed, passing, result_file)


def together(known: Evaluations) -> dict[str, str]:
    """Return settings in which the engine is the service."""
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
    """Return a peer's largest answer, or the reason why it could not be measured."""
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
    # No answer of another project's server may break the table.
    except (ChildFailedError, OSError, LookupError, ValueError) as error:
        return Figure(name, None, "tokens", note=reason(error))
    note = f"{peer.title}: {largest / ours:,.1f} x evals-mcp's; {note}"
    return Figure(name, largest, "tokens", note=note)


def largest_answer(server: Server, calls: Callable[[Child], Calls]) -> tuple[int, str]:
    """Return the tokens of the largest answer, and a note with the tokens of each.

    Raises:
        ChildFailedError: a call failed.
    """
    with session(server) as process:
        counts = {
            tool: answer_tokens(process, tool, arguments) for tool, arguments in calls(process)
        }
    return max(counts.values()), ", ".join(f"{tool} {count:,}" for tool, count in counts.items())


def answer_tokens(server: Child, tool: str, arguments: Mapping[str, Any]) -> int:
    """Return the tokens of one answer in its larger form."""
    result = call_tool(server, tool, arguments)
    text = "\n".join(block.get("text", "") for block in result["content"])
    if result.get("isError"):
        raise ChildFailedError(f"{tool}: {text}")
    structured = result.get("structuredContent")
    return max(tokens(text), tokens(compact(structured)) if structured else 0)
