"""A comparison as the page shows it: the answer of `compare_evaluations`, and changed pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.results.comparisons.joining import Pair
from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.types.columns import columns_of
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.compare_evaluations import Both, answer_of, open_both, with_names
from evals_mcp.views.evaluation import bare
from evals_mcp.views.marks import with_marks
from evals_mcp.views.matrix import MOST_NAMES, matrix_of
from evals_mcp.views.rows import ROWS_AT_ONCE, page_row, place_of
from evals_mcp.views.settings import both_settings
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import CompareEvaluationsInput, CompareEvaluationsOutput
from evals_schemas.tools.page import ChangedPair, ComparisonPage, FlipQuery, FlipsPage, PageRow

_NAME = 80
_PASS, _FAIL = "pass", "fail"
_CHOICES = ("A", "Tie", "B")


async def comparison_page(
    session: ToolSession, arguments: CompareEvaluationsInput
) -> ComparisonPage:
    """Return two evaluations side by side.

    Raises:
        InvalidRequestError: they cannot be compared, or the column cannot be used.
        EvalsMCPError: one does not exist, or its rows cannot be read.
    """
    async with open_both(arguments.model_copy(update={"limit": 1}), session) as both:
        page = await to_thread.run_sync(_page, both, await answer_of(both, session))
    page.answer = await with_names(page.answer, session)
    return page


async def flips_page(
    session: ToolSession,
    arguments: CompareEvaluationsInput,
    query: FlipQuery,
    cursor: str | None,
) -> FlipsPage:
    """Return some of the pairs that two evaluations judged differently.

    Raises:
        InvalidRequestError: they cannot be compared, or the cursor is from elsewhere.
        EvalsMCPError: one does not exist, or its rows cannot be read.
    """
    async with open_both(arguments, session) as both:
        page = await to_thread.run_sync(changed_pairs, both, query, cursor, ROWS_AT_ONCE)
        await with_marks_of_both(session, both, page)
    return page


async def with_marks_of_both(session: ToolSession, both: Both, page: FlipsPage) -> None:
    """Add the marks of some pairs to their rows; nothing if the state cannot be read."""
    await with_marks(session, both.a, both.rows_a, [pair.a for pair in page.pairs])
    await with_marks(session, both.b, both.rows_b, [pair.b for pair in page.pairs])


def changed_pairs(both: Both, query: FlipQuery, cursor: str | None, limit: int) -> FlipsPage:
    """Return at most `limit` of the changed pairs that match. Blocks."""
    start = place_of(cursor)
    matches = partial(_matches, query, _namer(both))
    pairs = list(filter(matches, both.changed))
    if query.text is not None:
        pairs = _containing(both, pairs, query.text)
    end = start + limit
    return FlipsPage(
        total=len(both.every_change),
        matching=len(pairs),
        pairs=[_whole_pair(both, pair) for pair in pairs[start:end]],
        next_cursor=str(end) if end < len(pairs) else None,
    )


def _page(both: Both, complete: CompareEvaluationsOutput) -> ComparisonPage:
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.column_values import few_valued_columns  # noqa: PLC0415

    answer = complete.model_copy(update={"flips": [], "next_cursor": None})
    names = both.compared()[0].names
    passes = answer.passes
    name_of = _namer(both)
    counts = Counter((name_of(pair.a), name_of(pair.b)) for pair in both.joined.pairs)
    order, passing = _names_in_order(both.a)
    return ComparisonPage(
        answer=answer,
        names=(bare(names[0]), bare(names[1])),
        changes=matrix_of(counts, order, passing),
        gained=passes.only_b if passes else None,
        lost=passes.only_a if passes else None,
        by_columns=few_valued_columns(both.rows_a),
        settings=both_settings(both.a.parameters, both.b.parameters),
    )


def _namer(both: Both) -> Callable[[RowVerdict], str]:
    """Return what names a verdict in the table: its label or choice, else pass or fail."""
    pairs = both.joined.pairs
    labels = {verdict.verdict for pair in pairs for verdict in (pair.a, pair.b)}
    if type_spec(both.a.type).own_rows or None in labels or len(labels) > MOST_NAMES:
        return lambda verdict: _PASS if verdict.passed else _FAIL
    return lambda verdict: verdict.verdict or ""


def _names_in_order(job: EvaluationJob) -> tuple[Sequence[str], Mapping[str, bool]]:
    """Return the names of verdicts, passes first, and whether each is a pass."""
    labels: list[str] = list(job.parameters.get("labels") or ())
    passing: frozenset[str] = frozenset(job.parameters.get("pass_labels") or ())
    passes = {label: label in passing for label in labels} if passing else {}
    order = [*sorted(labels, key=lambda label: label not in passing), *_CHOICES, _PASS, _FAIL]
    return order, passes if labels else {_PASS: True, _FAIL: False}


def _matches(query: FlipQuery, name_of: Callable[[RowVerdict], str], pair: Pair) -> bool:
    changes = {"gained": (False, True), "lost": (True, False)}
    if query.change and (pair.a.passed, pair.b.passed) != changes[query.change]:
        return False
    if query.verdict_a is not None and name_of(pair.a) != query.verdict_a:
        return False
    return query.verdict_b is None or name_of(pair.b) == query.verdict_b


def _containing(both: Both, pairs: Sequence[Pair], text: str) -> list[Pair]:
    """Return the pairs of which a row contains a text in any column, in their order."""
    in_a = set(both.rows_a.containing([pair.row_a for pair in pairs], text))
    in_b = set(both.rows_b.containing([pair.row_b for pair in pairs], text))
    return [pair for pair in pairs if pair.row_a in in_a or pair.row_b in in_b]


def _whole_pair(both: Both, pair: Pair) -> ChangedPair:
    texts, rows = list[dict[str, str]](), list[PageRow]()
    sides = ((both.a, both.rows_a, pair.row_a), (both.b, both.rows_b, pair.row_b))
    for job, index, number in sides:
        names = list(columns_of(job, index.columns))
        row = page_row(job, index, index.by_number([number])[0], names)
        cells = zip(names, row.texts, strict=True)
        texts.append({name: text for name, text in cells if text is not None})
        rows.append(row.model_copy(update={"texts": []}))
    answers = [_answers(job, index.columns) for job, index, _ in sides]
    shared = {
        name: text
        for name, text in texts[0].items()
        if texts[1].get(name) == text and name not in answers[0] | answers[1]
    }
    return ChangedPair(
        a=rows[0],
        b=rows[1],
        shared=_cells(shared),
        own_a=_cells(_side_columns(texts[0], shared, answers)),
        own_b=_cells(_side_columns(texts[1], shared, answers[::-1])),
    )


def _side_columns(
    texts: Mapping[str, str], shared: Mapping[str, str], answers: Sequence[frozenset[str]]
) -> dict[str, str]:
    """Return the columns of one side; answers of the other side alone say nothing about it."""
    others = answers[1] - answers[0]
    return {name: text for name, text in texts.items() if name not in shared and name not in others}


def _answers(job: EvaluationJob, names: Sequence[str]) -> frozenset[str]:
    roles = columns_of(job, names)
    return frozenset(name for name, role in roles.items() if role != "input")


def _cells(texts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(clean(name, _NAME), text) for name, text in texts.items()]
