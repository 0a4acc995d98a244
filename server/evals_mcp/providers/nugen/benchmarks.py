"""The benchmarks of the benchmark service, their upload, and the models to evaluate on them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.errors import DatasetFaultError, UnavailableError, UnsupportedError
from evals_mcp.providers.nugen.generations import Generations
from evals_mcp.providers.nugen.rows import question_lines
from evals_mcp.providers.rest.client import LostAnswerError, RestClient
from evals_mcp.providers.rest.replies import RequestContext
from evals_mcp.providers.times import parse_time, unix_seconds
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkList,
    BenchmarkListed,
    BenchmarkModels,
    BenchmarkUploaded,
)
from evals_schemas.contract import Operation
from evals_schemas.datasets.cells import cell_text
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE, File
from evals_schemas.evaluation_api.models import Model

_UNFINISHED = frozenset({"created", "pending", "queued", "processing", "in_progress"})
"""Statuses of a benchmark that the service still writes or checks, in lower case."""


class Benchmarks:
    """Question lists with expected answers, as files of the purpose `benchmark`."""

    def __init__(
        self, rest: RestClient, generations: Generations, clock: Callable[[], datetime]
    ) -> None:
        self._rest = rest
        self._generations = generations
        self._clock = clock

    async def listed(self) -> list[File]:
        """Return all benchmarks, the newest first."""
        operations = await self._generations.operations()
        listed: BenchmarkList = await self._rest.call(operations.list_benchmarks)
        files = [_file(benchmark) for benchmark in listed.benchmarks]
        return sorted(files, key=lambda file: file.created_at, reverse=True)

    async def upload(self, path: Path, filename: str) -> File:
        """Store a JSONL file with `question` and `answer`, with one request.

        Raises:
            DatasetFaultError: the file cannot be read, or a line has no question or answer.
            UnavailableError: the answer was lost; the list shows whether the benchmark exists.
        """
        operations = await self._generations.operations()
        name = clean(Path(filename).stem, 120) or "benchmark"
        # The vendor requires a document's id, but these questions come from no document.
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
        """Stream a benchmark's questions as JSON Lines."""
        operations = await self._generations.operations()
        context = RequestContext(self._rest.service, operations.questions, benchmark_id)
        async with (
            self._rest.stream(operations.questions, benchmark_id) as blocks,
            aclosing(question_lines(blocks, context)) as lines,
        ):
            yield lines

    async def models(self) -> list[Model]:
        """Return base models and domain-aligned models, each once; either list may be absent."""
        operations = await self._generations.operations()
        by_id = dict[str, Model]()
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
                    by_id.setdefault(model.id, model)
        return list(by_id.values())

    async def _models(self, operation: Operation) -> list[Model]:
        listed: BenchmarkModels = await self._rest.call(operation)
        return [
            Model(id=model.model_id, type=model.type, display_name=model.model_name)
            for model in listed.models
        ]

    def _stored(self, stored: BenchmarkUploaded, name: str, count: int) -> File:
        return File(
            id=stored.benchmark_id,
            created_at=unix_seconds(self._clock()),
            filename=stored.benchmark_name or name,
            purpose=BENCHMARK_PURPOSE,
            LineCount=stored.num_questions or len(stored.questions or ()) or count,
            Processed=_is_checked(stored.status),
            processing_status=stored.status,
        )


def _file(benchmark: BenchmarkListed) -> File:
    return File(
        id=benchmark.id,
        created_at=unix_seconds(parse_time(benchmark.created_at)),
        filename=benchmark.benchmark_name or benchmark.id,
        purpose=BENCHMARK_PURPOSE,
        LineCount=benchmark.num_questions or 0,
        bytes=benchmark.bytes or 0,
        Processed=_is_checked(benchmark.status),
        processing_status=benchmark.status,
    )


def _is_checked(status: str | None) -> bool:
    return (status or "").strip().casefold() not in _UNFINISHED


def write_questions(source: Path, target: Path) -> int:
    """Convert a JSONL file of questions to the service's JSON array; return their number.

    Raises:
        DatasetFaultError: the source cannot be read, or a line has no question or answer.
    """
    try:
        with source.open("rb") as lines, target.open("wb") as array:
            return _written(_questions(lines), array)
    except OSError as error:
        raise DatasetFaultError(
            f"{source} cannot be read ({error.strerror}); name a file this user can read"
        ) from None


def _written(questions: Iterator[dict[str, object]], array: BinaryIO) -> int:
    count = 0
    array.write(b"[")
    for count, question in enumerate(questions, start=1):
        array.write(b",\n" if count > 1 else b"\n")
        array.write(json.dumps({"question_num": count, **question}).encode())
    array.write(b"\n]\n")
    return count


def _questions(lines: BinaryIO) -> Iterator[dict[str, object]]:
    for number, line in enumerate(lines, start=1):
        if line.strip(b" \t\r\n\xef\xbb\xbf"):
            row = _row(line.removeprefix(b"\xef\xbb\xbf"))
            texts = {name: _text(row.get(name)) for name in ("question", "answer")}
            if absent := [name for name, text in texts.items() if not text.strip()]:
                raise DatasetFaultError(
                    f"line {number} has no `{absent[0]}`: every line of a benchmark is a JSON "
                    'object such as {"question": "…", "answer": "…"}'
                )
            yield dict(texts)


def _row(line: bytes) -> dict[str, object]:
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", row) if isinstance(row, dict) else {}


def _text(value: object) -> str:
    """Return the text of a cell, or an empty text for null."""
    return "" if value is None else cell_text(value)
