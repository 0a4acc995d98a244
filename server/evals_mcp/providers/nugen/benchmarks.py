"""The benchmarks of the benchmark service, and the models that can be run on them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.errors import UnavailableError, UnsupportedError
from evals_mcp.providers.nugen.generations import Generations
from evals_mcp.providers.nugen.nugen_upload import write_questions
from evals_mcp.providers.nugen.rows import question_lines
from evals_mcp.providers.nugen.times import moment, unix_seconds
from evals_mcp.providers.rest.client import LostAnswerError, RestClient
from evals_mcp.providers.rest.replies import Asked
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkList,
    BenchmarkListed,
    BenchmarkModels,
    BenchmarkUploaded,
)
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model
from evals_schemas.evaluation_api.operations import Operation

_UNFINISHED = frozenset({"created", "pending", "queued", "processing", "in_progress"})
"""What a service says of a benchmark that it still writes or checks, in lower case."""


class Benchmarks:
    """Question lists with expected answers, as files of the purpose `benchmark`."""

    def __init__(
        self, rest: RestClient, generations: Generations, clock: Callable[[], datetime]
    ) -> None:
        self._rest = rest
        self._generations = generations
        self._clock = clock

    async def listed(self) -> list[File]:
        """All of them, the newest first."""
        operations = await self._generations.operations()
        found: BenchmarkList = await self._rest.call(operations.list_benchmarks)
        files = [_file(benchmark) for benchmark in found.benchmarks]
        return sorted(files, key=lambda file: file.created_at, reverse=True)

    async def upload(self, path: Path, filename: str) -> File:
        """Store a JSONL file with `question` and `answer`, with one request.

        Raises:
            DatasetFaultError: the file cannot be read, or a line has no question or answer.
            UnavailableError: the answer was lost; the list tells whether it is there.
        """
        operations = await self._generations.operations()
        name = clean(Path(filename).stem, 120) or "benchmark"
        # The vendor wants a document's id; questions that were written by hand come from none.
        fields = {"name": name, "document_id": name, "description": f"Questions of {name}."}
        with TemporaryDirectory(prefix="evals-mcp-", ignore_cleanup_errors=True) as folder:
            array = Path(folder, "questions.json")
            count = await to_thread.run_sync(write_questions, path, array)
            try:
                stored: BenchmarkUploaded = await self._rest.upload(
                    array, f"{name}.json", fields, operations.upload
                )
            except LostAnswerError as error:
                lost = str(error)
            else:
                return self._stored(stored, name, count)
        raise UnavailableError(f"{lost} Call list_datasets before uploading it again.")

    @asynccontextmanager
    async def questions(self, benchmark_id: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        """A benchmark's questions as JSON Lines."""
        operations = await self._generations.operations()
        asked = Asked(self._rest.service, operations.questions, benchmark_id)
        async with (
            self._rest.stream(operations.questions, benchmark_id) as blocks,
            aclosing(question_lines(blocks, asked)) as lines,
        ):
            yield lines

    async def models(self) -> list[Model]:
        """Base models and those aligned to a domain, each once; a service may lack either list."""
        operations = await self._generations.operations()
        found = dict[str, Model]()
        missing: UnsupportedError | None = None
        for operation in (operations.base_models, operations.aligned_models):
            try:
                models = await self._models(operation)
            except UnsupportedError as error:
                if missing:
                    raise
                missing = error
            else:
                for model in models:
                    found.setdefault(model.id, model)
        return list(found.values())

    async def _models(self, operation: Operation) -> list[Model]:
        listed: BenchmarkModels = await self._rest.call(operation)
        return [
            Model(id=model.model_id, type=model.type, display_name=model.model_name)
            for model in listed.models
        ]

    def _stored(self, stored: BenchmarkUploaded, name: str, count: int) -> File:
        told = stored.num_questions or len(stored.questions or ()) or count
        return File(
            id=stored.benchmark_id,
            created_at=unix_seconds(self._clock()),
            filename=stored.benchmark_name or name,
            purpose="benchmark",
            LineCount=told,
            Processed=_is_checked(stored.status),
            processing_status=stored.status,
        )


def _file(benchmark: BenchmarkListed) -> File:
    return File(
        id=benchmark.id,
        created_at=unix_seconds(moment(benchmark.created_at)),
        filename=benchmark.benchmark_name or benchmark.id,
        purpose="benchmark",
        LineCount=benchmark.num_questions or 0,
        bytes=benchmark.bytes or 0,
        Processed=_is_checked(benchmark.status),
        processing_status=benchmark.status,
    )


def _is_checked(status: str | None) -> bool:
    return (status or "").strip().casefold() not in _UNFINISHED
