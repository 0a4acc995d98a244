"""Converts rows and questions of the benchmark service to JSON Lines while they arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import cast

from evals_mcp.providers.rest.json_items import NoItemsError, items
from evals_mcp.providers.rest.replies import RequestContext
from evals_schemas.benchmark_api.benchmarks import DetailedResult, as_number
from evals_schemas.datasets.cells import cell_text

_BLOCK_BYTES = 64 * 1024

_ROWS = frozenset({"detailed_results"})
_QUESTIONS = frozenset({"questions", "data"})

Fields = dict[str, object]


def row_lines(
    blocks: AsyncIterator[bytes], only_model: str | None, context: RequestContext
) -> AsyncGenerator[bytes]:
    """Yield one line for each question and model, with the fields of `DetailedResult`.

    Args:
        blocks: The answer to the download of an evaluation's rows.
        only_model: The model of rows that name no model; None if two models were evaluated.
        context: The request that the blocks answer, for messages.

    Raises:
        BadAnswerError: the blocks are not an answer with rows.
    """

    def line(row: Fields) -> Fields:
        return _row(row, only_model)

    return _lines(blocks, _ROWS, line, context)


def question_lines(blocks: AsyncIterator[bytes], context: RequestContext) -> AsyncGenerator[bytes]:
    """Yield one line for each question of a benchmark: `question_num`, `question`, `answer`.

    Raises:
        BadAnswerError: the blocks are not an answer with questions.
    """
    return _lines(blocks, _QUESTIONS, _question, context)


async def _lines(
    blocks: AsyncIterator[bytes],
    names: frozenset[str],
    line: Callable[[Fields], Fields],
    context: RequestContext,
) -> AsyncGenerator[bytes]:
    written = bytearray()
    try:
        async with aclosing(items(blocks, names)) as all_items:
            async for item in all_items:
                written += _encoded(line(_fields(item))) + b"\n"
                if len(written) >= _BLOCK_BYTES:
                    yield bytes(written)
                    written.clear()
    except NoItemsError as error:
        problem = str(error)
    else:
        if written:
            yield bytes(written)
        return
    raise context.wrong_answer(context.answered(problem))


def _fields(item: object) -> Fields:
    if isinstance(item, dict):
        return cast("Fields", item)
    raise NoItemsError("with a list that does not consist of objects")


def _encoded(fields: Fields) -> bytes:
    try:
        return json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # A lone surrogate stays an escape: JSON can contain it, UTF-8 cannot.
        return json.dumps(fields).encode()


def _row(row: Fields, only_model: str | None) -> Fields:
    score, relevance = as_number(row.get("score")), as_number(row.get("relevance"))
    correct, error = row.get("correct"), _text(row.get("error"))
    if error is None and score is None and relevance is None and not isinstance(correct, bool):
        error = "The service gives no score."
    fields = DetailedResult(
        question_id=_id(row.get("question_id")),
        question=_text(row.get("question")),
        expected_answer=_text(row.get("expected_answer")),
        model_answer=_text(row.get("model_answer")),
        score=score,
        relevance=relevance,
        model_id=_text(row.get("model_id")) or only_model,
    ).model_dump(exclude={"correct", "error"})
    # Fields that only some services report are left out for the others, not null.
    if isinstance(correct, bool):
        fields["correct"] = correct
    if error is not None:
        fields["error"] = error
    for name in ("feedback", "judge_raw_output", "failed_at"):
        if text := _text(row.get(name)):
            fields[name] = text
    return fields


def _question(row: Fields) -> Fields:
    answer = row.get("answer", row.get("expected_answer"))
    return {
        "question_num": _id(row.get("question_num")),
        "question": _text(row.get("question")),
        "answer": _text(answer),
    }


def _text(value: object) -> str | None:
    """Return the text of a cell; None for null."""
    return None if value is None else cell_text(value)


def _id(value: object) -> str | int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else _text(value)
