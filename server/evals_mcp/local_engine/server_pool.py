"""The worker processes of this server: for the templates of plans, and for uploaded files.

They are others than those of the embedded engine, so that a call never waits for the rows of a run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from anyio import to_thread

from evals_engine.compute.pool import ComputePool, OwnerPool
from evals_engine.compute.tasks import TaskError
from evals_engine.faults import RequestError
from evals_engine.templates.template import open_template
from evals_mcp.datasets.file_task import file_item, prepared_file
from evals_mcp.datasets.preparation import NOT_SENT, PreparationOptions, PreparedFile
from evals_mcp.errors import DatasetFaultError, InvalidRequestError
from evals_mcp.local_engine.configuration import compute_limits
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.planning.inputs.templates import (
    ReadTemplates,
    Render,
    RenderError,
    TemplateNames,
    beyond_the_limits,
    found_names,
    too_long,
)
from evals_mcp.settings.schema import Settings

FILE_SECONDS, FILE_SECONDS_A_MIB = 10.0, 2.0
"""Processor time for reading a file: for any file, and for each MiB of it."""


class ServerPool:
    """Worker processes that start with the first work; no work of one owner holds all of them."""

    def __init__(self, pool: ComputePool, files: ComputePool) -> None:
        """Take two open pools, so that a plan does not wait for the upload of a large file.

        Args:
            pool: parses and renders templates.
            files: reads files; its processes end with each file, which may have taken much memory.
        """
        self._pool = pool
        self._files = files

    async def prepare_file(
        self, path: Path, name: str, options: PreparationOptions, source_name: str, owner: str
    ) -> PreparedFile:
        """Check a data-set file in a worker process; see `evals_mcp.datasets.preparation`.

        Raises:
            DatasetFaultError: the file cannot be used, or takes too much time or memory.
            EvalsMCPError: as `prepare_file` raises.
        """
        size = await to_thread.run_sync(_size_of, path)
        cpu_seconds = FILE_SECONDS + FILE_SECONDS_A_MIB * size / 2**20
        limits = replace(
            self._files.limits, cpu_seconds=round(cpu_seconds), wall_seconds=4 * cpu_seconds + 60
        )
        item = file_item(path, name, options, source_name)
        try:
            result = await self._files.run(owner, "file", item, limits)
        except TaskError as error:
            raise DatasetFaultError(
                f"The data set cannot be used: reading it {error}. {NOT_SENT} Save it as .jsonl "
                "with shorter rows, or ask the administrator to raise the limit."
            ) from None
        return prepared_file(result)

    async def read_names(self, sources: Sequence[tuple[str, str]], owner: str) -> ReadTemplates:
        """Return the names that the templates of a request read; see `Templates`."""
        problems = {field: too_long(field, source) for field, source in sources}
        short = {field: source for field, source in sources if problems[field] is None}
        size = sum(map(len, short.values()))
        results = await self._pool.run_each(owner, "names", [*short.values()], size)
        read = dict(zip(short, results, strict=True))
        return {
            field: _names_of(field, read[field]) if field in read else TemplateNames(problem=text)
            for field, text in problems.items()
        }

    async def compile_template(self, source: str, field: str, owner: str) -> Render:
        """Return a function that renders a template exactly as the embedded engine will.

        Raises:
            InvalidRequestError: the engine does not accept the template.
        """
        try:
            template = await open_template(source, field, OwnerPool(self._pool, owner))
        except RequestError as error:
            raise InvalidRequestError(str(error)) from None

        async def render(row: Mapping[str, Any]) -> str:
            try:
                return await template.render(row)
            except RequestError as error:
                raise RenderError(str(error)) from None

        return render


@asynccontextmanager
async def open_server_pool(settings: Settings) -> AsyncGenerator[ServerPool]:
    """Open the worker processes of a server; none of them is started yet."""
    section = settings.section(LocalSettings)
    workers, limits = section.compute_workers, compute_limits(section)
    async with (
        ComputePool(workers, limits) as pool,
        ComputePool(workers, limits, jobs_of_a_worker=1) as files,
    ):
        yield ServerPool(pool, files)


def _names_of(field: str, result: Any) -> TemplateNames:
    """Return the names that a worker has found, or its error as a problem of the field."""
    if isinstance(result, TaskError):
        return TemplateNames(problem=beyond_the_limits(field, str(result)))
    return found_names(field, result)


def _size_of(path: Path) -> int:
    """Return the bytes of a file; 0 for a missing file, which the reader reports."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
