"""The resources that a client lists: the page, rubrics, the newest evaluations and data sets."""

from __future__ import annotations

from contextlib import suppress

import anyio
from mcp_types import Resource

from evals_mcp.cleaning import inert
from evals_mcp.errors import EvalsMCPError
from evals_mcp.resources.kinds import DATA_SET, EVALUATION, RUBRIC, OpenSession, ResourceKind
from evals_mcp.tools.calls.naming import with_given_names
from evals_schemas.rubrics.table import newest

NEWEST = 20
"""Evaluations, and data sets, that are listed; completions and the tools find the others."""

SECONDS = 2.0
"""How long the services may take: clients list resources when they connect."""

_NAME_CHARS = 60


def rubric_resources() -> list[Resource]:
    """Return the newest version of each ready rubric."""
    return [
        _resource(RUBRIC, rubric.full_name.partition("/")[2], f"Rubric: {rubric.measures}.")
        for rubric in newest()
    ]


async def own_resources(open_session: OpenSession) -> list[Resource]:
    """Return the caller's newest evaluations and data sets; none that cannot be read in time."""
    resources: list[Resource] = []
    with suppress(EvalsMCPError), anyio.move_on_after(SECONDS):
        session = await open_session()
        files, _ = await session.provider.datasets_with_failures()
        names = await with_given_names(session.names, session.provider, files)
        jobs, _ = await session.provider.evaluations_with_failures(limit=NEWEST)
        for job in jobs[:NEWEST]:
            name = names.of_evaluation(job.workflow_id)
            about = f"{job.type} evaluation, {inert(job.status, _NAME_CHARS)}."
            resources.append(_resource(EVALUATION, job.workflow_id, about, name))
        for file in files[:NEWEST]:
            name = names.of_data_set(file.id)
            resources.append(_resource(DATA_SET, file.id, "Data set.", name))
    return resources


def _resource(kind: ResourceKind, value: str, about: str, name: str | None = None) -> Resource:
    shown = f"{value} {inert(name, _NAME_CHARS)}" if name else value
    return Resource(
        uri=kind.address(value), name=shown, description=about, mime_type=kind.mime_type
    )
