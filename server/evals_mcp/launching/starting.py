"""Starts one evaluation, unless an identical create has started it or the user declined it."""

from __future__ import annotations

from dataclasses import replace

from evals_mcp.launching.launch import Launch
from evals_mcp.launching.launches import Launches
from evals_mcp.launching.repeats import StartedEvaluation

Started = tuple[StartedEvaluation, bool]
"""An evaluation, and whether this create started it."""


async def earlier_evaluation(launch: Launch, launches: Launches) -> StartedEvaluation | None:
    """Return what an identical create has started, after waiting for one that is being sent."""
    async with launches.lock(launch):
        return await launches.repeats.find_earlier(launch)


async def start_evaluation(launch: Launch, launches: Launches, part: str = "") -> Started | None:
    """Start an evaluation, or return the one that an identical create has started.

    Args:
        launch: the evaluation to start.
        launches: the creates of its principal.
        part: which evaluation, of several under one code; empty for one alone.

    Returns:
        None if the user has declined it since its code was issued.

    Raises:
        AmbiguousCreateError: the evaluation may have started.
        EvalsMCPError: it was not started.
    """
    async with launches.lock(launch):
        if launch.derive is not None:
            launch = replace(launch, sent=await launch.derive())
        earlier = await launches.repeats.search(launch)
        if earlier.evaluation:
            return earlier.evaluation, False
        key = None
        if launch.code:
            if await launches.is_withdrawn(launch.code):
                return None
            key = (await launches.codes()).creation_key(launch.code, part)
        started = await launches.repeats.create(launch, earlier, key)
    if launch.code:
        await launches.note_agreement(launch.code)
    return started, True
