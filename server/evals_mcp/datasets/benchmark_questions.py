"""The questions of a benchmark: what is odd about them, and whether two lists are the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from evals_mcp.cleaning import clean

COLUMNS = ("question", "answer")
_SHOWN = 10

Question = tuple[str, str]
"""The question and the expected answer."""


def questions_in(path: Path) -> Iterator[Question]:
    """The questions of a checked JSONL file, as a service keeps them."""
    with path.open("rb") as lines:
        yield from _read(lines)


def question_warnings(path: Path, columns: Sequence[str]) -> list[str]:
    """A sentence for each thing that is odd about the questions of a checked JSONL file."""
    warnings: list[str] = []
    if dropped := [name for name in columns if name not in COLUMNS]:
        names = ", ".join(clean(name, 60) for name in dropped[:_SHOWN])
        more = f" and {len(dropped) - _SHOWN} more" if len(dropped) > _SHOWN else ""
        warnings.append(f"A benchmark keeps question and answer only; dropped: {names}{more}")
    return [*warnings, *_contradictions(path)]


def _contradictions(path: Path) -> Iterator[str]:
    """Compared by short hashes, so that a large file costs little memory."""
    answers: dict[bytes, tuple[int, bytes]] = {}
    first: tuple[int, int] | None = None
    count = 0
    for place, (question, answer) in enumerate(questions_in(path), start=1):
        given = _hash(answer)
        earlier, expected = answers.setdefault(_hash(question), (place, given))
        if expected != given:
            count += 1
            first = first or (earlier, place)
    if first:
        times = "once" if count == 1 else f"{count:,} times"
        yield (
            f"The same question has another expected answer {times}, first in {first[0]:,} and "
            f"{first[1]:,} of the questions: no answer is right for both"
        )


async def are_same(path: Path, stored: AsyncIterator[bytes]) -> bool:
    """Whether a stored benchmark, as JSON Lines, has the questions of a checked file, in order."""
    own = questions_in(path)
    pending = b""
    try:
        async for block in stored:
            *lines, pending = (pending + block).split(b"\n")
            if any(question != next(own, None) for question in _read(lines)):
                return False
        last = [*_read([pending]), None]
        return all(question == next(own, None) for question in last)
    except ValueError:
        # Whatever is stored there is no list of questions.
        return False


def _read(lines: Iterable[bytes]) -> Iterator[Question]:
    for line in lines:
        if text := line.strip(b" \t\r\n\xef\xbb\xbf"):
            row: object = json.loads(text)
            fields = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
            yield _text(fields.get("question")), _text(fields.get("answer"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _hash(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=12).digest()
