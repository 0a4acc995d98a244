"""Reads the questions of a benchmark from an uploaded file; each is stored as a JSON line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NoReturn, cast

from evals_engine.cleaning import cleaned
from evals_engine.errors import ApiError
from evals_schemas.datasets.reader import Fault, scan

MAX_BENCHMARK_BYTES = 32 * 1024 * 1024
"""The largest file that is accepted, because a JSON array is read as a whole."""

MAX_NUMBER_CHARACTERS = 200

COLUMNS = ("question_num", "question", "answer")
"""The columns of a stored question."""


def read_questions(open_file: Callable[[], BinaryIO], filename: str) -> Iterator[dict[str, Any]]:
    """Yield the questions of an uploaded file, a JSON array or JSON lines, as they are stored.

    A question without a number gets its position, from 1. Numbers are compared as text.

    Args:
        open_file: Opens the bytes of the file.
        filename: Its name.

    Raises:
        ApiError: 400, at the first item that is not a question, or if the file has no question.
    """
    seen: set[str] = set()
    for position, item in enumerate(_items(open_file, filename), start=1):
        question = _question(item, position, filename)
        number = str(question["question_num"])
        if number in seen:
            raise _refusal(
                filename,
                f"question {position}: question_num occurs twice; give each its own number",
            )
        seen.add(number)
        yield question
    if not seen:
        raise _refusal(filename, "the benchmark has no questions")


def _items(open_file: Callable[[], BinaryIO], filename: str) -> Iterator[object]:
    """Yield the elements of an array, or the lines, which should be questions."""
    with open_file() as stream:
        if not stream.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            stream.seek(0)
            for item in scan(stream, "jsonl"):
                if isinstance(item, Fault):
                    raise _refusal(filename, str(item))
                yield item
            return
        stream.seek(0)
        content = stream.read()
    try:
        elements = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        raise _refusal(filename, "nested too deeply") from None
    except UnicodeDecodeError:
        raise _refusal(filename, "not UTF-8") from None
    except ValueError as error:
        raise _refusal(filename, f"not JSON ({error})") from None
    yield from cast("list[object]", elements)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _question(item: object, position: int, filename: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise _refusal(
            filename, f'question {position}: not an object {{"question": …, "answer": …}}'
        )
    fields = cast("dict[str, Any]", item)
    question: dict[str, Any] = {"question_num": _number(fields.get("question_num"), position)}
    if question["question_num"] is None:
        raise _refusal(
            filename, f"question {position}: question_num must be a whole number or text"
        )
    for name in ("question", "answer"):
        text = _text(fields.get(name))
        if text is None or not text.strip():
            raise _refusal(
                filename, f"question {position}: {name} must be a text that is not empty"
            )
        question[name] = text
    return question


def _number(value: object, position: int) -> int | str | None:
    """Return the number of a question, by default its position; None if the value is invalid."""
    if value is None:
        return position
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return value if len(str(value)) <= MAX_NUMBER_CHARACTERS else None


def _text(value: object) -> str | None:
    """Return a text unchanged, a number or a truth value as JSON; None for anything else."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def _refusal(filename: str, reason: str) -> ApiError:
    return ApiError(400, f"{cleaned(filename, 80)}: {reason}.", param="file", code="invalid_file")
