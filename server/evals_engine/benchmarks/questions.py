"""The questions of a benchmark: read from what was uploaded, kept as one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, cast

from evals_engine.cleaning import cleaned
from evals_engine.errors import ApiError
from evals_schemas.datasets.reader import Fault, scan

MAX_BENCHMARK_BYTES = 32 * 1024 * 1024
"""The largest file taken: a JSON array is read as a whole."""

MAX_NUMBER_CHARACTERS = 200

COLUMNS = ("question_num", "question", "answer")
"""What each question is kept with."""


def read_questions(path: Path, filename: str) -> Iterator[dict[str, Any]]:
    """The questions of an uploaded file, a JSON array or JSON lines, as they are kept.

    A question without a number gets its place, from 1. Numbers are told apart by their text.

    Raises:
        ApiError: 400, at the first thing that is no question, or for a file that has none.
    """
    seen: set[str] = set()
    for place, item in enumerate(_items(path, filename), start=1):
        question = _question(item, place, filename)
        number = str(question["question_num"])
        if number in seen:
            raise _refusal(
                filename, f"question {place}: question_num occurs twice; number each differently"
            )
        seen.add(number)
        yield question
    if not seen:
        raise _refusal(filename, "the benchmark has no questions")


def _items(path: Path, filename: str) -> Iterator[object]:
    """What may be questions: the elements of an array, or the lines."""
    with path.open("rb") as stream:
        if not stream.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            stream.seek(0)
            for item in scan(stream, "jsonl"):
                if isinstance(item, Fault):
                    raise _refusal(filename, str(item))
                yield item
            return
    try:
        found = json.loads(path.read_text("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        raise _refusal(filename, "nested too deeply") from None
    except UnicodeDecodeError:
        raise _refusal(filename, "not UTF-8") from None
    except ValueError as error:
        raise _refusal(filename, f"not JSON ({error})") from None
    yield from cast("list[object]", found)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _question(item: object, place: int, filename: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise _refusal(filename, f'question {place}: not an object {{"question": …, "answer": …}}')
    fields = cast("dict[str, Any]", item)
    kept: dict[str, Any] = {"question_num": _number(fields.get("question_num"), place)}
    if kept["question_num"] is None:
        raise _refusal(filename, f"question {place}: question_num must be a whole number or text")
    for name in ("question", "answer"):
        text = _text(fields.get(name))
        if text is None or not text.strip():
            raise _refusal(filename, f"question {place}: {name} must be a text that is not empty")
        kept[name] = text
    return kept


def _number(given: object, place: int) -> int | str | None:
    """The number of a question; None for what is none."""
    if given is None:
        return place
    if isinstance(given, bool) or not isinstance(given, int | str):
        return None
    return given if len(str(given)) <= MAX_NUMBER_CHARACTERS else None


def _text(given: object) -> str | None:
    """A text as it is, a number or a truth value as JSON writes it; None for anything else."""
    if isinstance(given, str):
        return given
    return json.dumps(given) if isinstance(given, bool | int | float) else None


def _refusal(filename: str, reason: str) -> ApiError:
    return ApiError(400, f"{cleaned(filename, 80)}: {reason}.", param="file", code="invalid_file")
