"""The index of a result file agrees with a plain reading, and joins agree with the digests."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from anyio import to_thread
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.result_files.building import build_index
from evals_mcp.result_files.cache import ResultFile, ResultFiles
from evals_mcp.result_files.conditions import Where
from evals_mcp.result_files.index import Damage, ResultIndex
from evals_mcp.result_files.keyed_rows import keyed_rows
from evals_mcp.result_files.lines import MAX_KEYED_COLUMNS
from evals_mcp.results.comparisons.joining import KeyedRow, join
from evals_mcp.results.rows import ReadRow, RowVerdict
from evals_mcp.results.types.table import row_reader
from evals_schemas.digests import answer_key, row_key
from evals_schemas.evaluation_api.evaluations import EvaluationJob

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "classify": {
        "labels": ["good", "bad", "\u00e9"],
        "pass_labels": ["good"],
        "model_to_evaluate": {"model": "m"},
    },
    "score": {"min_score": 0, "max_score": 10, "pass_threshold": 5, "model_to_evaluate": "answer"},
    "compare": {"model_a": "answer", "model_b": {"model": "m"}},
    "benchmark": {"model_id": "m"},
}

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["good", "bad", "\u00e9", "A", "B", "Tie", "judge", "verdict", "\ud800", 'a "word"\n', "\\"]
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, 1, True, 1.0, -0.0, 0.5, 10**18, 2**63, 2**64, 10**40, 10**400, 1e23])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
COLUMNS = st.sampled_from(
    [
        *("label", "score", "final_decision", "choice_original", "choice_flipped", "failed_at"),
        *("is_invalid_judge_output", "is_incomplete", "judge_raw_output", "correct", "model_id"),
        *("MODEL_TO_EVALUATE_OUTPUT", "MODEL_TO_EVALUATE_OUTPUT_B", "id", "answer", "feedback"),
        *("a \u00e9", 'a "b"', "", "\ud800"),
    ]
)
ROWS = st.dictionaries(COLUMNS, VALUES, max_size=8)


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> str:
    """Return one of the spellings that JSON has for a value."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        names = draw(st.permutations(list(fields)))
        return (
            "{"
            + ", ".join(f"{draw(spelled(name))}: {draw(spelled(fields[name]))}" for name in names)
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(draw(spelled(item)) for item in cast("list[Any]", value)) + "]"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return draw(st.sampled_from([f"{value}", f"{value}.0", f"{value}e0", f"{value}.00E+0"]))
    if isinstance(value, str) and draw(st.booleans()):
        return '"' + "".join(f"\\u{unit:04x}" for unit in _utf16(value)) + '"'
    surrogates = isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value)
    return json.dumps(value, ensure_ascii=surrogates or draw(st.booleans()))


def _utf16(text: str) -> list[int]:
    encoded = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(encoded[at : at + 2]) for at in range(0, len(encoded), 2)]


ODD_LINES = st.sampled_from(
    [
        *(b"", b" \t\r", b"[1]", b"1", b"null", b'{"label": "go', b"<html>", b"\x1f\x8b\x08"),
        *(b'{"label": "bad", "id": "\xff"}', b'{"label": "\xff"}', b'{"id": "\x01"}', b"\xff"),
        *(b'{"label": NaN, "id": Infinity}', b'{"score": NaN}', b'{"score": 1e400}', b"{} {}"),
        *(b'{"label": "bad", "label": "good"}', b'{"id": 1, "id": 2, "new": 3}', b"{}", b"\x0c{}"),
        *(b'{"id": 007}', b'{"id": -0, "score": -0}', b'{"id": "\\ud800", "label": "good"}'),
        b'{"id": ' + b"7" * 4400 + b"}",
        b'{"feedback": [' + b"7" * 4301 + b"]}",
        b'{"id": "' + b"7" * 5000 + b'", "label": "good"}',
        b'{"id": ' + b"[" * 100_000 + b"}",
        b'{"label": "good", "id": ' + b"[" * 150 + b"]" * 150 + b"}",
        b'{"score": ' + b"9" * 400 + b"}",
    ]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    lines: list[bytes] = []
    for row in draw(st.lists(ROWS | ODD_LINES, max_size=12)):
        line = row if isinstance(row, bytes) else draw(spelled(row)).encode(errors="surrogatepass")
        lines += [line] * draw(st.sampled_from([1, 1, 2, 30]))
    start = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    end = draw(st.sampled_from([b"", b"\n", b"\r\n"]))
    return start + b"\n".join(lines) + end


@dataclass
class PlainReading:
    """What a result file says, read line by line with the `json` module alone."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    verdicts: list[RowVerdict] = field(default_factory=list[RowVerdict])
    columns: list[str] = field(default_factory=list[str])
    damaged: list[int] = field(default_factory=list[int])

    @classmethod
    def of(cls, content: bytes, read: ReadRow) -> PlainReading:
        reading = cls()
        for number, line in enumerate(content.split(b"\n"), 1):
            if not line or line.isspace():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
                verdict = read(row)
            except (ValueError, AttributeError, RecursionError, OverflowError):
                reading.damaged.append(number)
                continue
            if (label := verdict.verdict) is not None:
                verdict = verdict._replace(verdict=label.encode("utf-8", "replace").decode())
            reading.rows.append(row)
            reading.verdicts.append(verdict)
            reading.columns += [name for name in row if name not in reading.columns]
        return reading


@given(files(), st.sampled_from(sorted(PARAMETERS)))
def test_the_index_says_what_a_plain_reading_says(content: bytes, kind: str) -> None:
    read = row_reader(kind, PARAMETERS[kind])
    plain = PlainReading.of(content, read)
    with TemporaryDirectory() as folder, _indexed(Path(folder), content, read) as index:
        assert index.columns == plain.columns
        assert index.damage.lines == len(plain.damaged)
        assert index.damage.first_line == (plain.damaged[0] if plain.damaged else None)
        assert index.total() == len(plain.rows)
        every = list(index.every())
        assert [row.verdict for row in every] == plain.verdicts
        assert [repr(index.read(row)) for row in every] == [repr(row) for row in plain.rows]
        assert index.by_number([row.number for row in every]) == every
        counted = Counter(one._replace(score=None) for one in plain.verdicts)
        assert {count.verdict: count.rows for count in index.counts} == counted
        valid = [one.score for one in plain.verdicts if one.state == "ok" and one.score is not None]
        assert list(index.scores()) == sorted(valid)


@given(files(), st.sampled_from(["classify", "score"]), st.integers(1, 5))
def test_pages_have_each_matching_row_once_and_in_order(
    content: bytes, kind: str, limit: int
) -> None:
    read = row_reader(kind, PARAMETERS[kind])
    plain = list(enumerate(PlainReading.of(content, read).verdicts, 1))
    failing = Where("state = 'ok' AND passed = 0")
    low = Where().also_of_score("score <= :most", most=4)
    scored = [(one.score, number) for number, one in plain if one.score is not None]
    numbers_failing = [number for number, one in plain if one.passed is False]
    expected = [
        ("file", Where(), [number for number, _ in plain]),
        ("file", failing, numbers_failing),
        ("file", low, [number for score, number in scored if score <= 4]),
        (
            "score_descending",
            failing,
            [number for _, number in sorted(scored, reverse=True) if number in numbers_failing],
        ),
        ("score_ascending", Where(), [number for _, number in sorted(scored)]),
    ]
    with TemporaryDirectory() as folder, _indexed(Path(folder), content, read) as index:
        for order, where, numbers in expected:
            assert list(index.numbers(where, order)) == numbers
            pages, after = list[int](), None
            while page := index.page(where, order, limit, after):
                pages += [row.number for row in page]
                after = page[-1]
            assert pages == numbers
            if order == "file":
                assert index.matching(where) == len(numbers)


POOL = st.sampled_from(
    [
        *(
            1,
            2,
            "1",
            True,
            None,
            1.5,
            "caf\u00e9",
            "two\nlines",
            "a longer text than a key",
            '"\\"',
        ),
        *([1, {"a": 2}], {"a": 1, "b": [True]}, "\U0001f600", 10**20, -7, 0, "\ud800"),
    ]
)
JUDGED = st.fixed_dictionaries(
    {"label": st.sampled_from(["good", "bad", "neither"])},
    optional={"id": POOL, "question": POOL, "MODEL_TO_EVALUATE_OUTPUT": POOL},
)


@st.composite
def judged_files(draw: st.DrawFn) -> bytes:
    rows = draw(st.lists(JUDGED, min_size=1, max_size=14))
    return "\n".join(draw(spelled(row)) for row in rows).encode(errors="surrogatepass")


@given(judged_files(), judged_files(), st.sampled_from([["id"], ["id", "question"]]))
async def test_joins_by_the_index_are_those_of_the_digests(
    content_a: bytes, content_b: bytes, key: list[str]
) -> None:
    read = row_reader("classify", PARAMETERS["classify"])
    job = EvaluationJob.model_validate(
        {"workflow_id": "eval-1", "type": "classify", "parameters": PARAMETERS["classify"]}
        | {"status": "completed"}
    )

    def joined_by_index(folder: Path) -> Any:
        with (
            _indexed(folder / "a", content_a, read) as a,
            _indexed(folder / "b", content_b, read) as b,
        ):
            return join(keyed_rows(job, a, key), keyed_rows(job, b, key))

    def by_digests(content: bytes) -> list[KeyedRow]:
        plain = PlainReading.of(content, read)
        answer = "MODEL_TO_EVALUATE_OUTPUT"
        known = answer in plain.columns
        return [
            KeyedRow(
                number,
                row_key(row, key),
                answer_key([row.get(answer)] if known else [job.workflow_id]),
                verdict,
            )
            for number, (row, verdict) in enumerate(zip(plain.rows, plain.verdicts, strict=True), 1)
        ]

    with TemporaryDirectory() as folder:
        joined = await to_thread.run_sync(joined_by_index, Path(folder))
    assert joined == join(by_digests(content_a), by_digests(content_b))


def test_a_column_beyond_those_with_keys_is_joined_by_its_values(tmp_path: Path) -> None:
    names = [f"column {number}" for number in range(MAX_KEYED_COLUMNS + 1)]
    rows = [dict.fromkeys(names, value) for value in ("x", "a longer text than a key")]
    content = "\n".join(json.dumps(row) for row in rows).encode()
    with _indexed(tmp_path, content, row_reader("classify", {})) as index:
        first, last = (next(index.blocks([name])).keys for name in (names[0], names[-1]))
    assert first == last
    assert first[0][0] != first[0][1]


def test_rows_over_several_blocks_are_found_by_number_and_by_verdict(tmp_path: Path) -> None:
    rows = 10_000
    labels = ["bad" if number % 3000 == 0 else "good" for number in range(1, rows + 1)]
    content = "".join(
        f'{{"id": {number}, "label": "{label}"}}\n' for number, label in enumerate(labels, 1)
    ).encode()
    with _indexed(tmp_path, content, row_reader("classify", PARAMETERS["classify"])) as index:
        failing = Where("passed = 0")
        first = index.page(failing, "file", 2)
        assert [row.number for row in first] == [3000, 6000]
        assert [row.number for row in index.page(failing, "file", 2, first[-1])] == [9000]
        numbers = [1, rows, 4096, 4097, 8192]
        assert [index.read(row)["id"] for row in index.by_number(numbers)] == numbers
        for number in (0, -1, rows + 1, 2**70):
            with pytest.raises(KeyError):
                index.by_number([number])


async def test_an_index_of_an_older_format_is_built_again_without_a_download(
    tmp_path: Path,
) -> None:
    read = row_reader("classify", PARAMETERS["classify"])
    downloads: list[int] = []

    @asynccontextmanager
    async def download() -> AsyncGenerator[AsyncIterator[bytes]]:
        downloads.append(1)

        async def content() -> AsyncIterator[bytes]:
            yield b'{"label": "bad"}\n'

        yield content()

    files = ResultFiles(tmp_path, 10**9)
    async with files.open(ResultFile("a", "f", read), download):
        pass
    (index,) = tmp_path.glob("*/index.sqlite3")
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("DELETE FROM facts WHERE name = 'format'")
        connection.execute("DROP TABLE blocks")
        connection.commit()
    async with files.open(ResultFile("a", "f", read), download) as opened:
        assert (opened.total(), opened.damage) == (1, Damage())
    assert len(downloads) == 1
    assert sorted(path.name for path in index.parent.iterdir()) == ["index.sqlite3", "rows.jsonl"]


def _indexed(folder: Path, content: bytes, read: ReadRow) -> closing[ResultIndex]:
    folder.mkdir(exist_ok=True)
    rows, index = folder / "rows.jsonl", folder / "index"
    rows.write_bytes(content)
    build_index(rows, index, read)
    return closing(ResultIndex(rows, index))
