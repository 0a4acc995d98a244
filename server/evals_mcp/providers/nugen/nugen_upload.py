"""From a JSONL file of questions to the JSON array that the benchmark service takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from evals_mcp.errors import DatasetFaultError


def write_questions(source: Path, target: Path) -> int:
    """Write the array, question after question, and return how many there are.

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
    """A text as it is, another value as JSON, nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
