"""Warns of token limits below what the same prompts needed in earlier evaluations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from evals_mcp.planning.estimates.past_runs import (
    History,
    PastOutput,
    kind_of_request,
    past_runs,
    setup_of_request,
)
from evals_mcp.planning.inputs.facts import RequestFacts, calls_per_row

_ROOM = 2
"""How many times the mean length a limit should allow, since some texts are longer."""


def low_token_limits(facts: RequestFacts) -> Iterator[str]:
    """Yield a warning for each `max_tokens` below the mean length of earlier texts."""
    calls = calls_per_row(facts.request.parameters)
    runs = past_runs(facts.lists.jobs)
    history = History(kind_of_request(facts.request), setup_of_request(facts.request), runs)
    if verdict := history.verdict_with_more_room(calls):
        yield from _too_low("judge", history.setup.judge_limit, verdict)
    yield from _candidate_limit(history, calls)


def _candidate_limit(history: History, calls: Mapping[str, int]) -> Iterator[str]:
    """Yield a warning about the only candidate, whose share of the tokens can be told."""
    roles = [role for role, number in calls.items() if number and role != "judge"]
    row = history.row_with_more_room(calls)
    if len(roles) != 1 or row is None:
        return
    limit = history.setup.candidate_limits[0]
    verdict = history.verdict(calls) if calls["judge"] else None
    if calls["judge"] and (verdict is None or not verdict.same):
        return
    judged = verdict.mean * calls["judge"] if verdict else 0
    yield from _too_low(roles[0], limit, row.minus(judged))


def _too_low(role: str, limit: int, needed: PastOutput) -> Iterator[str]:
    if limit < needed.mean:
        text = "a verdict" if role == "judge" else "an answer"
        enough = math.ceil(needed.mean * _ROOM / 10) * 10
        yield (
            f"`{role}.max_tokens` is {limit:,}, but {text} took {needed.mean:,.0f} tokens on "
            f"average in {needed.counted} with the same prompt: most would be cut off. Set it to "
            f"{enough:,} or more, or leave it out."
        )
