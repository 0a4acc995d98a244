"""The questions of a benchmark: warnings about them, and whether two lists are the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from anyio import to_thread

from evals_mcp.cleaning import quoted
from evals_schemas.datasets.cells import cell_text

COLUMNS = ("question", "answer")
_SHOWN = 10

Question = tuple[str, str]
"""The question and the expected answer."""


def questions_in(path: Path) -> Iterator[Question]:
    """Yield the questions of a checked JSONL file in the form that a service stores."""
    with path.open("rb") as lines:
        yield from _read(lines)


def question_warnings(path: Path) -> list[str]:
    """Return warnings about the questions of a checked JSONL file, a sentence each."""
    warnings: list[str] = []
    if dropped := _other_columns(path):
        names = ", ".join(quoted(name, 60) for name in dropped[:_SHOWN])
        more = f" and {len(dropped) - _SHOWN} more" if len(dropped) > _SHOWN else ""
        warnings.append(f"A benchmark keeps only question and answer; dropped: {names}{more}")
    return [*warnings, *_contradictions(path)]


def _other_columns(path: Path) -> list[str]:
    """Return all columns that a benchmark does not keep, in the order of their first use."""
    names: dict[str, None] = {}
    with path.open("rb") as lines:
        for row in _rows(lines):
            names.update(dict.fromkeys(row))
    return [name for name in names if name not in COLUMNS]


def _contradictions(path: Path) -> Iterator[str]:
    """Yield a warning if a question has several answers; compares hashes to save memory."""
    answers: dict[bytes, tuple[int, bytes]] = {}
    first: tuple[int, int] | None = None
    count = 0
    for number, (question, answer) in enumerate(questions_in(path), start=1):
        answer_hash = _hash(answer)
        earlier, expected = answers.setdefault(_hash(question), (number, answer_hash))
        if expected != answer_hash:
            count += 1
            first = first or (earlier, number)
    if first:
        times = "once" if count == 1 else f"{count:,} times"
        yield (
            f"A question is repeated with another expected answer {times}, first as questions "
            f"{first[0]:,} and {first[1]:,}: no answer is right for both"
        )


async def are_same(path: Path, stored: AsyncIterator[bytes]) -> bool:
    """Return whether a stored benchmark has the questions of a checked file, in the same order."""
    questions = questions_in(path)
    pending = b""
    try:
        async for block in stored:
            *lines, pending = (pending + block).split(b"\n")
            if await to_thread.run_sync(_is_unlike, lines, questions):
                return False
        last = [*_read([pending]), None]
        return all(question == next(questions, None) for question in last)
    except ValueError:
        # The stored file is not a list of questions.
        return False


def _read(lines: Iterable[bytes]) -> Iterator[Question]:
    for row in _rows(lines):
        yield cell_text(row.get("question")), cell_text(row.get("answer"))


def _rows(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield each row; for anything else, an empty object."""
    for line in lines:
        if text := line.strip(b" \t\r\n\xef\xbb\xbf"):
            row: object = json.loads(text)
            yield cast("dict[str, Any]", row) if isinstance(row, dict) else {}


def _is_unlike(lines: Sequence[bytes], questions: Iterator[Question]) -> bool:
    return any(question != next(questions, None) for question in _read(lines))


def _hash(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=12).digest()
